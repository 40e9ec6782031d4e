"""Accepted and relayed are told apart: what the mailbox says of each mail that was sent.

In: the rows, and what arrived. Out: the rows, with the ends of their mails.
How it fails: never; a mail that did not turn up anywhere could not be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gatepost.probe.mailbox import Arrived
from gatepost.probe.permission import within
from gatepost.probe.rows import Row


def with_arrivals(rows: Iterable[Row], arrived: Iterable[Arrived], target: str) -> list[Row]:
    """Each row with what became of its mail."""
    by_mark: dict[str, list[Arrived]] = {}
    for one in arrived:
        by_mark.setdefault(one.mark, []).append(one)
    return [_with_end(row, by_mark, target) if row.mark else row for row in rows]


def _with_end(row: Row, by_mark: dict[str, list[Arrived]], target: str) -> Row:
    if not row.carrier:
        return _ended(row, by_mark.get(row.mark, []), target)
    if any(not one.is_notice for one in by_mark.get(row.mark, [])):
        return replace(row, outcome="relayed", why="the mail hidden in the other arrived as one of its own")
    if any(not one.is_notice for one in by_mark.get(row.carrier, [])):
        return replace(row, outcome="closed", why="both arrived as one mail")
    return replace(row, why="neither mail arrived in time")


def without_mail(row: Row) -> Row:
    """Where mails are sent to tell accepted and relayed apart, accepted alone is no answer."""
    if row.kind != "relay" or row.outcome != "accepted" or row.mark:
        return row
    return replace(row, outcome="unknown", why="accepted, but enough mails had been sent already")


def _ended(row: Row, arrived: list[Arrived], target: str) -> Row:
    if any(not one.is_notice for one in arrived):
        return replace(row, outcome="relayed", why="the mail arrived in the mailbox")
    if not arrived:
        end = "the mail did not arrive in time, and did not come back: delivered there, kept, or lost"
        return replace(row, outcome="accepted" if row.outcome == "accepted" else "unknown", why=row.why or end)
    notice = next((one for one in arrived if one.is_final), arrived[0])
    if not notice.is_final:
        return replace(row, outcome="unknown", why=f"the server still has it: {notice.said}")
    if not notice.handed_to or notice.handed_to.lower() in ("localhost", "127.0.0.1", "::1"):
        return replace(row, outcome="returned", why=f"accepted, then sent back (backscatter): {notice.said}")
    if within(notice.handed_to, target.rpartition("@")[2].lower()):
        return replace(row, outcome="relayed", why=f"it was handed on to {notice.handed_to}, which refused it")
    return replace(row, outcome="unknown", why=f"it came back after it was handed on to {notice.handed_to}")

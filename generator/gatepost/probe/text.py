"""The report as a page of text: the answer first, then whatever is not simply closed.

In: a report. Out: lines, each with a style for the terminal.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gatepost.probe import words
from gatepost.probe.rows import Row
from gatepost.probe.run import Report

Style = Literal["head", "good", "bad", "doubt", "plain", "dim"]
_STYLES: dict[str, Style] = {"closed": "good", "open": "bad", "could not tell": "doubt"}
_MOST = 20
_WIDE = 110


@dataclass(frozen=True)
class Line:
    """One line."""

    text: str
    style: Style = "plain"


def lines(report: Report) -> Iterator[Line]:
    """The page."""
    yield Line(f"{report.host}: {words.summary(report)}", _STYLES[report.verdict])
    if report.verdict != "closed" or report.asked.mailbox:
        yield Line(f"  {words.meaning(report)}", "dim")
    for name, text in words.facts(report):
        yield from _pair(name, text)
    for note in report.notes:
        yield from _pair("note", note)
    for door in report.doors:
        yield Line("")
        yield Line(f"The front door, {door.channel}", "head")
        for name, text, good in words.of_door(door, report.host):
            yield from _pair(name, text, "bad" if good is False else "plain")
    yield from _rows(report)


def _rows(report: Report) -> Iterator[Line]:
    by_channel: dict[str, list[Row]] = defaultdict(list)
    for row in report.rows:
        by_channel["ports behind the filter" if row.kind == "port" else str(row.channel)].append(row)
    for channel, rows in by_channel.items():
        yield Line("")
        counts = Counter(row.word for row in rows)
        yield Line(f"{channel}: {', '.join(f'{n} {word}' for word, n in counts.most_common())}", "head")
        told = [row for row in rows if row.outcome != "closed"]
        for (word, why), same in _alike(told).items():
            yield from _row(same, word, why)


def _alike(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[(row.word, words.of_row(row))].append(row)
    return found


def _row(rows: list[Row], word: str, why: str) -> Iterator[Line]:
    style = _STYLES[rows[0].verdict]
    for row in rows[:_MOST]:
        yield from _wrapped(f"  {word}: {row.what}  {words.envelope_of(row)}".rstrip(), style)
    if len(rows) > _MOST:
        yield Line(f"  {word}: and {len(rows) - _MOST} more like these", style)
    yield from _wrapped(f"      {why}", "dim")


def _pair(name: str, text: str, style: Style = "plain") -> Iterator[Line]:
    yield from _wrapped(f"  {name}: {text}", style)


def _wrapped(text: str, style: Style) -> Iterator[Line]:
    indent = " " * (len(text) - len(text.lstrip()))
    for part in textwrap.wrap(text.strip(), _WIDE, initial_indent=indent, subsequent_indent=f"{indent}    "):
        yield Line(part, style)

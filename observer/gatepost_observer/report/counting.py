"""Rows of flow.sql and arrivals.sql, added up: the totals of a period, of a day, of an hour.

In: rows. Out: counts by their names. A mail that passes several instances is counted where it came in and where it
left; what happened in between has names of its own (`…_inside`). Pure.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

Row = dict[str, Any]
Figures = dict[str, Any]

# What a filter did that keeps a mail from its recipient.
STOPPED: Final = ("quarantined", "discarded", "rejected", "bounced", "held")


def summed(flow: list[Row], arrivals: list[Row]) -> Figures:
    """The totals of a period, or of a part of one."""
    count: Counter[str] = Counter()
    for row in flow:
        _count(count, row)
    for row in arrivals:
        way = "from_inside" if row["ours"] else "from_outside"
        count[f"{way}.mails"] += row["mails"]
        count[f"{way}.recipients"] += row["recipients"] or 0
        count[f"{way}.bytes"] += row["bytes"] or 0
        count["bytes_received"] += row["bytes"] or 0
    return {
        **{name: count[name] for name in COUNTED},
        **{way: {k: count[f"{way}.{k}"] for k in ("mails", "recipients", "bytes")} for way in WAYS},
    }


WAYS: Final = ("from_outside", "from_inside")
COUNTED: Final = (
    "received", "bytes_received", "delivered", "bytes_delivered", "forwarded", "deferred", "returned", "refused",
    "refused_for_now", "reject_warnings", "held", "discarded", "spam", "viruses", "attachments", "stopped",
    "connections",
    "notices", "closed", "logins", "logins_failed", "warnings", "received_inside", "delivered_inside", "bytes_inside",
)  # fmt: skip


def _count(count: Counter[str], row: Row) -> None:
    kind, many, size = row["kind"], row["events"], row["bytes"] or 0
    match kind:
        case "accepted" if not row["inside"]:
            count["received"] += many
        case "accepted":
            count["received_inside"] += many
        case "delivered" if not row["inside"]:
            count["delivered"] += many
            count["bytes_delivered"] += size
        case "delivered" if row["action"] == "forwarded":
            count["forwarded"] += many
        case "delivered":
            count["delivered_inside"] += many
            count["bytes_inside"] += size
        case "connect":
            count["connections"] += many
        case "refused":
            count["refused"] += many
            count["refused_for_now"] += many if row["action"] == "for-now" else 0
        case "filtered":
            _count_filtered(count, row)
        case "login":
            count["logins_failed" if row["action"] == "failed" else "logins"] += many
        case "warning":
            count["reject_warnings" if row["reason"] == "reject-warning" else "warnings"] += many
        case "notice":
            count["notices"] += many
        case _:
            count[kind] += many


def _count_filtered(count: Counter[str], row: Row) -> None:
    names = {"spam": "spam", "virus": "viruses", "attachment": "attachments"}
    if row["reason"] in names:
        count[names[row["reason"]]] += row["events"]
    if row["action"] in STOPPED:
        count["stopped"] += row["events"]
    if row["action"] in ("held", "discarded"):
        count[row["action"]] += row["events"]

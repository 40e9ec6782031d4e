"""The numbers of a report, made from a tally: by day and hour, by domain, by address.

In: a Tally. Out: the report's tables, the long ones as rows, since a busy log names a hundred thousand people;
`as_json` names their columns. All text in them is safe to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final

from gatepost_observer.parse.text import shown
from gatepost_observer.summary.details import Refusals, Table
from gatepost_observer.summary.tally import MESSAGE, Tally

Row = tuple[Any, ...]

# The columns of the tables that are rows.
ROWS: Final = {
    "senders": ("address", "messages", "bytes"),
    "recipients": ("address", "messages", "bytes"),
    "sender_domains": ("domain", "messages", "bytes"),
    "recipient_domains": ("domain", "messages", "bytes", "deferrals", "delay_average", "delay_longest"),
}
_BYTES: Final = MESSAGE - 1
_PLAIN: Final = bytes(range(32, 127)) + b"\n"
NAMES: Final = ("received", "delivered", "deferred", "bounced", "rejected")


def numbers(tally: Tally) -> dict[str, Any]:
    """All numbers of the report."""
    details = tally.details
    senders, sender_domains = _senders(tally)
    recipients, recipient_domains = _recipients(tally)
    sums = [sum(column) for column in zip(*tally.hours.values(), strict=True)] or [0] * 5
    refused = details.rejected
    everything = sums[1] + refused + details.discarded
    return {
        "lines": tally.lines,
        "lines_of_postfix": tally.lines - tally.others,
        "totals": {
            "received": sums[0],
            "delivered": sums[1],
            "forwarded": tally.forwarded,
            "deferred": tally.deferred_mails,
            "deferrals": sums[2],
            "bounced": sums[3],
            "rejected": refused,
            "rejected_percent": refused * 100 // everything if everything else 0,
            "reject_warnings": details.reject_warnings,
            "held": details.held,
            "discarded": details.discarded,
            "discarded_percent": details.discarded * 100 // everything if everything else 0,
            "bytes_received": tally.size_received,
            "bytes_delivered": tally.size_delivered,
            "senders": len(senders),
            "sending_domains": len(sender_domains),
            "recipients": len(recipients),
            "recipient_domains": sum(1 for row in recipient_domains if row[1]),
        },
        "days": _days(tally),
        "hours": _hours(tally),
        "recipient_domains": recipient_domains,
        "sender_domains": sender_domains,
        "senders": senders,
        "recipients": recipients,
        "without_size": {shown(qid): shown(who) for qid, who in sorted(tally.without_size.items())},
        "deferrals": _table(details.deferrals),
        "bounces": _table(details.bounces),
        "rejects": _refusals(details.rejects),
        "reject_warnings": _refusals(details.warns),
        "holds": _refusals(details.holds),
        "discards": _refusals(details.discards),
        "delivery_failures": _table(details.failures),
        "warnings": _table(details.warnings),
        "fatals": _table(details.fatals),
        "panics": _table(details.panics),
        "master": _shown_keys(details.masters),
    }


def as_json(told: dict[str, Any]) -> dict[str, Any]:
    """The tables with the names of their columns."""
    named = {table: [dict(zip(names, row, strict=True)) for row in told[table]] for table, names in ROWS.items()}
    return {**told, **named}


def _domain(address: bytes) -> bytes:
    """What stands behind the at sign; without one, the whole."""
    return address.rpartition(b"@")[2] if address[:1] == b'"' else address.partition(b"@")[2] or address


def _lower(table: dict[bytes, int]) -> dict[bytes, int]:
    """The same with all domains in lower case; the local part is its owner's business."""
    joined = b"\n".join(table)
    if joined == joined.lower():
        return table
    lower: dict[bytes, int] = {}
    for raw, sums in table.items():
        low = _domain(raw).lower() if b"@" in raw else b""
        key = raw[: len(raw) - len(low)] + low
        lower[key] = lower.get(key, 0) + sums
    return lower


def _senders(tally: Tally) -> tuple[list[Row], list[Row]]:
    people = _lower(tally.senders)
    places = {client or b"from=<>": sums for client, sums in tally.nobody.items()}
    for who, sums in people.items():
        if b"@" in who:
            place = _domain(who)
            places[place] = places.get(place, 0) + sums
    if b"" in people:
        people = {who or b"from=<>": sums for who, sums in people.items()}
    return _listed(people), sorted(_listed(places), key=itemgetter(1, 2), reverse=True)


def _listed(table: dict[bytes, int]) -> list[Row]:
    keys = sorted(table)
    return [
        (text, sums >> 48, sums & _BYTES)
        for text, sums in zip(_all_shown(keys), map(table.__getitem__, keys), strict=True)
    ]


def _all_shown(keys: list[bytes]) -> Iterable[str]:
    """All of them as text that may be shown; at once, where none holds anything unusual."""
    joined = b"\n".join(keys)
    if joined.translate(None, _PLAIN) or joined.count(b"\n") != len(keys) - 1:
        return map(shown, keys)
    return joined.decode("ascii").split("\n") if keys else []


def _recipients(tally: Tally) -> tuple[list[Row], list[Row]]:
    people = _lower(tally.recipients)
    places: dict[bytes, int] = {}
    for who, sums in people.items():
        place = _domain(who)
        places[place] = places.get(place, 0) + sums
    delays: dict[bytes, list[float]] = {}
    for raw, more in tally.domains.items():
        entry = delays.setdefault(raw.lower() if raw not in places else raw, [0, 0.0, 0.0])
        entry[:] = entry[0] + more[0], entry[1] + more[1], max(entry[2], more[2])
    rows = []
    for place, (deferrals, total, longest) in delays.items():
        count, size = places.get(place, 0) >> 48, places.get(place, 0) & _BYTES
        rows.append((shown(place), count, size, int(deferrals), total / count if count else 0.0, longest))
    return _listed(people), sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


def _days(tally: Tally) -> list[dict[str, Any]]:
    days: dict[str, list[int]] = {day: [0] * 5 for day in sorted(tally.days)}
    for (day, _), counts in tally.hours.items():
        days[day] = [a + b for a, b in zip(days.get(day, [0] * 5), counts, strict=True)]
    return [{"day": day, **dict(zip(NAMES, counts, strict=True))} for day, counts in sorted(days.items())]


def _hours(tally: Tally) -> list[dict[str, Any]]:
    hours = [[0] * 5 for _ in range(24)]
    for (_, hour), counts in tally.hours.items():
        if hour < 24:
            hours[hour] = [a + b for a, b in zip(hours[hour], counts, strict=True)]
    return [{"hour": hour, **dict(zip(NAMES, counts, strict=True))} for hour, counts in enumerate(hours)]


def _table(table: Table) -> dict[str, dict[str, int]]:
    return {shown(key): _shown_keys(entries) for key, entries in sorted(table.items())}


def _shown_keys(entries: dict[bytes, int]) -> dict[str, int]:
    """The same with keys that may be shown; different bytes that look the same then are added up."""
    keys = list(entries)
    told = dict(zip(_all_shown(keys), entries.values(), strict=True))
    if len(told) == len(keys):
        return told
    told = {}
    for key in keys:
        told[shown(key)] = told.get(shown(key), 0) + entries[key]
    return told


def _refusals(table: Refusals) -> dict[str, dict[str, dict[str, int]]]:
    return {shown(key): _table({k: v for k, v in entries.items() if v}) for key, entries in sorted(table.items())}

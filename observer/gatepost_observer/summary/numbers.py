"""The numbers of a report, made from a tally: by day and hour, by domain, by address.

In: a Tally. Out: the report's tables, the long ones as they are counted, since a busy log names a hundred thousand
people; `as_json` names their columns. All text in them is safe to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final

from gatepost_observer.summary.details import Details, Refusals, Table, total
from gatepost_observer.summary.tally import MESSAGE, Tally

Row = tuple[Any, ...]

# The columns of the tables that are rows.
ROWS: Final = {
    "senders": ("address", "messages", "bytes"),
    "recipients": ("address", "messages", "bytes"),
    "sender_domains": ("domain", "messages", "bytes"),
    "recipient_domains": ("domain", "messages", "bytes", "deferrals", "delay_average", "delay_longest"),
}
BYTES: Final = MESSAGE - 1
PEOPLE: Final = ("senders", "recipients")
_PLAIN: Final = bytes(range(32, 127))
NAMES: Final = ("received", "delivered", "deferred", "bounced", "rejected")


def shown(raw: bytes) -> str:
    """The bytes as text that may be shown."""
    if not raw.translate(None, _PLAIN):
        return raw.decode("ascii")
    from gatepost_observer.parse.text import shown as escaped  # takes time to load, and is seldom needed

    return escaped(raw)


def numbers(tally: Tally) -> dict[str, Any]:
    """All numbers of the report."""
    return {**traffic(tally), **troubles(tally.details)}


def traffic(tally: Tally) -> dict[str, Any]:
    """How much there was, when, from whom, and to whom."""
    details = tally.details
    senders, sender_domains = _senders(tally)
    recipients, recipient_domains = _recipients(tally)
    sums = [sum(column) for column in zip(*tally.hours.values(), strict=True)] or [0] * 5
    refused, discarded = total(details.rejects), total(details.discards)
    everything = sums[1] + refused + discarded
    return {
        "totals": {
            "received": sums[0],
            "delivered": sums[1],
            "forwarded": tally.forwarded,
            "deferred": tally.deferred_mails,
            "deferrals": sums[2],
            "bounced": sums[3],
            "rejected": refused,
            "rejected_percent": refused * 100 // everything if everything else 0,
            "reject_warnings": total(details.warns),
            "held": total(details.holds),
            "discarded": discarded,
            "discarded_percent": discarded * 100 // everything if everything else 0,
            "bytes_received": sum(tally.senders.values()) & BYTES,
            "bytes_delivered": sum(tally.recipients.values()) & BYTES,
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
    }


def troubles(details: Details) -> dict[str, Any]:
    """What was refused, put off, or given up, and what was warned of."""
    return {
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
    people = {table: [(who, sums >> 48, sums & BYTES) for who, sums in by_name(told[table])] for table in PEOPLE}
    rows = {**told, **people}
    named = {table: [dict(zip(names, row, strict=True)) for row in rows[table]] for table, names in ROWS.items()}
    return {**told, **named}


def by_name(table: dict[str, int]) -> list[tuple[str, int]]:
    """The entries in the order of their names; quicker than to sort pairs."""
    return [(name, table[name]) for name in sorted(table)]


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


def _senders(tally: Tally) -> tuple[dict[str, int], list[Row]]:
    people = _lower(tally.senders)
    places = {client or b"from=<>": sums for client, sums in tally.nobody.items()}
    for place, sums in zip(_domains(people), people.values(), strict=True):
        if place:
            places[place] = places.get(place, 0) + sums
    if b"" in people:
        people = {who or b"from=<>": sums for who, sums in people.items()}
    rows = [(place, sums >> 48, sums & BYTES) for place, sums in sorted(_shown_keys(places).items())]
    return _shown_keys(people), sorted(rows, key=itemgetter(1, 2), reverse=True)


def _domains(people: dict[bytes, int]) -> list[bytes]:
    """The domain of each address; nothing where there is none."""
    if b'"' in b"".join(people):
        return [_domain(who) if b"@" in who else b"" for who in people]
    return [who.partition(b"@")[2] for who in people]


def _all_shown(keys: list[bytes]) -> Iterable[str]:
    """All of them as text that may be shown; at once, where none holds anything unusual."""
    joined = b"\n".join(keys)
    if joined.translate(None, _PLAIN + b"\n") or joined.count(b"\n") != len(keys) - 1:
        return map(shown, keys)
    return joined.decode("ascii").split("\n") if keys else []


def _recipients(tally: Tally) -> tuple[dict[str, int], list[Row]]:
    people = _lower(tally.recipients)
    places: dict[bytes, int] = {}
    for who, place, sums in zip(people, _domains(people), people.values(), strict=True):
        place = place or who
        places[place] = places.get(place, 0) + sums
    delays: dict[bytes, list[float]] = {}
    for raw, more in tally.domains.items():
        entry = delays.setdefault(raw.lower() if raw not in places else raw, [0, 0.0, 0.0])
        entry[:] = entry[0] + more[0], entry[1] + more[1], max(entry[2], more[2])
    rows = []
    for place, (deferrals, delay, longest) in delays.items():
        count, size = places.get(place, 0) >> 48, places.get(place, 0) & BYTES
        rows.append((shown(place), count, size, int(deferrals), delay / count if count else 0.0, longest))
    return _shown_keys(people), sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


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

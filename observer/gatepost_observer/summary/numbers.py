"""The numbers of a report, made from a tally: by day and hour, by domain, by address.

In: a Tally. Out: plain dictionaries, as `--json` prints them; the text is made from the same. All text in them is safe to
show.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatepost_observer.parse.text import shown
from gatepost_observer.summary.details import Refusals, Table
from gatepost_observer.summary.tally import Tally

NAMES = ("received", "delivered", "deferred", "bounced", "rejected")


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
            "recipients": sum(1 for r in recipients if r["messages"]),
            "recipient_domains": sum(1 for d in recipient_domains if d["messages"]),
        },
        "days": _days(tally),
        "hours": _hours(tally),
        "recipient_domains": recipient_domains,
        "sender_domains": sender_domains,
        "senders": senders,
        "recipients": [r for r in recipients if r["messages"]],
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
        "master": {shown(text): count for text, count in details.masters.items()},
    }


def address(raw: bytes) -> bytes:
    """An address with its domain in lower case; the local part is its owner's business."""
    local, at, domain = raw.partition(b"@") if raw[:1] != b'"' else raw.rpartition(b"@")
    return local + at + domain.lower() if at else raw


def domain(raw: bytes) -> bytes:
    """What stands behind the address's at sign."""
    return raw.rpartition(b"@")[2] if raw[:1] == b'"' else raw.partition(b"@")[2] or raw


def _senders(tally: Tally) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people: dict[bytes, list[int]] = {}
    places: dict[bytes, list[int]] = {}
    for raw, (messages, size) in tally.senders.items():
        who = address(raw) or b"from=<>"
        _plus(people, who, messages, size)
        if b"@" in who:
            _plus(places, domain(who), messages, size)
    for client, (messages, size) in tally.nobody.items():
        _plus(places, client or b"from=<>", messages, size)
    return list(_listed(people, "address")), list(_listed(places, "domain"))


def _plus(table: dict[bytes, list[int]], key: bytes, messages: int, size: int) -> None:
    entry = table.setdefault(key, [0, 0])
    entry[0] += messages
    entry[1] += size


def _listed(table: dict[bytes, list[int]], name: str) -> Iterator[dict[str, Any]]:
    ordered = sorted(table.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    for key, (messages, size) in ordered:
        yield {name: shown(key), "messages": messages, "bytes": size}


def _recipients(tally: Tally) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people: dict[bytes, list[int]] = {}
    places: dict[bytes, list[float]] = {}
    for raw, (messages, size, deferrals, delays, longest) in tally.recipients.items():
        who = address(raw)
        _plus(people, who, int(messages), int(size))
        entry = places.setdefault(domain(who), [0, 0, 0, 0.0, 0.0])
        entry[0] += messages
        entry[1] += size
        entry[2] += deferrals
        entry[3] += delays
        entry[4] = max(entry[4], longest)
    ordered = sorted(places.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return list(_listed(people, "address")), [
        {
            "domain": shown(key),
            "messages": int(messages),
            "bytes": int(size),
            "deferrals": int(deferrals),
            "delay_average": delays / messages if messages else 0.0,
            "delay_longest": longest,
        }
        for key, (messages, size, deferrals, delays, longest) in ordered
    ]


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
    return {shown(key): {shown(k): n for k, n in entries.items()} for key, entries in sorted(table.items())}


def _refusals(table: Refusals) -> dict[str, dict[str, dict[str, int]]]:
    return {shown(key): _table({k: v for k, v in entries.items() if v}) for key, entries in sorted(table.items())}

"""What was hit and what was said: reasons, entries of the lists, failed logins, warnings, signatures, lock-outs.

In: rows of rare.sql and entries.sql. Out: rows as the report tells them. Pure; it fails never.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any, Final

from gatepost_observer.known import Entry, Known

Row = dict[str, Any]
_NUMBERS: Final = re.compile(r"#[#.:]*")  # an address is one number, however many digits it has
_FIELDS: Final = {
    "blocked-client": "client",
    "blocked-sender": "sender",
    "blocked-recipient": "recipient",
    "blocked-helo": "helo",
    "blocked-term": "text",
}


def reasons(rows: list[Row], top: int) -> dict[str, list[Row]]:
    """Why mail was put off, and why it was given up; the commonest first, with one text as it was said."""
    told: dict[str, dict[tuple[Any, ...], Row]] = {"deferred": {}, "returned": {}}
    for row in (row for row in rows if row["kind"] in told):
        key = (row["program"], row["code"], row["status"], _NUMBERS.sub("#", row["shape"] or row["reason"] or ""))
        one = told[row["kind"]].setdefault(key, _reason(row))
        one["recipients"] += row["events"]
        one["text"] = min(one["text"], row["sample"] or one["text"])
    return {kind: _first(list(of_kind.values()), "recipients", top) for kind, of_kind in told.items()}


def _reason(row: Row) -> Row:
    said = row["sample"] or row["reason"] or "without a reason"
    return {"text": said, "code": row["code"], "status": row["status"], "program": row["program"], "recipients": 0}


def _first(rows: list[Row], what: str, top: int) -> list[Row]:
    return sorted(rows, key=lambda row: (-row[what], row["text"]))[:top]


def entries(blocked: list[Row], scored: list[Row], known: Known) -> dict[str, Any]:
    """The entries of the lists by hits, and those that nothing hit."""
    hits: Counter[int] = Counter()
    last: dict[int, datetime] = {}
    places = {id(entry): number for number, entry in enumerate(known.entries)}
    unplaced = 0
    for row, event in [*((row, _refused(row)) for row in blocked), *((row, _filtered(row)) for row in scored)]:
        entry = known.entry(event)
        many = row.get("events", row.get("mails", 0))
        if entry is None:
            unplaced += many
            continue
        number = places[id(entry)]
        hits[number] += many
        if row.get("last"):
            last[number] = max(last.get(number, row["last"]), row["last"])
    numbers = sorted(range(len(known.entries)), key=lambda n: (-hits[n], n))
    return {
        "hit": [_entry(known.entries[n], hits[n], last.get(n)) for n in numbers if hits[n]],
        "never_hit": [_entry(known.entries[n], 0, None) for n in numbers if _idle(known.entries[n], hits[n])],
        "not_in_the_policy": unplaced if known.entries else 0,
    }


def _idle(entry: Entry, hits: int) -> bool:
    """Whether nothing hit it, and a hit would have been seen: what an allowed client may do, nobody tells."""
    return not hits and (entry.list == "block" or entry.field in ("sender", "recipient", "term"))


def _refused(row: Row) -> dict[str, Any]:
    return {"kind": "refused", "reason": row["reason"], _FIELDS[row["reason"]]: row["value"]}


def _filtered(row: Row) -> dict[str, Any]:
    return {"kind": "filtered", "tests": row["name"]}


def _entry(entry: Entry, hits: int, last: datetime | None) -> Row:
    return {
        "list": entry.list, "field": entry.field, "value": entry.value, "reason": entry.reason, "line": entry.line,
        "until": entry.until, "hits": hits, "last": last.isoformat(timespec="seconds") if last else None,
    }  # fmt: skip


def rare(rows: list[Row], top: int) -> dict[str, Any]:
    """Failed logins, warnings of daemons, signatures, starts and stops, lock-outs."""
    of_kind: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_kind[row["kind"]].append(row)
    return {
        "logins_failed": _logins([row for row in of_kind["login"] if (row["code"] or 0) >= 400], top),
        "warnings": _warnings(of_kind["warning"], top),
        "signatures": _signatures(of_kind["signatures"]),
        "daemons": _daemons(of_kind["started"]),
        "lock_outs": _lock_outs(of_kind["lock-out"], top),
    }


def _logins(rows: list[Row], top: int) -> dict[str, list[Row]]:
    told: dict[str, list[Row]] = {}
    for name, column in (("by_client", "client"), ("by_user", "user")):
        count: Counter[str] = Counter()
        for row in rows:
            if row[column]:
                count[row[column]] += row["events"]
        first = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:top]
        told[name] = [{"name": who, "attempts": many} for who, many in first]
    return told


def _warnings(rows: list[Row], top: int) -> dict[str, Any]:
    """By severity, and the texts; what differs in numbers alone is one, whichever host said it."""
    severity: Counter[str] = Counter()
    texts: Counter[tuple[str, str, str]] = Counter()
    samples: dict[tuple[str, str, str], str] = {}
    for row in rows:
        reason = row["reason"] or "warning"
        severity[reason] += row["events"]
        key = (reason, row["program"] or "", row["shape"] or "")
        texts[key] += row["events"]
        samples[key] = min(samples.get(key, row["sample"] or ""), row["sample"] or "")
    first = sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return {
        "by_severity": [{"severity": name, "times": many} for name, many in severity.most_common()],
        "texts": [{"severity": key[0], "program": key[1], "text": samples[key], "times": many} for key, many in first],
    }


def _signatures(rows: list[Row]) -> list[Row]:
    """What each server loaded last, and failures."""
    newest: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row["host"] or "", row["program"] or "", row["action"] or "")
        if key not in newest or row["last"] > newest[key]["last"]:
            newest[key] = row
    return [
        {"host": host, "program": program, "action": action, "text": row["shape"],
         "last": row["last"].isoformat(timespec="seconds")}
        for (host, program, action), row in sorted(newest.items())
    ]  # fmt: skip


def _daemons(rows: list[Row]) -> list[Row]:
    count: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        count[row["host"] or "", row["program"] or "", row["action"] or ""] += row["events"]
    return [
        {"host": host, "program": program, "action": action, "times": many}
        for (host, program, action), many in sorted(count.items())
    ]


def _lock_outs(rows: list[Row], top: int) -> list[Row]:
    """Who was locked out for guessing addresses, where and how often; and how often somebody ended it."""
    told: dict[tuple[str, str], Row] = {}
    for row in rows:
        host, client = row["host"] or "", row["client"] or ""
        one = told.setdefault((host, client), {"client": client, "host": host, "times": 0, "lifted": 0, "last": None})
        if row["action"] == "started":
            one["times"] += row["events"]
            one["last"] = row["last"].isoformat(timespec="seconds")
        elif row["action"] == "lifted":
            one["lifted"] += row["events"]
    begun = (one for one in told.values() if one["times"] or one["lifted"])
    return sorted(begun, key=lambda one: (-one["times"], one["client"], one["host"]))[:top]

"""The figures: everything that a report says, as plain data. This is what `--json` prints; docs/report.md explains it.

In: an engine with the view `events`, a period, what is known of the policy. Out: nested dicts of texts and numbers, in
a stable order, the same from every engine. A mail that passes several instances is counted once: where it came in, and
where it left. It fails with what the engine fails with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from gatepost_observer import queries
from gatepost_observer.known import Known
from gatepost_observer.queries import Scope
from gatepost_observer.report import hits, places
from gatepost_observer.report.counting import COUNTED, WAYS, summed
from gatepost_observer.report.period import Period
from gatepost_observer.report.series import series
from gatepost_observer.store.engine import Engine

VERSION: Final = 1
Figures = dict[str, Any]
Row = dict[str, Any]

# A slot of flow.sql that no period fills: everything falls into one.
_ALL: Final = 1 << 40


@dataclass(frozen=True)
class Wanted:
    """What a report is asked for."""

    period: Period
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    top: int = 10
    zone: tzinfo | None = None
    whole: bool = False  # the engine holds nothing outside of the period
    countries: str | None = None
    unknown: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def scope(self, period: Period, *, whole: bool = False) -> Scope:
        """The same, as the questions take it."""
        values = {"own": sorted(self.own), "top": self.top}
        since, until = (None, None) if whole else (period.since, period.until)
        return Scope(since, until, self.hosts, self.domains, values)


def gathered(engine: Engine, wanted: Wanted, known: Known) -> Figures:
    """Ask everything, but for what was before."""
    scope = wanted.scope(wanted.period, whole=wanted.whole)
    ask = _Asker(engine, scope)
    networks = places.networks(ask("networks"))
    flow, arrivals = _flow(engine, scope, known, networks, _grain(wanted))
    totals = summed(flow, arrivals)
    recipients = ask("recipients")
    found: Figures = {
        "version": VERSION,
        "organisation": known.organisation,
        "policy": known.policy,
        "period": _told_period(wanted),
        "hosts": list(wanted.hosts),
        "domains": list(wanted.domains),
        "own_domains": sorted(wanted.own),
        "notes": list(wanted.notes),
        "totals": totals | _destinations(recipients, wanted) | {"spread": _many(ask("senders"), recipients)},
    }
    found |= {"before": None, "change": {}}
    found |= series(flow, arrivals, wanted.period, wanted.zone)
    found["refused"] = _refused(flow, known, ask("refusals"))
    found["filtered"] = _filtered(flow, ask("findings"), known)
    found["from"] = places.told(networks, wanted.countries, wanted.top)
    found["senders"] = _boards(ask("senders"), ("mails", "bytes", "domains"))
    found["recipients"] = _recipients(recipients)
    found["next_hops"] = ask("hops")
    found["reasons"] = hits.reasons(ask("rare"), wanted.top)
    found["tls"] = _tls(flow)
    found |= hits.rare(ask("rare"), wanted.top)
    found["entries"] = hits.entries(ask("entries"), ask.board("findings", "rules"), known)
    found["not_understood"] = _not_understood(wanted)
    return found


class _Asker:
    """Asks each question once."""

    def __init__(self, engine: Engine, scope: Scope) -> None:
        self._engine, self._scope = engine, scope
        self._answers: dict[str, list[Row]] = {}

    def __call__(self, name: str) -> list[Row]:
        if name not in self._answers:
            self._answers[name] = self._engine.rows(*queries.asked(name, self._scope))
        return self._answers[name]

    def board(self, name: str, board: str) -> list[Row]:
        return [row for row in self(name) if row["board"] == board]


def _grain(wanted: Wanted) -> int:
    """An hour where the zone's hours are those of UTC, else a quarter of one."""
    offset = wanted.period.since.astimezone(wanted.zone).utcoffset() or timedelta()
    return 4 if offset % timedelta(hours=1) == timedelta() else 1


def _flow(
    engine: Engine, scope: Scope, known: Known, networks: list[Row], quarters: int
) -> tuple[list[Row], list[Row]]:
    """The two series that everything else is added up from; slots become moments."""
    scope = replace(scope, values={**scope.values, "quarters": quarters})
    callers = [row["network"] for row in networks if row["accepted"] and ":" in row["network"]]
    ours = [client for client in callers if known.is_internal(client)]
    flow = engine.rows(*queries.asked("flow", scope))
    arrivals = engine.rows(*queries.arrivals(scope, ("127.0.0.0/8", *known.internal), ours))
    moments: dict[int, datetime] = {}
    for row in (*flow, *arrivals):
        slot = row["slot"]
        if slot not in moments:
            moments[slot] = datetime.fromtimestamp(slot * quarters * 900 if quarters < _ALL else 0, UTC)
        row["at"] = moments[slot]
    return flow, arrivals


def _destinations(recipients: list[Row], wanted: Wanted) -> Figures:
    """How many recipients were ours, how many elsewhere; unknown without own domains."""
    names = {"ours": "to_us", "elsewhere": "to_others"}
    empty = {"recipients": 0, "bytes": 0, "deferred": 0, "returned": 0}
    told: Figures = {name: dict(empty) if wanted.own else None for name in names.values()}
    for row in recipients:
        if row["board"] in names and wanted.own:
            told[names[row["board"]]] = {
                "recipients": row["mails"] or 0, "bytes": row["bytes"] or 0,
                "deferred": row["deferred"] or 0, "returned": row["returned"] or 0,
            }  # fmt: skip
    return told


def _many(senders: list[Row], recipients: list[Row]) -> Figures:
    sent = {row["name"]: row["mails"] for row in senders if row["board"] == "many"}
    got = {row["name"]: row["many"] for row in recipients if row["board"] == "many"}
    return {
        "senders": sent.get("senders") or 0,
        "sender_domains": sent.get("domains") or 0,
        "recipients": got.get("recipients") or 0,
        "recipient_domains": got.get("domains") or 0,
    }


def _told_period(wanted: Wanted) -> Figures:
    since, until = wanted.period.since, wanted.period.until
    before = wanted.period.before(wanted.zone)
    return {
        "since": _iso(since, wanted.zone),
        "until": _iso(until, wanted.zone),
        "before_since": _iso(before.since, wanted.zone),
        "days": round(wanted.period.length / timedelta(days=1), 4),
    }


def _iso(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")


def compare(found: Figures, before: Engine, wanted: Wanted, known: Known) -> None:
    """Put in the totals of the period before, and the change in shares of them; nothing where there was nothing."""
    scope = wanted.scope(wanted.period.before(wanted.zone))
    networks = places.networks(before.rows(*queries.asked("networks", scope)))
    earlier = summed(*_flow(before, scope, known, networks, _ALL))
    if not any(earlier[name] for name in ("received", "refused", "delivered", "connections")):
        return
    totals = found["totals"]
    change: Figures = {name: _share(totals[name], earlier[name]) for name in COUNTED}
    for way in WAYS:
        change[way] = {name: _share(totals[way][name], earlier[way][name]) for name in totals[way]}
    found["before"], found["change"] = earlier, change


def _share(now: float, then: float) -> float | None:
    """By how much it changed, as a share of what it was."""
    return round((now - then) / then, 4) if then else None


def _refused(flow: list[Row], known: Known, boards: list[Row]) -> Figures:
    kinds: Counter[str] = Counter()
    for row in flow:
        if row["kind"] == "refused":
            kinds[row["reason"] or "other"] += row["events"]
    told = [{"kind": kind, "mails": many, "line": known.reasons.get(kind)} for kind, many in kinds.most_common()]
    names = ("recipients", "sender-domains", "lists")
    return {"kinds": told} | {name.replace("-", "_"): _board(boards, name, "refused") for name in names}


def _filtered(flow: list[Row], boards: list[Row], known: Known) -> Figures:
    kinds: Counter[tuple[str, str]] = Counter()
    for row in flow:
        if row["kind"] == "filtered":
            kinds[row["reason"] or "other", row["action"] or "passed"] += row["events"]
    told = [
        {"found": found, "action": action, "mails": many, "line": known.reasons.get(found)}
        for (found, action), many in sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    ]
    names = ("viruses", "attachments", "spam-from", "spam-to", "viruses-to")
    return {"kinds": told} | {name.replace("-", "_"): _board(boards, name, "mails") for name in names}


def _board(rows: list[Row], name: str, what: str) -> list[Row]:
    return [{"name": row["name"], what: row[what]} for row in rows if row["board"] == name]


def _boards(rows: list[Row], names: tuple[str, ...]) -> Figures:
    return {f"by_{name}": [_volume(row) for row in rows if row["board"] == name] for name in names}


def _volume(row: Row) -> Row:
    return {"name": row["name"], "mails": row["mails"], "bytes": row["bytes"] or 0}


def _recipients(rows: list[Row]) -> Figures:
    told = _boards(rows, ("mails", "bytes"))
    told["by_domains"] = [_domain(row) for row in rows if row["board"] == "domains"]
    return told


def _domain(row: Row) -> Row:
    mails, delay = row["mails"] or 0, row["delay"]
    return {
        "name": row["name"],
        "recipients": row["many"],
        "mails": mails,
        "bytes": row["bytes"] or 0,
        "deferred": row["deferred"] or 0,
        "returned": row["returned"] or 0,
        "delay_average": round(delay / mails, 2) if mails and delay is not None else None,
        "delay_longest": row["slowest"],
    }


def _tls(flow: list[Row]) -> Figures:
    """How much came in and left encrypted. What the server wrote itself and what stays inside does not count."""
    told: dict[str, Counter[str]] = {"in": Counter(), "out": Counter()}
    ways = {"accepted": "in", "delivered": "out"}
    for row in flow:
        if row["kind"] in ways and not row["inside"]:
            told[ways[row["kind"]]][row["tls"] or "none"] += row["events"]
    return {
        way: {
            "mails": sum(count.values()),
            "encrypted": sum(count.values()) - count["none"],
            "versions": [{"version": name, "mails": many} for name, many in sorted(count.items())],
        }
        for way, count in told.items()
    }


def _not_understood(wanted: Wanted) -> Figures:
    programs = [
        {"program": program or None, "lines": entry["count"], "samples": list(entry["samples"])}
        for program, entry in sorted(wanted.unknown.items(), key=lambda item: (-item[1]["count"], item[0]))
    ]
    return {"lines": sum(entry["lines"] for entry in programs), "programs": programs[: max(wanted.top, 10)]}

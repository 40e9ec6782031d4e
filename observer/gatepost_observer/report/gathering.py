"""From what was asked to the figures: out of the store, or out of log files.

In: what the command line said, checked. Out: the figures, and notes about what the reader should know (a log from the
future, a store that nobody fills any more). Fails with the errors of the store, of the logs, of the period; and with
NothingFoundError when a domain or a server was named that nothing is known of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Final

from gatepost_observer import queries
from gatepost_observer.known import Known
from gatepost_observer.queries import Scope
from gatepost_observer.report import figures, source, words
from gatepost_observer.report.figures import Figures, Wanted
from gatepost_observer.report.period import Period
from gatepost_observer.report.source import NothingThereError
from gatepost_observer.store import Store
from gatepost_observer.store.engine import Engine, opened
from gatepost_observer.store.reader import microseconds

STALE: Final = timedelta(hours=1)
AHEAD: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NothingFoundError(Exception):
    """The domain or the server that was asked for occurs nowhere; the message is one line, with the nearest name."""


@dataclass(frozen=True)
class Asked:
    """What the command line said. Without a period, all of the logs is meant."""

    period: Period | None
    now: datetime
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    top: int = 10
    zone: tzinfo | None = None
    countries: str | None = None

    def wanted(self, period: Period, known: Known) -> Wanted:
        """The same, for the figures."""
        return Wanted(
            period, self.hosts, tuple(domain.lower() for domain in self.domains), tuple(known.own_domains),
            self.top, self.zone, countries=self.countries or known.country_database,
        )  # fmt: skip


def from_logs(paths: Sequence[str], asked: Asked, known: Known) -> Figures:
    """The figures of log files. What lies in them before the period is compared, if anything does."""
    with source.read(paths) as logs:
        extent = logs.engine.rows(*queries.asked("extent", Scope()))
        if not extent:
            raise NothingThereError(f"{', '.join(paths)}: nothing of a mail server in it, there is nothing to report")
        first, last = min(row["first"] for row in extent), max(row["last"] for row in extent)
        period = asked.period or Period(first, last + timedelta(microseconds=1))
        wanted = replace(
            asked.wanted(period, known),
            unknown=logs.unknown,
            whole=first >= period.since and last < period.until,
            notes=tuple(_notes(last, first, asked, "The log")),
        )
        found = _figures(logs.engine, wanted, known)
        if first < period.since:
            figures.compare(found, logs.engine, wanted, known)
        return found


def from_store(store: Store, engine: str, asked: Asked, known: Known) -> Figures:
    """The figures of a store."""
    period = asked.period or Period(_EPOCH, asked.now)
    before = period.before(asked.zone)
    entries = store.entries(period.since, period.until, asked.hosts or None)
    earlier = store.entries(before.since, before.until, asked.hosts or None)
    since, until = microseconds(period.since), microseconds(period.until)
    newest = max((entry.last for entry in store.entries()), default=None)
    wanted = replace(
        asked.wanted(period, known),
        unknown=source.unknown_in(store.state()),
        whole=all(entry.first >= since and entry.last < until for entry in entries),
        notes=tuple(_state_of_store(newest, asked, period)),
    )
    hosts = asked.hosts or None
    _check_hosts(store, asked)
    with opened(store, engine, since=period.since, until=period.until, hosts=hosts) as events:
        found = _figures(events, wanted, known)
    if earlier:  # one engine after the other: a process has one session with Spark
        with opened(store, engine, since=before.since, until=before.until, hosts=hosts) as events:
            figures.compare(found, events, wanted, known)
    return found


def _figures(engine: Engine, wanted: Wanted, known: Known) -> Figures:
    found = figures.gathered(engine, wanted, known)
    strange = set(wanted.domains) - set(wanted.own)
    if strange and not any(found["totals"][name] for name in ("received", "delivered", "refused", "deferred")):
        _missing_domain(engine, wanted)
    return found


def _missing_domain(engine: Engine, wanted: Wanted) -> None:
    rows = engine.rows(*queries.asked("domains", Scope(wanted.period.since, wanted.period.until, wanted.hosts)))
    raise NothingFoundError(_unknown("domain", wanted.domains, [*wanted.own, *(row["domain"] for row in rows)]))


def _check_hosts(store: Store, asked: Asked) -> None:
    known = {entry.host for entry in store.entries() if entry.host is not None}
    missing = [host for host in asked.hosts if host not in known]
    if missing and known:
        raise NothingFoundError(_unknown("server", missing, known))


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> str:
    said, among = [words.shown(name, 60) for name in names], list(dict.fromkeys(known))
    near = get_close_matches(said[0], among, n=1, cutoff=0.6)
    hint = f", did you mean {words.shown(near[0], 60)}?" if near else _few(among)
    return f"{what} {', '.join(said)}: no mail of it in this time{hint}"


def _few(among: Sequence[str]) -> str:
    return f"; there are {', '.join(words.shown(name, 60) for name in among[:5])}" if among else ""


def _notes(last: datetime, first: datetime, asked: Asked, whose: str) -> Iterator[str]:
    local: Callable[[datetime], str] = lambda moment: f"{moment.astimezone(asked.zone):%Y-%m-%d %H:%M}"  # noqa: E731
    if last > asked.now + AHEAD:
        yield (
            f"{whose} has events from the future, up to {local(last)}: a clock was wrong, or the year of time stamps "
            f"without one was guessed wrongly."
        )
    if asked.period and (last < asked.period.since or first >= asked.period.until):
        yield f"{whose} has nothing from this time: it goes from {local(first)} to {local(last)}."


def _state_of_store(newest: int | None, asked: Asked, period: Period) -> Iterator[str]:
    if newest is None:
        yield "The store is empty: nothing was collected yet."
        return
    last = _EPOCH + timedelta(microseconds=newest)
    yield from (note for note in _notes(last, _EPOCH, asked, "The store") if "future" in note)
    if last < period.until - STALE:
        yield f"The newest event in the store is of {last.astimezone(asked.zone):%Y-%m-%d %H:%M}: nothing came since."

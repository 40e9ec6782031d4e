"""The way of a mail: from its keys to all of its events, on every host and in every instance.

In: mails (host and first queue id), the store. Out: Ways, each with its events in the order of time. A mail is followed
by the queue ids that its events name, by `queued_as` into the next queue, also on the next host, and by its Message-ID
to where no reply told the next id. A Message-ID that very many mails share, as those of careless programs are, and a
queue id that comes again after weeks, lead nowhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gatepost_observer.events import COLUMNS, Event
from gatepost_observer.store import Store
from gatepost_observer.store.engine import DuckDB, view_of
from gatepost_observer.store.literal import quoted
from gatepost_observer.track.wanted import Wanted

if TYPE_CHECKING:
    from gatepost_observer.track.search import Key

LIFETIME: Final = timedelta(days=7)  # Postfix gives up after five
ROUNDS: Final = 5
MOST: Final = 20_000  # events of one answer
SHARED: Final = 20  # mails that may have one Message-ID
_QUEUE_ID: Final = re.compile(r"[0-9A-Za-z]{6,24}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Way:
    """One mail, or one refused attempt."""

    events: list[Event]
    cut: bool = False  # there are more events than are shown

    @property
    def first(self) -> datetime:
        """When it began."""
        return _moment(self.events[0])

    @property
    def last(self) -> datetime:
        """The last that was heard of it."""
        return _moment(self.events[-1])

    def values(self, column: str) -> list[Any]:
        """What its events say in a column, each once, in order."""
        return list(dict.fromkeys(e[column] for e in self.events if e.get(column) is not None))


@dataclass
class _Trail:
    """What is known so far: names, and of each event what links it."""

    ids: set[str] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    links: dict[tuple[Any, ...], Event] = field(default_factory=dict)


def _moment(event: Event) -> datetime:
    found: datetime = event["time"]
    return found


def ways_of(duck: DuckDB, store: Store, keys: Sequence[Key], wanted: Wanted) -> list[Way]:
    """The ways of these mails, in the order of the keys; keys that turn out to be one mail give one way."""
    moments = [_EPOCH + timedelta(microseconds=key.last) for key in keys]
    since, until = min(moments) - LIFETIME, max(moments) + LIFETIME
    view_of(duck.connection, store.path, store.entries(since, until))
    trail = _Trail(ids={key.mail for key in keys if not key.mail.startswith("@")})
    attempts = _attempts(duck, keys, wanted)
    _follow(duck, trail, since, until)
    events = _whole(duck, store, trail)
    return _ordered(keys, _joined(events), attempts, len(events) >= MOST)


def _attempts(duck: DuckDB, keys: Sequence[Key], wanted: Wanted) -> dict[tuple[str, int], list[Event]]:
    """What was refused before it had a queue id, and sessions: each event is a way of its own."""
    times = [key.last for key in keys if key.mail.startswith("@")]
    if not times:
        return {}
    conditions = " AND ".join(f"({' OR '.join(arms)})" for arms in wanted.conditions())
    moments = ", ".join(quoted(_EPOCH + timedelta(microseconds=time)) for time in times)
    alone = defaultdict(list)
    for event in _asked(duck, f'"time" IN ({moments}) AND mail IS NULL AND queue_id IS NULL AND {conditions}'):
        alone[event["host"], (_moment(event) - _EPOCH) // timedelta(microseconds=1)].append(event)
    return alone


_EVERY: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_LINKS: Final = '"time", host, queue_id, mail, queued_as, message_id'


def _asked(duck: DuckDB, *conditions: str, columns: str = _EVERY) -> list[Event]:
    arms = " UNION ALL ".join(f"(SELECT {columns} FROM events WHERE {arm} LIMIT {MOST})" for arm in conditions)  # noqa: S608
    rows = duck.rows(arms) if arms else []
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _listed(values: Iterable[str]) -> str:
    return f"({', '.join(quoted(value) for value in sorted(values))})"


def _within(since: datetime, until: datetime) -> str:
    return f'"time" BETWEEN {quoted(since)} AND {quoted(until)}'


def _follow(duck: DuckDB, trail: _Trail, since: datetime, until: datetime) -> None:
    """Gather names until nothing new is named; only the few columns that link events are read for it."""
    span = _within(since, until)
    ids, message_ids = set(trail.ids), set[str]()
    for _ in range(ROUNDS):
        asked = [f"{column} IN {_listed(ids)} AND {span}" for column in ("mail", "queue_id", "queued_as") if ids]
        asked += [f"message_id IN {_listed(message_ids)} AND {span}"] if message_ids else []
        fresh = _asked(duck, *asked, columns=_LINKS)
        trail.links.update({tuple(link.items()): link for link in fresh})
        ids = _named(fresh) - trail.ids
        message_ids = _own(trail.links.values()) - trail.message_ids
        trail.ids |= ids
        trail.message_ids |= message_ids
        if len(trail.links) >= MOST or not (ids or message_ids):
            return


def _whole(duck: DuckDB, store: Store, trail: _Trail) -> list[Event]:
    """The events that were followed, with all they tell: read once, from where they are known to be."""
    if not trail.links:
        return []
    moments = [_moment(link) for link in trail.links.values()]
    first, last = min(moments), max(moments)
    view_of(duck.connection, store.path, store.entries(first, last + timedelta(microseconds=1)))
    own, span = _listed(trail.ids), _within(first, last)
    arms = [f"mail IN {own} AND {span}"]
    if any(link.get("mail") not in trail.ids for link in trail.links.values()):  # a next hop that knows it by one id
        arms.append(f"queue_id IN {own} AND (mail IS NULL OR mail NOT IN {own}) AND {span}")
    return _asked(duck, *arms)


def _named(events: Iterable[Event]) -> set[str]:
    found = {event.get(column) for event in events for column in ("queue_id", "mail", "queued_as")}
    return {value for value in found if value and _QUEUE_ID.fullmatch(value)}


def _own(events: Iterable[Event]) -> set[str]:
    """Message-IDs that few mails have."""
    mails = defaultdict(set)
    for event in events:
        if event.get("message_id"):
            mails[event["message_id"]].add((event["host"], event.get("mail") or event.get("queue_id")))
    return {message_id for message_id, those in mails.items() if len(those) <= SHARED}


def _joined(events: Iterable[Event]) -> list[list[Event]]:
    """The events by mail: whatever is linked by an id is one."""
    told = sorted(events, key=_moment)
    own = _own(told)
    hosts = {(e["host"], e["queue_id"]) for e in told if e.get("queue_id")}
    elsewhere = defaultdict(list)
    for host, queue_id in hosts:
        elsewhere[queue_id].append((host, queue_id))
    links = _Links()
    for event in told:
        links.join(_names(event, hosts, elsewhere, own))
    groups = defaultdict(list)
    for event in told:
        groups[links.head(_names(event, hosts, elsewhere, own)[0])].append(event)
    return list(groups.values())


Name = tuple[str, str]


def _names(event: Event, hosts: set[Name], elsewhere: dict[str, list[Name]], own: set[str]) -> list[Name]:
    """Under which names an event's mail is known."""
    host = event["host"]
    names = [(host, event[column]) for column in ("queue_id", "mail") if event.get(column)]
    after = event.get("queued_as")
    if after:
        names += [(host, after)] if (host, after) in hosts else elsewhere.get(after, [])
    if event.get("message_id") in own:
        names.append(("", event["message_id"]))
    return names or [(host, str(event["time"]))]


class _Links:
    """Names that mean the same mail."""

    def __init__(self) -> None:
        self._of: dict[Name, Name] = {}

    def head(self, name: Name) -> Name:
        """The one name that stands for all."""
        while (above := self._of.get(name, name)) != name:
            name = above
        return name

    def join(self, names: Sequence[Name]) -> None:
        """These mean one mail."""
        first = self.head(names[0])
        for name in names[1:]:
            self._of[self.head(name)] = first


def _ordered(
    keys: Sequence[Key], mails: Sequence[list[Event]], attempts: dict[tuple[str, int], list[Event]], cut: bool
) -> list[Way]:
    by_key: dict[tuple[str, str], int] = {}
    for n, events in enumerate(mails):
        for event in events:
            for column in ("queue_id", "mail"):
                if event.get(column):
                    by_key.setdefault((event["host"], event[column]), n)
    ways: list[Way] = []
    seen: set[int] = set()
    for key in keys:
        if key.mail.startswith("@"):
            ways += [Way([event]) for event in attempts.pop((key.host, key.last), [])]
            continue
        found = by_key.get((key.host, key.mail))
        if found is not None and found not in seen:
            seen.add(found)
            ways.append(Way(mails[found], cut))
    return ways

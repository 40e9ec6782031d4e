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
    """What is known so far."""

    ids: set[str] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    events: dict[tuple[Any, ...], Event] = field(default_factory=dict)


def _moment(event: Event) -> datetime:
    found: datetime = event["time"]
    return found


def ways_of(duck: DuckDB, store: Store, keys: Sequence[Key], wanted: Wanted) -> list[Way]:
    """The ways of these mails, in the order of the keys; keys that turn out to be one mail give one way."""
    moments = [_EPOCH + timedelta(microseconds=key.last) for key in keys]
    since, until = min(moments) - LIFETIME, max(moments) + LIFETIME
    view_of(duck.connection, store.path, store.entries(since, until))
    span = f'"time" BETWEEN {quoted(since)} AND {quoted(until)}'
    trail = _Trail(ids={key.mail for key in keys if not key.mail.startswith("@")})
    attempts = _attempts(duck, keys, wanted)
    cut = _followed(duck, trail, span)
    return _ordered(keys, _joined(trail.events.values()), attempts, cut)


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


def _asked(duck: DuckDB, condition: str) -> list[Event]:
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = duck.rows(f"SELECT {columns} FROM events WHERE {condition} LIMIT {MOST}")  # noqa: S608 - quoted values
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _followed(duck: DuckDB, trail: _Trail, span: str) -> bool:
    """Gather events until they name nothing new; whether there were too many."""
    ids, message_ids = set(trail.ids), set[str]()
    for _ in range(ROUNDS):
        fresh = []
        for column, values in (("queue_id", ids), ("mail", ids), ("queued_as", ids), ("message_id", message_ids)):
            if values:
                listed = ", ".join(quoted(value) for value in sorted(values))
                fresh += _asked(duck, f"{column} IN ({listed}) AND {span}")
        trail.events.update({tuple(event.items()): event for event in fresh})
        if len(trail.events) >= MOST:
            return True
        ids = _named(fresh) - trail.ids
        message_ids = _own(trail.events.values()) - trail.message_ids
        trail.ids |= ids
        trail.message_ids |= message_ids
        if not ids and not message_ids:
            break
    return False


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

"""Where the last minutes come from: the store, looked at again when its manifest changes, or logs that are followed.

In: a store, or patterns of logs. Out: a Source, which gives the pulse of now. Of a long log only the end is read. Fails
with StoreError; a log that cannot be read is told in the notes, since the next look may find it.
"""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from gatepost_observer import queries
from gatepost_observer.events import Event
from gatepost_observer.lines import Follower
from gatepost_observer.lines.pieces import Live
from gatepost_observer.parse import Reader
from gatepost_observer.queries import Scope
from gatepost_observer.store import Store
from gatepost_observer.store.engine import DuckDB, opened, with_quarter
from gatepost_observer.store.schema import table
from gatepost_observer.top import pulse
from gatepost_observer.top.pulse import Pulse

END: Final = 64 << 20  # bytes at the end of a log that are read for a start
WAITING: Final = timedelta(days=5)  # how long a mail can lie in a queue
SELDOM: Final = timedelta(seconds=10)  # between two looks at all of that time
OPEN: Final = 2_000_000

Row = dict[str, Any]


class Source(Protocol):
    """Something that knows the last minutes."""

    def look(self, now: datetime, minutes: int, top: int) -> Pulse:
        """The pulse of this moment."""

    def close(self) -> None:
        """Let go of everything."""


class Collected:
    """The store that `gatepost collect` fills."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queues: list[Row] = []
        self._counted: datetime | None = None

    def look(self, now: datetime, minutes: int, top: int) -> Pulse:
        """Ask for the last minutes, and now and then for the queues."""
        newest = max((entry.last for entry in self._store.entries()), default=None)
        if self._counted is None or now - self._counted >= SELDOM:
            self._counted, self._queues = now, self._waiting(now)
        since = now - timedelta(minutes=minutes)
        with opened(self._store, since=since) as engine:
            return pulse.taken(engine, now, minutes, top, self._queues, _notes(newest, now))

    def _waiting(self, now: datetime) -> list[Row]:
        with opened(self._store, since=now - WAITING) as engine:
            return engine.rows(*queries.asked("queues", Scope(now - WAITING)))

    def close(self) -> None:
        """Nothing is held."""


def _notes(newest: int | None, now: datetime) -> list[str]:
    if newest is None:
        return ["the store is empty: nothing was collected yet"]
    age = now - (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest))
    return [f"nothing came for {int(age.total_seconds() // 60)} minutes"] if age > timedelta(minutes=2) else []


class Followed:
    """Logs, read as they grow."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = list(patterns)
        self._follower = Follower(self._patterns, [_near_the_end(path) for path in _long(self._patterns)])
        self._readers: dict[str, Reader] = {}
        self._open: dict[tuple[str, str, str], None] = {}
        self._newest = 0
        self._duck = DuckDB(None)
        self._duck.connection.register("batch", table([]))
        self._duck.connection.execute("CREATE TEMP TABLE told AS SELECT * FROM batch")
        self._duck.connection.execute("CREATE TEMP VIEW events AS " + with_quarter("SELECT * FROM told"))  # noqa: S608

    def look(self, now: datetime, minutes: int, top: int) -> Pulse:
        """Read what was added, forget what is too old. In a log that ended, its last minutes are looked at."""
        for events in self._news():
            self._take_in(events)
        newest = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._newest)
        at = newest if self._newest and newest < now - timedelta(minutes=minutes) else now
        self._forget(at - timedelta(minutes=minutes + 1))
        notes = sorted(self._follower.problems.values())
        if at is newest:
            notes.append(f"the log ends at {newest.astimezone():%Y-%m-%d %H:%M:%S}")
        return pulse.taken(self._duck, at, minutes, top, self._waiting(), notes)

    def _news(self) -> Iterable[list[Event]]:
        while batches := self._follower.poll():
            for batch in batches:
                reader = self._readers.setdefault(batch.source, Reader())
                yield reader.read(batch.lines)

    def _take_in(self, events: list[Event]) -> None:
        if not events:
            return
        self._duck.connection.register("batch", table(events))
        self._duck.connection.execute("INSERT INTO told SELECT * FROM batch")
        self._newest = max(self._newest, *(event["time"] for event in events))
        for event in events:
            self._count(event)

    def _count(self, event: Event) -> None:
        if event["kind"] in ("accepted", "closed"):
            key = (event["host"], event["instance"], event.get("queue_id", ""))
            if event["kind"] == "closed":
                self._open.pop(key, None)
            elif len(self._open) < OPEN:
                self._open[key] = None

    def _forget(self, until: datetime) -> None:
        self._duck.connection.execute("DELETE FROM told WHERE time < ?", [until])

    def _waiting(self) -> list[Row]:
        count = Counter((host, instance) for host, instance, _ in self._open)
        return [{"host": host, "instance": name, "mails": many} for (host, name), many in count.most_common()]

    def close(self) -> None:
        """Close the logs."""
        self._follower.close()
        self._duck.close()


def _long(patterns: Iterable[str]) -> list[str]:
    """Logs that are longer than what is read for a start."""
    found = [path for pattern in patterns for path in glob.glob(pattern)]  # noqa: PTH207 - the pattern is a whole path
    return [path for path in found if Path(path).is_file() and Path(path).stat().st_size > END]


def _near_the_end(path: str) -> dict[str, Any]:
    """The position of a line's beginning near the end of a file."""
    with Path(path).open("rb") as log:
        log.seek(-END, 2)
        log.readline(1 << 20)
        offset = log.tell()
    live = Live.opened(path, offset)
    try:
        return {"path": path, **live.told(), "before": []}
    finally:
        live.close()

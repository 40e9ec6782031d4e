"""The collector: what was added to the logs is in the store within seconds, each event once.

In: a writer of the store, patterns of logs. Out: commits, at least every PERIOD seconds while lines come, each with the
positions and the readers' memory that belong to its events; so a kill at any moment loses nothing and doubles nothing:
the next run goes on from the last commit. Lines that nobody understands are counted, they never stop it. Fails with
StoreError when the store cannot be written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from gatepost_observer.collect.state import State, reader_of, restored
from gatepost_observer.events import Event
from gatepost_observer.lines import Batch, Follower
from gatepost_observer.parse import Reader
from gatepost_observer.store.merge import merge_small
from gatepost_observer.store.writer import Writer

PERIOD: Final = 2.0  # seconds
MANY: Final = 50_000  # events that are worth a commit of their own
AT_ONCE: Final = 1 << 24  # bytes that one look at all logs may bring
TIDY: Final = 60.0  # seconds between looks for superseded files


class Collector:
    """Follows logs into a store."""

    def __init__(
        self,
        writer: Writer,
        patterns: Iterable[str],
        *,
        period: float = PERIOD,
        many: int = MANY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._period, self._many, self._clock = period, many, clock
        self._state: State = restored(writer.store.state())
        self._follower = Follower(patterns, self._state.positions)
        self._readers: dict[str, Reader] = {source: reader_of(told) for source, told in self._state.readers.items()}
        self._events: list[Event] = []
        self._moved: set[str] = set()
        self._first = self._tidied = clock()
        self.committed = 0

    @property
    def problems(self) -> dict[str, str]:
        """Logs that cannot be read now, and why."""
        return self._follower.problems

    @property
    def unknown(self) -> dict[str, dict[str, Any]]:
        """By program: how many lines were not understood, with samples."""
        told: dict[str, dict[str, Any]] = {}
        for reader in self._readers.values():
            for program, entry in reader.unknown.items():
                known = told.setdefault(program, {"count": 0, "samples": []})
                known["count"] += entry["count"]
                known["samples"] = (known["samples"] + entry["samples"])[:5]
        return told

    def step(self) -> bool:
        """Look at all logs once, commit when it is time. Whether there was anything new."""
        most = AT_ONCE // max(8, len(self._readers))
        batches = self._follower.poll(max(1 << 16, most))
        for batch in batches:
            self._take(batch)
            if len(self._events) >= self._many:
                self.commit()
        if self._moved and self._clock() - self._first >= self._period:
            self.commit()
        return any(batch.lines for batch in batches)

    def _take(self, batch: Batch) -> None:
        if not self._moved:
            self._first = self._clock()
        reader = self._readers.get(batch.source)
        if reader is None:
            reader = self._readers[batch.source] = Reader()
        self._events += reader.read(batch.lines)
        if batch.lines or self._state.positions.get(batch.source) != batch.position:
            self._state.positions[batch.source] = batch.position
            self._moved.add(batch.source)

    def commit(self) -> None:
        """Make true what was read: events, positions and memory in one step."""
        if not self._moved:
            return
        for source in self._moved:
            self._state.readers[source] = self._readers[source].state()
        self._writer.commit(self._events, self._state.told())
        self.committed += len(self._events)
        self._events, self._moved = [], set()
        merge_small(self._writer)
        self._tidy()

    def _tidy(self) -> None:
        if self._clock() - self._tidied >= TIDY:
            self._writer.remove_superseded()
            self._tidied = self._clock()

    def close(self) -> None:
        """Commit what was read and let go of the logs."""
        self.commit()
        self._follower.close()

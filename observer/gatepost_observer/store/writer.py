"""Writing events so that they are there once, whole, or not at all, whenever the writer dies.

In: events, the paths of files they replace, the collector's state. Out: Parquet files and a manifest that names them.
A commit writes its files beside, syncs and renames them, and then renames the manifest: only that makes them true,
together with the state. The leftovers of a writer that was killed are removed by the next one of the same role; each
role marks its files' names. Fails with StoreError: not a store, a newer store, no permission, no space; then what was
true before is true still.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gatepost_observer.events import SCHEMA, Event
from gatepost_observer.store import durable, locks, manifest
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.manifest import File, Manifest
from gatepost_observer.store.partition import Partition, divided
from gatepost_observer.store.reader import GRACE, Store
from gatepost_observer.store.schema import table

_MARKS: Final = {locks.COLLECT: "c", locks.COMPACT: "m"}
_OURS: Final = {
    *(locks.name_of(role) for role in (locks.COLLECT, locks.COMPACT, locks.COMMIT)),
    manifest.NAME + ".part",
    "events",
    "state",
}


@contextmanager
def opened(path: Path | str, role: str = locks.COLLECT) -> Iterator[Writer]:
    """The store, for writing, until the block ends. The collector makes it where there is none."""
    store = Path(path)
    with ExitStack() as until_the_end:
        with told(store):
            if role == locks.COLLECT:
                _make(store)
            Store(store).manifest()  # before anything is written: is it a store, and not a newer one?
            until_the_end.enter_context(locks.alone(store, role))
            writer = Writer(store, role)
            writer.clean()
        yield writer


@contextmanager
def told(store: Path) -> Iterator[None]:
    """What the system refuses becomes a StoreError that names the place."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else store
        raise StoreError(f"{place}: cannot be written: {error.strerror or error}") from error


def _make(store: Path) -> None:
    if (store / manifest.NAME).exists():
        return
    if store.exists() and not store.is_dir():
        raise StoreError(f"{store}: is a file, expected the folder of a store")
    durable.folder(store)
    strangers = sorted(entry.name for entry in store.iterdir() if entry.name not in _OURS)
    if strangers:
        raise StoreError(f"{store}: is no store and not empty ({strangers[0]!r} lies there), expected an empty folder")
    with locks.held(store, locks.COMMIT):
        if not (store / manifest.NAME).exists():
            durable.write(store / manifest.NAME, Manifest().dumped())


class Writer:
    """One who may write, in its role, from `opened`."""

    def __init__(self, path: Path, role: str, clock: Callable[[], float] = time.time) -> None:
        self.store = Store(path)
        self.path = path
        self._mark = _MARKS[role]
        self._clock = clock

    def commit(self, events: Sequence[Event], state: Mapping[str, Any] | None = None) -> None:
        """Make these events, and the state that belongs to them, true in one step."""
        with told(self.path), self._nothing_left():
            number = self.store.manifest().sequence + 1
            added = [self._written(part, rows, number, n) for n, (part, rows) in enumerate(divided(events).items())]
            self.publish(added, (), self._state(state, number) if state is not None else None)

    def publish(self, added: Sequence[File], removed: Collection[str], state: str | None = None) -> bool:
        """Let files count, and others no longer. False, and nothing changed, when one to remove was gone already."""
        with told(self.path), locks.held(self.path, locks.COMMIT):
            for folder in {(self.path / entry.path).parent for entry in added}:
                durable.sync(folder)
            now = self.store.manifest()
            if not set(removed) <= {entry.path for entry in now.files}:
                return False
            durable.write(self.path / manifest.NAME, now.changed(added, removed, self._clock(), state).dumped())
        if state is not None and now.state is not None:
            (self.path / now.state).unlink(missing_ok=True)
        return True

    def name(self, part: Partition, number: int, n: int) -> str:
        """A name that no file of the store has had."""
        return f"{part.folder}/{number:012}-{n}{self._mark}.parquet"

    def add(
        self, part: Partition, rows: pa.Table, number: int, n: int, level: int = 0, written: float | None = None
    ) -> File:
        """Write a table beside the others of its partition; `publish` lets it count."""
        name = self.name(part, number, n)
        place = self.path / name
        durable.folder(place.parent)
        try:
            pq.write_table(rows, durable.beside(place), compression="zstd", compression_level=3)
        except FileNotFoundError:  # the other writer found the folder empty and took it away
            durable.folder(place.parent)
            pq.write_table(rows, durable.beside(place), compression="zstd", compression_level=3)
        durable.put_in_place(place)
        span = pc.min_max(rows["time"].cast(pa.int64())).as_py()
        return File(
            path=name,
            day=part.day,
            host=part.host,
            rows=rows.num_rows,
            size=place.stat().st_size,
            first=span["min"],
            last=span["max"],
            schema=SCHEMA,
            written=written if written is not None else self._clock(),
            level=level,
        )

    def _written(self, part: Partition, events: Sequence[Event], number: int, n: int) -> File:
        return self.add(part, table(events), number, n)

    def _state(self, state: Mapping[str, Any], number: int) -> str:
        name = f"state/{number:012}{self._mark}.json"
        durable.folder(self.path / "state")
        durable.write(self.path / name, json.dumps(state, separators=(",", ":")).encode())
        return name

    @contextmanager
    def _nothing_left(self) -> Iterator[None]:
        # Above all on a full disk: half a file must not keep it full.
        try:
            yield
        except OSError:
            with suppress(OSError):
                self._leftovers()
            raise

    def clean(self) -> None:
        """Remove what a killed writer of this role left, and what was superseded longer than GRACE ago."""
        with told(self.path):
            self._leftovers()
            self.remove_superseded()

    def _leftovers(self) -> None:
        now = self.store.manifest()
        known = {*(entry.path for entry in now.files), *now.superseded, now.state}
        patterns = (
            f"events/*/*/*{self._mark}.parquet",
            f"events/*/*/*{self._mark}.parquet.part",
            f"state/*{self._mark}.json",
            f"state/*{self._mark}.json.part",
        )
        for pattern in patterns:
            for place in self.path.glob(pattern):
                if str(place.relative_to(self.path)) not in known:
                    place.unlink(missing_ok=True)

    def remove_superseded(self) -> None:
        """Remove the files that stopped to count so long ago that nobody reads them any more."""
        with told(self.path), locks.held(self.path, locks.COMMIT):
            now = self.store.manifest()
            over = {path for path, since in now.superseded.items() if self._clock() - since >= GRACE}
            if not over:
                return
            for path in over:
                (self.path / path).unlink(missing_ok=True)
            kept = {path: since for path, since in now.superseded.items() if path not in over}
            durable.write(self.path / manifest.NAME, manifest.without(now, kept).dumped())
            self._empty_folders()

    def _empty_folders(self) -> None:
        for place in [*self.path.glob("events/*/*"), *self.path.glob("events/*")]:
            try:
                place.rmdir()
            except OSError:  # not empty; the common case
                continue

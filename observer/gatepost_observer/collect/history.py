"""Old logs go into the store whole, also compressed ones, and each of their lines once.

In: a writer of the store, paths or `-`. Out: how many lines and events of each were added. They are read from the
oldest to the newest by one reader, so that a mail is followed from one file into the next. A file is known by its first
line, whatever it is called by now and however it is compressed: the part of it that was imported before, in a run that
was killed or when the file was shorter, is passed over. Fails with Unreadable or StoreError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from gatepost_observer.collect.collector import MANY
from gatepost_observer.collect.state import State, reader_of, restored
from gatepost_observer.events import Event
from gatepost_observer.lines import blocks
from gatepost_observer.parse import Reader
from gatepost_observer.store.merge import merge_small
from gatepost_observer.store.writer import Writer

_LONGEST: Final = 1 << 16


@dataclass
class Imported:
    """What became of one file."""

    path: str
    before: int = 0  # lines that the store had already
    lines: int = 0
    events: int = 0


def oldest_first(paths: Sequence[str]) -> list[str]:
    """The files in the order in which they were last written; standard input, and what is not there, at the end."""

    def age(path: str) -> float:
        try:
            return Path(path).stat().st_mtime
        except OSError:
            return float("inf")

    return sorted(paths, key=age)


def _named(first: bytes) -> str:
    line = first.partition(b"\n")[0][:_LONGEST]
    return hashlib.sha256(line).hexdigest()[:32]


class Import:
    """One run over some files."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._state: State = restored(writer.store.state())
        self._reader: Reader | None = reader_of(self._state.importing) if self._state.importing else None
        self._events: list[Event] = []

    @property
    def reader(self) -> Reader:
        """Who read them: it knows what was not understood."""
        return self._reader or Reader()

    def file(self, path: str) -> Imported:
        """Read one file."""
        done = Imported(path)
        stream: Iterator[bytes] = blocks(path)
        first = next(stream, None)
        if first is None:
            return done
        name = _named(first)
        done.before = self._state.imported.get(name, {"lines": 0})["lines"]
        for block in chain([first], stream):
            self._take(name, done, block.removesuffix(b"\n").split(b"\n"))
        self._commit(name, done)
        return done

    def _take(self, name: str, done: Imported, lines: list[bytes]) -> None:
        passed = min(len(lines), max(0, done.before - done.lines))
        done.lines += len(lines)
        if passed == len(lines):
            return
        self._reader = self._reader or Reader(None, _written(done.path))
        self._events += self._reader.read(lines[passed:])
        if len(self._events) >= MANY:
            self._commit(name, done)

    def _commit(self, name: str, done: Imported) -> None:
        if self._reader is None or done.lines <= done.before:
            return
        self._state.imported[name] = {"path": done.path, "lines": done.lines}
        self._state.importing = self._reader.state()
        self._writer.commit(self._events, self._state.told())
        done.events += len(self._events)
        self._events = []
        merge_small(self._writer)

    def end(self) -> None:
        """All files were read: what the reader remembers is needed no more."""
        if self._state.importing is not None:
            self._state.importing = None
            self._writer.commit([], self._state.told())


def _written(path: str) -> float | None:
    """When its last line was written, for time stamps without a year."""
    try:
        return Path(path).stat().st_mtime if path != "-" else None
    except OSError:
        return None

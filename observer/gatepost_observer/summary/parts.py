"""A log, or several, cut into parts for as many processes, and counted.

In: paths in the order of time. Out: one Tally of them all, and notes about files that held nothing. The parts are
consecutive, so that each can be added to the one before it. Should a process die that counts a part, that is an error,
never a smaller number. Fails with NotRead.

A plain log is opened here; the means to unpack others are loaded when there is one, since that takes as long as
counting a hundred thousand lines.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, FileIO
from itertools import pairwise
from stat import S_ISREG
from typing import Any, Final, NamedTuple

from gatepost_observer.summary.apart import Apart, Died
from gatepost_observer.summary.counter import Counter
from gatepost_observer.summary.tally import Tally

_WORTH_IT: Final = 8_000_000  # bytes, below which another process costs more than it saves
_LOOK: Final = 4096
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")


_LINE: Final = re.compile(rb"(?:<\d{1,3}>)?(?:\d{4}-\d\d-\d\d|[A-Z][a-z]{2} [ \d]\d )[ -~]{10,}\n")


class NotRead(Exception):  # noqa: N818 - a word of its own
    """A log that cannot be read; the message is for the user."""


class Stretched(NamedTuple):
    """A stretch of a file; no end means: to the end."""

    path: str
    start: int = 0
    end: int | None = None


class Wanted(NamedTuple):
    """What to count: all instances of Postfix or some, all days or one."""

    instances: frozenset[bytes] | None = None
    day: str | None = None


def summed(paths: Sequence[str], wanted: Wanted, jobs: int | None = None) -> Tally:
    """The tally of all these logs."""
    parts = cut(paths, jobs or min(len(os.sched_getaffinity(0)), 4), forced=jobs is not None)
    others = [Apart(partial(_packed, part, wanted)) for part in parts[1:]]
    tally = counted(parts[0], wanted, first=True)
    try:
        results = [other.result() for other in others]
    except Died:
        raise NotRead("a process that counted a part of the log ended early") from None
    for later in results:
        tally.add(_unpacked(*later))
    tally.finish()
    tally.shared = len(parts) > 1
    return tally


def cut(paths: Sequence[str], jobs: int, *, forced: bool = False) -> list[list[Stretched]]:
    """The files as so many consecutive parts of about the same size; one that is packed, or a pipe, stays whole."""
    sizes = [_size(path) for path in paths]
    total = sum(size for size, _ in sizes)
    if jobs < 2 or (total < _WORTH_IT and not forced):
        return [[Stretched(path) for path in paths]]
    share = total / jobs
    parts: list[list[Stretched]] = [[] for _ in range(jobs)]
    passed = 0.0
    for path, (size, whole) in zip(paths, sizes, strict=True):
        if whole or not size:
            parts[min(jobs - 1, int((passed + size / 2) / share) if share else 0)].append(Stretched(path))
        else:
            _cut_one(path, size, passed, share, parts)
        passed += size
    return [part for part in parts if part]


def _cut_one(path: str, size: int, passed: float, share: float, parts: list[list[Stretched]]) -> None:
    bounds = [0]
    for number in range(1, len(parts)):
        bound = int(number * share - passed)
        if 0 < bound < size:
            bounds.append(_line_start(path, bound))
    bounds.append(size)
    for start, end in pairwise(bounds):
        if start < end:
            part = min(len(parts) - 1, int((passed + (start + end) / 2) / share))
            parts[part].append(Stretched(path, start, None if end == size else end))


def _line_start(path: str, offset: int) -> int:
    """The next place at which a line begins."""
    with FileIO(path) as raw:
        raw.seek(offset)
        file = BufferedReader(raw)
        file.readline(1 << 24)
        return file.tell()


def _size(path: str) -> tuple[int, bool]:
    """About how many bytes of text there are, and whether the file must be read in one go."""
    if path == "-":
        return 0, True
    try:
        with FileIO(path) as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(6).startswith(_PACKED)
            return (size * 8, True) if packed else (size, not file.seekable())
    except OSError:
        return 0, True  # whoever reads it tells what is wrong


def counted(part: Sequence[Stretched], wanted: Wanted, *, first: bool) -> Tally:
    """Count one part, in this process."""
    gc.disable()  # nothing here makes cycles, and looking for them takes a third of the time
    tally = Tally(cut=not first)
    counter = Counter(tally, wanted.instances, wanted.day)
    for stretch in part:
        with _opened(stretch.path) as stream:
            if stretch.path != "-":
                counter.hours.reference = _status(stretch.path).st_mtime
            if stretch.start:
                stream.seek(stretch.start)
            counter.count(stream, None if stretch.end is None else stretch.end - stretch.start)
    return tally


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """The file as a stream of what is in it, unpacked."""
    name = "standard input" if path == "-" else os.fsencode(path).decode("utf-8", "backslashreplace")
    try:
        with _plain(path) as plain:
            if plain:
                yield plain
                return
    except OSError as error:
        raise NotRead(f"{name}: {(error.strerror or str(error)).lower()}") from None
    from gatepost_observer.lines.whole import Unreadable, opened

    try:
        with opened(path, name) as stream:
            yield stream
    except Unreadable as problem:
        raise NotRead(str(problem)) from None


@contextmanager
def _plain(path: str) -> Iterator[FileIO | None]:
    """The file, if it can be opened and begins with a line of a log."""
    if path == "-" or not S_ISREG(_status(path).st_mode):
        yield None
        return
    with FileIO(path) as file:
        if _LINE.match(file.read(_LOOK)):
            file.seek(0)
            yield file
        else:
            yield None


def _status(path: str) -> os.stat_result:
    return os.stat(path)  # noqa: PTH116 - pathlib takes time to load


def _packed(part: Sequence[Stretched], wanted: Wanted) -> tuple[str, Any]:
    """The tally of a part, or what cannot be read, as it is sent to another process."""
    try:
        return "tally", counted(part, wanted, first=False).packed()
    except NotRead as problem:
        return "unreadable", str(problem)


def _unpacked(kind: str, told: Any) -> Tally:
    if kind == "unreadable":
        raise NotRead(told)
    return Tally.unpacked(told)

"""Live logs: what was added since the last look, each line once.

In: paths or patterns (`/var/log/gatepost/*/mail.log`), and the positions that an earlier Follower told. Out: batches of
whole lines with the position behind them. A line without its end is left for later.

A position names a file by device and inode, and by a hash of its first bytes, since an inode is used again. When the
file under the path is another one (rotated by renaming), or begins otherwise or is shorter (truncated, or copied and
truncated), the rest of the old one is looked for beside it, compressed or not, by that hash; files that were rotated in
between are read whole, the oldest first. What a file says is not interpreted here. One thing cannot be seen: a log that
was filled, copied and truncated between two looks, when nothing of it had been read before.

A file that cannot be read now is told in `problems` and tried again at the next look.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gatepost_observer.lines.pieces import Live, Old, Piece, is_packed, listing, siblings
from gatepost_observer.lines.whole import Unreadable

MOST: Final = 1 << 22
DRAIN_SECONDS: Final = 10.0
TRIES: Final = 1000
Position = dict[str, Any]


@dataclass
class Batch:
    """Whole lines of one source, and the position behind them."""

    source: str
    lines: list[bytes]
    position: Position


@dataclass
class _Source:
    path: str
    live: Live | None = None
    # Rotated away a moment ago: the writer may still have it open. Until when, once the path has a file again.
    draining: list[tuple[Live, float | None]] = field(default_factory=list)
    # Rotated away while nobody looked: read to their end, in this order, before the live file.
    before: list[Piece] = field(default_factory=list)

    def position(self) -> Position:
        return {
            "path": self.path,
            **(self.live.told() if self.live else {"device": 0, "inode": 0, "offset": 0, "head": "", "changed": 0.0}),
            "before": [*(piece.told() for piece, _ in self.draining), *(piece.told() for piece in self.before)],
        }

    def batch(self, lines: list[bytes]) -> Batch:
        return Batch(self.path, lines, self.position())


class Follower:
    """Follows files. `poll` looks at all of them once."""

    def __init__(self, patterns: Iterable[str], positions: Iterable[Position] | Mapping[str, Position] = ()) -> None:
        self.patterns = [os.fspath(pattern) for pattern in patterns]
        self.problems: dict[str, str] = {}
        self._sources: dict[str, _Source] = {}
        known = positions.values() if isinstance(positions, Mapping) else positions
        self._known = {position["path"]: position for position in known}

    def poll(self, most: int = MOST) -> list[Batch]:
        """What was added; at most about so many bytes of each source, the rest at the next look."""
        self.problems = {}
        batches: list[Batch] = []
        for path in self._paths():
            try:
                for batch in _read(self._source(path), most):
                    batches.append(batch)  # one at a time: what was read before an error counts
            except Unreadable as problem:
                self.problems[path] = str(problem)
            except OSError as error:
                self.problems[path] = f"{path}: {(error.strerror or str(error)).lower()}"
        return batches

    def positions(self) -> list[Position]:
        """Where every source stands; those not seen yet in this run as they were told."""
        now = {path: source.position() for path, source in self._sources.items()}
        return list({**self._known, **now}.values())

    def close(self) -> None:
        """Close all files."""
        for source in self._sources.values():
            for piece in (*source.before, *(live for live, _ in source.draining), source.live):
                if piece:
                    piece.close()
        self._sources = {}

    def _paths(self) -> list[str]:
        found = {path for pattern in self.patterns for path in _matching(pattern)}
        found = {path for path in found if not (is_packed(path) or _is_rotated(path, found))}
        return sorted(found | set(self._sources) | {path for path in self._known if self._wanted(path)})

    def _wanted(self, path: str) -> bool:
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.patterns)

    def _source(self, path: str) -> _Source:
        source = self._sources.get(path)
        if source is None:
            source = _Source(path)
            if path in self._known:
                _resume(source, self._known[path])
            self._sources[path] = source
        if source.live is None and Path(path).exists():
            source.live = Live.opened(path)
        if source.live is None and not (source.before or source.draining):
            self.problems[path] = f"{path}: is not there (yet)"
        return source


def _matching(pattern: str) -> list[str]:
    return glob.glob(pattern) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207 - the pattern is a whole path


def _is_rotated(path: str, found: set[str]) -> bool:
    """Whether this is an older file of another one that was found: mail.log.1 beside mail.log."""
    return any(path.startswith((other + ".", other + "-")) for other in found if other != path)


def _read(source: _Source, most: int) -> Iterator[Batch]:
    """All that is there now, the oldest first; about `most` bytes."""
    left = most
    while left > 0:
        lines = _next(source, left)
        if lines is None:
            return
        left -= sum(map(len, lines)) + len(lines)
        yield source.batch(lines)


def _next(source: _Source, most: int) -> list[bytes] | None:
    """The next lines; an empty list where only the position moved; None when there is nothing more."""
    for live, _ in source.draining:
        lines = live.lines(most)
        if lines:
            return lines
    done = _let_go(source)
    if done is not None:
        return done
    if source.before:
        lines = source.before[0].lines(most)
        if not lines:
            source.before.pop(0).close()
        return lines
    return _next_live(source, most)


def _next_live(source: _Source, most: int) -> list[bytes] | None:
    live = source.live
    if live is None:
        return None
    if live.truncated():
        own, newer, after = _beside(source.path, live.told())
        if own:
            own.offset = live.offset
        source.before += [*([own] if own else []), *newer]
        live.close()
        source.live = after
        return []
    lines = live.lines(most)
    if lines:
        return lines
    if not live.replaced(source.path):
        return None
    own, newer, after = _beside(source.path, live.told())
    if own:
        own.close()
    source.before += newer
    source.draining.append((live, None))
    source.live = after
    return []


def _let_go(source: _Source) -> list[bytes] | None:
    """Close a rotated file whose writer has had time to change over. What stands there without its end is a line."""
    now = time.monotonic()
    for number, (live, until) in enumerate(source.draining):
        if until is None and source.live is not None:
            source.draining[number] = (live, now + DRAIN_SECONDS)
        elif until is not None and until <= now:
            del source.draining[number]
            last = live.last_line()
            live.close()
            return [last] if last else []
    return None


def _resume(source: _Source, known: Position) -> None:
    """Go on where the position says, wherever its files stand now."""
    for told in known.get("before", []):
        own, newer, live = _beside(source.path, told)
        if own:
            _again(source, own, int(told["offset"]))
        _close([*newer, live])
    source.live = Live.at(source.path, known)
    if source.live is None and known.get("inode"):
        own, newer, source.live = _beside(source.path, known)
        if own:
            _again(source, own, int(known["offset"]))
        source.before += newer


def _again(source: _Source, own: Old, offset: int) -> None:
    """Read on in a rotated file; one that is not packed yet may still be written to."""
    if is_packed(own.path):
        own.offset = offset
        source.before.append(own)
    else:
        source.draining.append((own.as_live(offset), None))


def _beside(path: str, told: Position) -> tuple[Old | None, list[Old], Live | None]:
    """The rotated file that the position means, those that are newer than it, and the live one: all of one moment."""
    for _ in range(TRIES):
        try:
            before = listing(path)
            beside = siblings(path)
            live = Live.opened(path) if Path(path).exists() else None
            if listing(path) == before:
                return *_from(beside, told), live
            _close([*beside, live])
        except FileNotFoundError:  # logrotate is at it: look again
            continue
    raise Unreadable(f"{path}: is being rotated all the time")


def _from(beside: list[Old], told: Position) -> tuple[Old | None, list[Old]]:
    for number, candidate in enumerate(beside):
        if candidate.is_of(told):
            _close(beside[:number])
            return candidate, beside[number + 1 :]
    newer = [piece for piece in beside if piece.told()["changed"] > float(told.get("changed", 0))]
    _close([piece for piece in beside if piece not in newer])
    return None, newer


def _close(pieces: Sequence[Piece | None]) -> None:
    for piece in pieces:
        if piece:
            piece.close()

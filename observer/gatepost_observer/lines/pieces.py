"""One file of a followed log: the live one, or one that was rotated away, perhaps compressed since.

In: a path and an offset. Out: whole lines from there on, some at a time, and what a position tells of the file.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gatepost_observer.lines.whole import LONGEST, Unreadable, blocks

_FIRST: Final = 1024


class Piece:
    """A file from which lines are read on."""

    def lines(self, most: int) -> list[bytes]:
        """The next whole lines, of about so many bytes; none when there are no more now."""
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Device, inode, offset behind the last line, hash of the first bytes."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""


class Live(Piece):
    """A plain file that is being written."""

    def __init__(self, descriptor: int, offset: int) -> None:
        self._descriptor = descriptor
        known = os.fstat(descriptor)
        self.device, self.inode = known.st_dev, known.st_ino
        self.offset = offset
        self._changed = known.st_mtime  # as of the last look, since what came later was not read
        self._head = head_of(os.pread(descriptor, _FIRST, 0))

    @classmethod
    def opened(cls, path: str, offset: int = 0) -> Live:
        """The file under this path, read from this offset."""
        if Path(path).is_dir():
            raise Unreadable(f"{path}: is a directory, expected a log file")
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), offset)

    @classmethod
    def at(cls, path: str, told: dict[str, Any]) -> Live | None:
        """The file under this path, if it is the one of the position."""
        try:
            live = cls.opened(path, int(told["offset"]))
        except FileNotFoundError:
            return None
        size = os.fstat(live._descriptor).st_size
        if live.inode == told["inode"] and live.begins_as(told["head"]) and size >= live.offset:
            return live
        live.close()
        return None

    def begins_as(self, head: str) -> bool:
        """Whether the file's first bytes still are those."""
        length = int(head.partition(":")[0] or 0)
        return head_of(os.pread(self._descriptor, length, 0)) == head if length else True

    def truncated(self) -> bool:
        """Whether the file is shorter than what was read, or begins otherwise than it did."""
        return os.fstat(self._descriptor).st_size < self.offset or not self.begins_as(self._head)

    def replaced(self, path: str) -> bool:
        """Whether another file has the path now. Nothing under the path is no replacement yet."""
        try:
            known = Path(path).stat()
        except FileNotFoundError:
            return False
        return (known.st_dev, known.st_ino) != (self.device, self.inode)

    def lines(self, most: int) -> list[bytes]:
        self._changed = os.fstat(self._descriptor).st_mtime
        data = os.pread(self._descriptor, most, self.offset)
        end = data.rfind(b"\n") + 1
        while not end and len(data) >= most and most <= LONGEST:  # a very long line
            most *= 2
            data = os.pread(self._descriptor, most, self.offset)
            end = data.rfind(b"\n") + 1
        if not end and len(data) > LONGEST:
            end = len(data)
        if not end:
            return []
        self.offset += end
        if int(self._head.partition(":")[0]) < _FIRST:
            self._head = head_of(os.pread(self._descriptor, _FIRST, 0))
        return data[:end].removesuffix(b"\n").split(b"\n")

    def last_line(self) -> bytes:
        """What stands behind the last line's end."""
        data = os.pread(self._descriptor, LONGEST, self.offset)
        self.offset += len(data)
        return data

    def told(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "inode": self.inode,
            "offset": self.offset,
            "head": self._head,
            "changed": self._changed,
        }

    def close(self) -> None:
        os.close(self._descriptor)


class Old(Piece):
    """A file that was rotated away; its offsets count unpacked bytes.

    It is opened at once and read through its descriptor: its name may be another file's before it is read.
    """

    def __init__(self, path: str, offset: int) -> None:
        self.path = path
        self.offset = offset
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._opened = f"/proc/self/fd/{self._descriptor}"
        self._known = os.fstat(self._descriptor)
        self._head = ""
        self._blocks: Iterator[bytes] | None = None

    @property
    def inode(self) -> int:
        """Which file it is."""
        return self._known.st_ino

    def lines(self, most: int) -> list[bytes]:
        if self._blocks is None:
            self._blocks = self._from(self.offset)
        try:
            for block in self._blocks:
                self.offset += len(block)
                return block.removesuffix(b"\n").split(b"\n")
        except Unreadable as problem:
            raise Unreadable(str(problem).replace(self._opened, self.path)) from None
        return []

    def _from(self, offset: int) -> Iterator[bytes]:
        passed = 0
        for block in blocks(self._opened):
            passed += len(block)
            if passed > offset:
                yield block[max(0, len(block) - (passed - offset)) :]

    def head(self, length: int = _FIRST) -> str:
        """What it begins with, unpacked; nothing while it cannot be unpacked, as when it is still being made."""
        try:
            return _head_inside(self._opened, length)
        except Unreadable:
            return ""

    def is_of(self, told: dict[str, Any]) -> bool:
        """Whether it is the file that the position means: by what it begins with, since it may be packed by now."""
        length = int(str(told["head"]).partition(":")[0] or 0)
        return self.head(length) == told["head"] if length else bool(self.inode == told["inode"])

    def as_live(self, offset: int) -> Live:
        """The same file, not packed yet: somebody may still write to it."""
        live = Live(os.dup(self._descriptor), offset)
        self.close()
        return live

    def told(self) -> dict[str, Any]:
        self._head = self._head or self.head()
        return {
            "device": self._known.st_dev, "inode": self.inode, "offset": self.offset, "head": self._head,
            "changed": self._known.st_mtime,
        }  # fmt: skip

    def close(self) -> None:
        os.close(self._descriptor)


def is_packed(path: str) -> bool:
    """Whether the name says that the file is compressed."""
    return path.endswith((".gz", ".xz", ".bz2", ".zst"))


def head_of(first: bytes) -> str:
    """What a file begins with, so short that it can be kept: the number of bytes and their hash."""
    return f"{len(first)}:{hashlib.blake2b(first, digest_size=12).hexdigest()}"


def _head_inside(path: str, length: int) -> str:
    first = b""
    for block in blocks(path):
        first += block
        if len(first) >= length:
            break
    return head_of(first[:length])


def siblings(path: str) -> list[Old]:
    """The rotated files of this log, opened, the oldest first: mail.log.1, mail.log-20261124-1795518266.gz.

    A file and its packed copy stand there both for a moment: they are one.
    """
    found = sorted(
        (Old(name, 0) for name, _ in listing(path) if name != path), key=lambda piece: piece.told()["changed"]
    )
    kept: dict[str, Old] = {}
    for piece in found:
        head = piece.head()
        if head and head not in kept:
            kept[head] = piece
        else:
            piece.close()
    return list(kept.values())


def listing(path: str) -> list[tuple[str, int]]:
    """The log and its rotated files, each with its inode: two listings differ when something was renamed in between."""
    beside = (p for mark in "-." for p in glob.glob(glob.escape(path) + mark + "*"))  # noqa: PTH207 - a whole path
    return sorted((p, Path(p).stat().st_ino) for p in (path, *beside) if Path(p).is_file())

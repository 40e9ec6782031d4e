"""Whole files, as blocks that end where a line ends.

In: a path, or `-` for standard input; plain, or compressed by gzip, bzip2, xz or zstd, which is seen from the first
bytes and not from the name. Out: blocks of whole lines; only the last may lack its newline. Fails with Unreadable.
A line longer than LONGEST is cut there, so that no file can fill the memory.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

BLOCK: Final = 1 << 18
LONGEST: Final = 1 << 23
_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_TEXT: Final = bytes(range(32, 256)) + b"\t\r\n\x00\x1b"


class Unreadable(Exception):  # noqa: N818 - a word of its own
    """A log that cannot be read; the message is for the user."""


def blocks(path: str | Path, size: int = BLOCK) -> Iterator[bytes]:
    """The file's blocks, each of whole lines."""
    name = "standard input" if str(path) == "-" else os.fsencode(path).decode("utf-8", "backslashreplace")
    with opened(path, name) as stream:
        yield from _whole(stream, size, name)


def lines(path: str | Path) -> Iterator[bytes]:
    """The file's lines, without their ends."""
    for block in blocks(path):
        yield from block.removesuffix(b"\n").split(b"\n")


@contextmanager
def opened(path: str | Path, name: str) -> Iterator[BinaryIO]:
    """The file as a stream of what is in it, unpacked. What goes wrong while it is read is told as Unreadable."""
    try:
        if str(path) == "-":
            yield unpacked(sys.stdin.buffer, name)
            return
        if Path(path).is_dir():
            raise Unreadable(f"{name}: is a directory, expected a log file")
        with Path(path).open("rb", buffering=0) as raw:
            yield unpacked(raw, name)
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise Unreadable(f"{name}: is damaged: {error}") from None
    except EOFError:
        raise Unreadable(f"{name}: ends early, the compressed file is not whole") from None
    except OSError as error:
        raise Unreadable(f"{name}: {(error.strerror or str(error)).lower()}") from None


def unpacked(raw: io.RawIOBase | BinaryIO, name: str) -> BinaryIO:
    """What the stream holds, by its first bytes. A file that is no text is refused."""
    stream = io.BufferedReader(raw, BLOCK) if isinstance(raw, io.RawIOBase) else raw
    first = stream.peek(512)[:512] if isinstance(stream, io.BufferedReader) else b""
    if first.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if first.startswith(_BZIP2):
        return cast(BinaryIO, bz2.BZ2File(stream))
    if first.startswith(_XZ):
        return cast(BinaryIO, lzma.LZMAFile(stream))
    if first.startswith(_ZSTD):
        from gatepost_observer.lines.zstd import unpack

        return unpack(stream, name)
    if is_binary(first):
        raise Unreadable(f"{name}: is a binary file, expected a log of lines")
    return stream


def is_binary(first: bytes) -> bool:
    """Whether these first bytes are no log: many bytes that no text has. NULs may be there, a crash leaves them."""
    strange = len(first.translate(None, _TEXT))
    nulls = first.count(b"\0")
    return (
        strange * 10 > len(first)
        or (strange > 2 and nulls > 2)
        or first.startswith((b"\x7fELF", b"\x89PNG", b"PK\x03\x04"))
    )


class Stretch(io.RawIOBase):
    """A stretch of a file for whoever reads it line by line: each line has its end, also the last, also a huge one.

    What is read goes straight into the reader's buffer; looking at every byte here would take as long as all the rest.
    """

    def __init__(self, stream: BinaryIO, length: int | None = None) -> None:
        self._fill = stream.readinto  # type: ignore[attr-defined]
        self._left = length
        self._last = 10
        self._without_end = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer."""
        room = buffer if self._left is None else buffer[: self._left]
        count: int = self._fill(room) if len(room) else 0
        if not count:
            return self._end(buffer)
        if self._left is not None:
            self._left -= count
        self._last = room[count - 1]
        if 10 in room[:count]:
            self._without_end = 0
        else:
            self._without_end += count
            if self._without_end > LONGEST:
                room[count - 1] = self._last = 10
        return count

    def _end(self, buffer: memoryview) -> int:
        if self._last == 10:
            return 0
        buffer[0] = self._last = 10
        return 1


def _whole(stream: BinaryIO, size: int, name: str) -> Iterator[bytes]:
    rest = b""
    while True:
        block = stream.read(size)
        if not block:
            break
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            if len(rest) > LONGEST:
                yield rest + b"\n"
                rest = b""
            continue
        yield rest + block[:end]
        rest = block[end:]
    if rest:
        yield rest

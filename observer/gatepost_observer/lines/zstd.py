"""Unpacking zstd: by Python's own module (3.14), by the module zstandard, or by the command zstd.

In: a stream. Out: a stream. Fails with Unreadable where none of the three is there.
"""

from __future__ import annotations

import importlib
import io
import shutil
import subprocess
import threading
from typing import BinaryIO, cast

from gatepost_observer.lines import whole


def unpack(stream: BinaryIO, name: str) -> BinaryIO:
    """The unpacked stream."""
    for module, attribute in (("compression.zstd", "ZstdFile"), ("zstandard", "ZstdDecompressor")):
        try:
            opener = getattr(importlib.import_module(module), attribute)
        except ImportError:
            continue
        if module == "zstandard":
            reader = opener().stream_reader(stream, read_across_frames=True)
            return cast(BinaryIO, io.BufferedReader(_Careful(reader, name)))
        return cast(BinaryIO, opener(stream))
    command = shutil.which("zstd")
    if command is None:
        raise whole.Unreadable(f"{name}: is compressed by zstd, expected the module zstandard or the command zstd")
    return _by_command(command, stream)


class _Careful(io.RawIOBase):
    """The module's own reader, whose error is a class of its own."""

    def __init__(self, reader: BinaryIO, name: str) -> None:
        self._reader = reader
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        import zstandard

        try:
            data = self._reader.read(len(buffer))
        except zstandard.ZstdError as error:
            raise whole.Unreadable(f"{self._name}: is damaged: {error}") from None
        buffer[: len(data)] = data
        return len(data)


def _by_command(command: str, stream: BinaryIO) -> BinaryIO:
    child = subprocess.Popen(  # noqa: S603 - a program from the path, without an argument of a stranger
        [command, "-d", "-c", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdin is not None  # noqa: S101 - asked for above
    assert child.stdout is not None  # noqa: S101
    threading.Thread(target=_feed, args=(stream, child.stdin), daemon=True).start()
    return cast(BinaryIO, io.BufferedReader(_Ended(child)))


def _feed(stream: BinaryIO, to: BinaryIO) -> None:
    with to:
        try:
            shutil.copyfileobj(stream, to, whole.BLOCK)
        except BrokenPipeError:
            return


class _Ended(io.RawIOBase):
    """What the command writes; when it ends with an error, the file was damaged."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        assert self._child.stdout is not None  # noqa: S101
        data = self._child.stdout.read(len(buffer))
        if not data and self._child.wait() != 0:
            raise EOFError
        buffer[: len(data)] = data
        return len(data)

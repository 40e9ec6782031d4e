"""Unpacking zstd: by Python's own module (3.14), by the module zstandard, or by the command zstd.

In: a stream. Out: a stream. Fails with Unreadable where none of the three is there.
"""

from __future__ import annotations

import importlib
import io
import shutil
import subprocess
import threading
from typing import Any, BinaryIO, Final, cast

from gatepost_observer.lines import whole

_STEP: Final = 1 << 16


def unpack(stream: BinaryIO, name: str) -> BinaryIO:
    """The unpacked stream."""
    for module, attribute in (("compression.zstd", "ZstdFile"), ("zstandard", "ZstdDecompressor")):
        try:
            opener = getattr(importlib.import_module(module), attribute)
        except ImportError:
            continue
        if module == "zstandard":
            return cast(BinaryIO, io.BufferedReader(_Frames(stream, name), whole.BLOCK))
        return cast(BinaryIO, opener(stream))
    command = shutil.which("zstd")
    if command is None:
        raise whole.Unreadable(f"{name}: is compressed by zstd, expected the module zstandard or the command zstd")
    return _by_command(command, stream)


class _Frames(io.RawIOBase):
    """What the module unpacks, frame after frame; one that is not whole is an error, which its own reader hides."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            data = self._stream.read(_STEP)
            if not data:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._ready = self._unpacked(data)
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _unpacked(self, data: bytes) -> bytes:
        import zstandard

        unpacked = b""
        try:
            while data:
                self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
                unpacked += self._frame.decompress(data)
                if not self._frame.eof:
                    break
                data, self._frame = self._frame.unused_data, None
        except zstandard.ZstdError as error:
            raise whole.Unreadable(f"{self._name}: is damaged: {error}") from None
        return unpacked


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

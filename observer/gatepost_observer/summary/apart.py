"""Work that is done in a process of its own, so that two cores share it.

In: a function without arguments, whose result is made of plain dictionaries, lists, numbers and text. Out: its result,
through a pipe. Should the process die, that is an error (Died), never a missing result.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable
from typing import Any


class Died(Exception):  # noqa: N818 - a word of its own
    """A process has ended before its work was done."""


class Apart:
    """Begins the work at once."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._read, write = os.pipe()
        self._child = os.fork()
        if self._child:
            os.close(write)
            return
        status = 1
        try:
            os.close(self._read)
            with os.fdopen(write, "wb") as pipe:
                marshal.dump(work(), pipe, 2)
            status = 0
        finally:
            os._exit(status)

    def result(self) -> Any:
        """Wait for the work's result."""
        with os.fdopen(self._read, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(self._child, 0)
        if status or not data:
            raise Died
        return marshal.loads(data)  # noqa: S302 - from our own child

"""Single keys from the terminal, without waiting for Return.

In: standard input, when it is a terminal. Out: the keys that were pressed. The terminal is as it was when the block
ends, however it ends.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Keys = Callable[[float], str]


@contextmanager
def keys() -> Iterator[Keys]:
    """A function that waits so many seconds for a key, and gives it, or nothing."""
    if not sys.stdin.isatty():
        yield _nothing
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([handle], [], [], seconds)
        return os.read(handle, 32).decode("ascii", "ignore") if ready else ""

    try:
        tty.setcbreak(handle)
        yield pressed
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _nothing(seconds: float) -> str:
    select.select([], [], [], seconds)
    return ""

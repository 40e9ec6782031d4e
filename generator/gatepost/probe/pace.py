"""Slow and bounded: a pause before each envelope, a number of envelopes, an amount of time.

In: the limits. Out: nothing; `step` waits.
How it fails: `SpentError` when a limit is reached; what was not asked by then could not be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# How much longer the pause is after the server has sent us away.
_BACK_OFF = 10


class SpentError(Exception):
    """A limit of the probe itself is reached."""


@dataclass
class Pace:
    """What one server may be asked, in all."""

    envelopes: int
    seconds: float
    pause: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    asked: int = 0
    begun: float = field(default=-1.0)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def step(self) -> None:
        """Before each envelope."""
        if self.asked >= self.envelopes:
            raise SpentError(f"not asked: the limit of {self.envelopes} envelopes is reached (--at-most)")
        self.check()
        self.asked += 1
        self.sleep(self.pause)

    def check(self) -> None:
        """Before whatever else takes time."""
        if self.clock() - self.begun >= self.seconds:
            raise SpentError(f"not asked: the time of {self.seconds:g} s is used up (--time)")

    def back_off(self) -> None:
        """Before coming again to a server that sent us away."""
        self.sleep(self.pause * _BACK_OFF)

"""Time that does not jump.

Counting and lock-outs use seconds since the machine's start (CLOCK_BOOTTIME): whoever sets the clock a day forward or
back changes nothing. What lies on disk carries the moment at which it was written, so that it can be brought to the
present scale after a restart. Over a reboot there is only the wall clock; if that went back, no time has passed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Moment:
    """One moment, told three ways: which boot, seconds since then, and the wall clock."""

    boot: str
    steady: int
    wall: int


def now() -> Moment:
    """This moment. A machine that does not tell its boot is taken as booted anew."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return Moment(boot, steady(), int(time.time()))


def steady() -> int:
    """Whole seconds since the machine's start."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME))


def elapsed(then: Moment, at: Moment) -> int:
    """Seconds from one moment to a later one, never less than none."""
    if then.boot and then.boot == at.boot and at.steady >= then.steady:
        return at.steady - then.steady
    return max(0, at.wall - then.wall)


def shift(then: Moment, at: Moment) -> int:
    """What must be added to steady seconds written at `then` to read them at `at`."""
    return at.steady - elapsed(then, at) - then.steady

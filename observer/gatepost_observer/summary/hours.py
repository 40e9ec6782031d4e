"""Which hour the lines are of, and what is counted in it.

In: the beginnings of lines, up to the hour. Out: five counts for each hour, and the days that have lines, in the Tally.
"""

from __future__ import annotations

import re
import time
from typing import Final

from gatepost_observer.summary.tally import Tally

RECEIVED, DELIVERED, DEFERRED, BOUNCED, REJECTED = range(5)
_KINDS: Final = 5
_HOUR: Final = re.compile(
    rb"(?:<\d{1,3}>(?:1 )?)?\d{4}-\d\d-\d\d[T ]\d\d|(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d"
)


def is_hour(text: bytes) -> bool:
    """Whether a line that begins with this text tells a time."""
    return _HOUR.fullmatch(text) is not None


class Hours:
    """The hour of the line that is being read."""

    def __init__(self, tally: Tally, day: str | None = None) -> None:
        self.tally = tally
        self.day = day
        self.reference: float | None = None
        self.hour = b""
        self.wanted = day is None
        self.seen = False  # whether a line of Postfix was seen in this hour
        self.counts = [0] * _KINDS
        self._key: tuple[str, int] = ("", 0)

    def met(self, hour: bytes) -> None:
        """Postfix has written a line in this hour, perhaps one that counts nothing."""
        day, _ = self._day_and_hour(hour)
        if self.day in (None, day):
            self.tally.days[day] = None

    def turn(self, hour: bytes) -> None:
        """The next lines are of this hour."""
        self.settle()
        self.hour = hour
        day, _ = self._key = self._day_and_hour(hour)
        self.wanted = self.day is None or self.day == day

    def more(self, received: int, delivered: int, rejected: int) -> None:
        """So many more in this hour."""
        counts = self.counts
        counts[RECEIVED] += received
        counts[DELIVERED] += delivered
        counts[REJECTED] += rejected

    def enter(self, hour: bytes) -> bool:
        """A line of Postfix is of this hour; whether that is wanted."""
        if hour != self.hour:
            self.turn(hour)
        self.seen = self.wanted
        return self.wanted

    def settle(self) -> None:
        """Write down what was counted in the current hour."""
        if self.seen:
            self.tally.days[self._key[0]] = None
            self.seen = False
        if any(self.counts):
            before = self.tally.hours.get(self._key, [0] * _KINDS)
            self.tally.hours[self._key] = [a + b for a, b in zip(before, self.counts, strict=True)]
        self.counts = [0] * _KINDS

    def _day_and_hour(self, hour: bytes) -> tuple[str, int]:
        """The day as 2026-11-24, and the hour, as the line's own clock shows them."""
        if b"-" in hour:
            stamp = hour[hour.rfind(b">") + 1 :].removeprefix(b"1 ") if hour[:1] == b"<" else hour
            return stamp[:10].decode("ascii"), int(stamp[11:13])
        from gatepost_observer.parse.heads import Heads  # takes time to load, and most logs tell the year

        head = Heads(self.reference).read(hour + b":00:00 host program: ")
        day = "" if head is None else time.strftime("%Y-%m-%d", time.localtime(head[0] / 1_000_000))
        return day, int(hour[-2:])

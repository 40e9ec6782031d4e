"""Counting a log, as fast as Python can: what `gatepost summary` is made of.

In: a stream of lines, in order. Out: the numbers in a Tally. It fails on nothing that a line says.

A block of lines is cut into fields by one pattern (`pattern.py`), so that Python itself sees only lines that count.
What the pattern does not know is read line by line (`single.py`), and with it what the heads of this log are like.
That both ways, and the events, give the same numbers are property tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final, Protocol

from gatepost_observer.summary.details import BY_CLIENT
from gatepost_observer.summary.hours import Hours, is_hour
from gatepost_observer.summary.single import Single, seconds_of
from gatepost_observer.summary.tally import MESSAGE, Tally

BLOCK: Final = 1 << 18
_FIRST: Final = 1 << 14  # a small one, from which to learn what the lines are like
_MANY: Final = 20_000
_LONGEST: Final = 1 << 23
_NEWLINE: Final = 10


class Readable(Protocol):
    """A file, or a part of one."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer."""


class _Seconds(dict[bytes, float]):
    """Delays as numbers: the same few come again and again, and to look one up is faster than to read it."""

    def __missing__(self, text: bytes) -> float:
        if len(self) > _MANY:
            self.clear()
        value = self[text] = seconds_of(text)
        return value


class Counter:
    """Counts lines into a tally."""

    def __init__(self, tally: Tally, instances: frozenset[bytes] | None = None, day: str | None = None) -> None:
        self.tally = tally
        self.hours = Hours(tally, day)
        self._single = Single(tally, self.hours, instances)
        self._seconds = _Seconds()
        self._people: dict[bytes, list[Any]] = {}  # by recipient: messages and bytes; what is known of the domain
        self._days: set[bytes] = set()

    def count(self, stream: Readable, length: int | None = None, block: int = BLOCK) -> None:
        """Count all lines of this stream, or so many bytes of it."""
        for buffer, end in blocks(stream, block, length):
            first = bytes(buffer[1 : buffer.find(b"\n", 1)])
            like = self._single.likeness(first)
            patterns = like and like.patterns()
            if like and patterns:
                self._fields(patterns[0].findall(buffer, 0, end))
                last = buffer.rfind(b"\n", 0, end - 1) + 1
                days = {first[: like.hour - 3], bytes(buffer[last : last + like.hour - 3])}
                if len(days) > 1 or not days <= self._days:
                    self._quiet_days(set(patterns[1].findall(buffer, 0, end)))
            else:
                for line in bytes(buffer[1 : end - 1]).split(b"\n"):
                    self._single.count(line)
        self.hours.settle()
        while self._people:  # one by one: both tables together would take more memory
            recipient, (sums, _) = self._people.popitem()
            self.tally.recipients[recipient] = self.tally.recipients.get(recipient, 0) + sums

    def _quiet_days(self, hours: set[bytes]) -> None:
        """A day has a row also where all of its lines are quiet: asked only where one day ends and another begins."""
        for hour in hours:
            if hour[:-3] not in self._days and is_hour(hour):
                self._days.add(hour[:-3])
                self.hours.met(hour)

    def _fields(self, matches: list[tuple[bytes, ...]]) -> None:
        """Count what the pattern found. Long, since a call for each line would cost more than the line."""
        tally, hours, seconds, people = self.tally, self.hours, self._seconds, self._people
        sizes, clients, waiting, senders, cut = tally.sizes, tally.clients, tally.waiting, tally.senders, tally.cut
        details = tally.details
        reasons, domains = details.memory, details.hosts
        current: bytes | None = None
        wanted = False
        received = delivered = rejected = 0
        for hour, word, told, client, why, parties, mail, sender, number, recipient, delay, line in matches:
            if hour != current:
                hours.more(received, delivered, rejected)
                received = delivered = rejected = 0
                if not hour:
                    self._single.count(line)
                    current = None  # it may be of another
                    continue
                wanted = is_hour(hour) and hours.enter(hour)
                current = hour
            if not wanted:
                continue
            if recipient:
                delivered += 1
                size = sizes.get(mail, MESSAGE)
                if size == MESSAGE:
                    tally.unsized.append((mail, recipient))
                person = people.get(recipient)
                if person is None:
                    person = people[recipient] = [0, tally.domain(recipient)]
                person[0] += size
                took = seconds[delay]
                domain = person[1]
                domain[1] += took
                if took > domain[2]:
                    domain[2] = took
            elif number:
                if mail in sizes:
                    continue
                size = sizes[mail] = MESSAGE + int(number)
                if mail in clients:
                    senders[sender] = senders.get(sender, 0) + size
                    if b"@" not in sender:
                        tally.without_domain(sender, size, clients[mail])
                    del clients[mail]
                elif cut:
                    tally.unmet[mail] = (sender, size)
            elif mail:
                if sizes.pop(mail, None) is None and cut:
                    tally.gone.add(mail)
                if mail in waiting:
                    waiting.remove(mail)
            elif why:
                rejected += 1
                kind, entries = reasons.get(why) or details.reason(why)
                if kind == BY_CLIENT:
                    by = domains.get(client) or details.host(client)
                else:
                    by = details.party(kind, client, parties)
                entries[by] = entries.get(by, 0) + 1
            elif word == b"warning":
                details.warned(b"smtpd", word, told)
            else:
                received += 1
                clients[word] = told
        hours.more(received, delivered, rejected)


def blocks(stream: Readable, size: int = BLOCK, length: int | None = None) -> Iterator[tuple[bytearray, int]]:
    """A buffer with a newline and whole lines, and how far they go. The next block comes into the same buffer.

    A line without an end gets one; one that is longer than any line is cut, so that no file can fill the memory.
    """
    buffer, filled, want = bytearray(b"\n"), 1, min(size, _FIRST)
    left = sys.maxsize if length is None else length
    while left:
        want = min(want, left)
        if len(buffer) < filled + want + 1:
            buffer += bytes(filled + want)
        more = _fill(stream, buffer, filled, filled + want)
        left = left - more if more == want else 0
        end = buffer.rfind(b"\n", filled, filled + more) + 1
        filled += more
        if not end and filled > _LONGEST:
            buffer[filled - 1] = _NEWLINE
            end = filled
        if end:
            yield buffer, end
            buffer[: filled - end + 1] = buffer[end - 1 : filled]
            filled -= end - 1
        want = size
    if filled > 1:
        buffer[filled] = _NEWLINE
        yield buffer, filled + 1


def _fill(stream: Readable, buffer: bytearray, start: int, end: int) -> int:
    """Read until it is full, or nothing comes any more."""
    at = start
    with memoryview(buffer) as view:
        while at < end:
            count = stream.readinto(view[at:end])
            if not count:
                break
            at += count
    return at - start

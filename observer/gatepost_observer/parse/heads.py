"""The head of a line: when, on which host, by which program. The message behind it is left as it is.

In: a line of a log, as rsyslog, syslogd or journalctl write it, in any mixture. Out: a Head, or None for a line that
has no such head. What the message says never has a part in this: the head is read from the line's beginning alone.

The traditional time stamp has neither year nor zone. The zone is this machine's; the year is the latest one that does
not lie in the future of the reference, which is the file's last change, or now.
"""

from __future__ import annotations

import re
import time
from calendar import isleap, timegm
from typing import Final

_ISO: Final = re.compile(
    rb"(?:<\d{1,3}>(?:1 )?)?(?:[A-Z][a-z]{2} )?"
    rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?( ?(?:Z|UTC|[+-]\d\d:?\d\d)|) "
    rb"(\S+) ([^\s:\[\]]+)(?:\[(\d+)\])?: ?",
)
_TRADITIONAL: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) ([ \d]?\d)(?: (\d{4}))? (\d\d:\d\d:\d\d)"
    rb"(?:\.(\d{1,9}))?(?: (\d{4}))? (\S+) ([^\s:\[\]]+)(?:\[(\d+)\])?: ?",
)
# RFC 5424: the program, its process, a message id and structured data stand in columns.
_COLUMNS: Final = re.compile(
    rb"<\d{1,3}>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d) "
    rb"(\S+) (\S+) (\S+) \S+ (?:-|(?:\[[^\]]*\])+) ?(?:\xef\xbb\xbf)?"
)
# rspamd's own file.
_RSPAMD: Final = re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?() #(\d+)\((\w+)\) ")
_SOLARIS: Final = re.compile(rb"\[ID \d+ [a-z0-9.]+\] ")
_MONTHS: Final = {m: n for n, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_DAY: Final = 86_400
_FULL: Final = 50_000


Head = tuple[int, bool, bytes, bytes, bytes, bytes]
"""Time in UTC microseconds, whether it was told in microseconds, host, program (postfix/smtpd), process, message."""


class Heads:
    """Reads heads; remembers what the last time stamps meant, since the next ones mostly repeat them."""

    def __init__(self, reference: float | None = None) -> None:
        self.reference = reference
        self._seconds: dict[tuple[bytes, bytes], int] = {}

    def read(self, line: bytes) -> Head | None:
        """The head of this line, or None."""
        match = _ISO.match(line)
        if match:
            stamp, fraction, zone, host, program, process = match.groups()
        else:
            columns = _COLUMNS.match(line) if line[:1] == b"<" else None
            if columns is None:
                return self._traditional(line) or self._rspamd(line)
            stamp, fraction, zone, host, program, process = columns.groups()
            match = columns
        seconds = self._seconds.get((stamp, zone))
        if seconds is None:
            seconds = self._keep((stamp, zone), _iso_seconds(stamp, zone))
        if seconds < 0:
            return None
        message = line[match.end() :]
        if fraction and len(fraction) == 6:
            return seconds * 1_000_000 + int(fraction), True, host, program, process or b"", message
        exact = fraction is not None and len(fraction) > 6
        return seconds * 1_000_000 + _micro(fraction), exact, host, program, process or b"", message

    def _traditional(self, line: bytes) -> Head | None:
        match = _TRADITIONAL.match(line)
        if match is None:
            return None
        month, day, year, clock, fraction, other_year, host, program, process = match.groups()
        year = year or other_year or b""
        key = (month + b" " + day + b" " + clock, year)
        seconds = self._seconds.get(key)
        if seconds is None:
            seconds = self._keep(key, self._traditional_seconds(month, int(day), clock, int(year or 0)))
        if seconds < 0:
            return None
        message = line[match.end() :]
        solaris = _SOLARIS.match(message)
        if solaris:
            message = message[solaris.end() :]
        return seconds * 1_000_000 + _micro(fraction), False, host, program, process or b"", message

    def _rspamd(self, line: bytes) -> Head | None:
        match = _RSPAMD.match(line)
        if match is None:
            return None
        stamp, fraction, zone, process, _ = match.groups()
        seconds = _iso_seconds(stamp, zone)
        if seconds < 0:
            return None
        return seconds * 1_000_000 + _micro(fraction), False, b"localhost", b"rspamd", process, line[match.end() :]

    def _keep(self, key: tuple[bytes, bytes], seconds: int) -> int:
        if len(self._seconds) >= _FULL:
            self._seconds.clear()
        self._seconds[key] = seconds
        return seconds

    def _traditional_seconds(self, month: bytes, day: int, clock: bytes, year: int) -> int:
        number = _MONTHS.get(month, 0)
        hour, minute, second = (int(part) for part in clock.split(b":"))
        if not (number and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
            return -1
        if year:
            return local_seconds(year, number, day, hour, minute, second)
        latest = (time.time() if self.reference is None else self.reference) + _DAY
        newest = time.gmtime(latest).tm_year
        for year in range(newest, newest - 9, -1):
            if (number, day) == (2, 29) and not isleap(year):
                continue
            seconds = local_seconds(year, number, day, hour, minute, second)
            if seconds <= latest:
                return seconds
        return -1


def local_seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """This machine's wall clock as UTC seconds; -1 for a day that does not exist."""
    try:
        return int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1)))
    except (OverflowError, ValueError):
        return -1


def _micro(fraction: bytes | None) -> int:
    return int(fraction[:6].ljust(6, b"0")) if fraction else 0


def _iso_seconds(stamp: bytes, zone: bytes) -> int:
    """UTC seconds of an ISO time stamp; -1 where it names no time."""
    year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
    hour, minute, second = int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return -1
    if not zone:
        return local_seconds(year, month, day, hour, minute, second)
    seconds = timegm((year, month, day, hour, minute, second))
    zone = zone.strip()
    if zone in (b"Z", b"UTC"):
        return seconds
    offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return seconds - offset if zone[:1] == b"+" else seconds + offset

"""From when to when: what people type, and the period before.

In: words such as 2026-11-24, 2026-11-24T08:00, today, yesterday, 7d, 12h; the present moment; a zone (none is the
machine's own). Out: a Period in UTC. A day means all of it: `--until 2026-11-24` has that day in it. Fails with
PeriodError, which says in one line what would be right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

_AGO: Final = re.compile(r"(\d{1,5})([hdw])$")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EXPECTED: Final = "expected a day (2026-11-24), a moment (2026-11-24T08:00), today, yesterday, or 12h, 7d, 4w for ago"
DAY: Final = timedelta(days=1)


class PeriodError(Exception):
    """What was typed is no time, or the two do not fit; the message is one line."""


@dataclass(frozen=True)
class Period:
    """A span of time, in UTC: `since` belongs to it, `until` does not."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    def before(self, zone: tzinfo | None = None) -> Period:
        """The period before, of equal length; whole days stay whole days when the clock is changed between."""
        days = (self.until.astimezone(zone).date() - self.since.astimezone(zone).date()).days
        if days and midnight(self.since, zone) and midnight(self.until, zone):
            return Period(at(self.since.astimezone(zone).date() - timedelta(days=days), zone), self.since)
        return Period(self.since - self.length, self.since)


def at(day: date, zone: tzinfo | None, clock: time = time()) -> datetime:
    """The moment at which a clock in the zone shows this."""
    naive = datetime.combine(day, clock)
    return (naive.astimezone() if zone is None else naive.replace(tzinfo=zone)).astimezone(UTC)


def midnight(moment: datetime, zone: tzinfo | None) -> bool:
    """Whether a day begins with it."""
    return moment == at(moment.astimezone(zone).date(), zone)


def moment(said: str, now: datetime, zone: tzinfo | None = None, *, end: bool = False) -> datetime:
    """What somebody typed, as a moment; with `end`, a day means its end."""
    text = said.strip()
    today = now.astimezone(zone).date()
    named = {"today": today, "yesterday": today - DAY}.get(text.lower())
    try:
        if text.lower() == "now":
            return now
        if named or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return at((named or date.fromisoformat(text)) + (DAY if end else timedelta()), zone)
        ago = _AGO.fullmatch(text)
        if ago:
            return _ago(int(ago[1]), ago[2], now, zone)
        told = datetime.fromisoformat(text)
        return told.astimezone(UTC) if told.tzinfo else at(told.date(), zone, told.time())
    except (ValueError, OverflowError):
        raise PeriodError(f"{_shown(said)}: no such time, {_EXPECTED}") from None


def _ago(count: int, unit: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Hours are counted from now; days and weeks begin with a day, so that days are compared with days."""
    span = count * _UNITS[unit]
    return now - span if unit == "h" else at((now.astimezone(zone) - span).date(), zone)


def period(since: str | None, until: str | None, now: datetime, zone: tzinfo | None = None) -> Period:
    """The period that was asked for: without `until` up to now, without `since` the seven days before its end."""
    last = moment(until, now, zone, end=True) if until else now
    first = moment(since, now, zone) if since else at((last.astimezone(zone) - 7 * DAY).date(), zone)
    if since and since.strip().lower() == "yesterday" and not until:
        last = at(now.astimezone(zone).date(), zone)
    if first > now:
        raise PeriodError(f"the period begins in the future ({_local(first, zone)})")
    if first >= last:
        raise PeriodError(f"the period ends ({_local(last, zone)}) before it begins ({_local(first, zone)})")
    return Period(first, last)


def named(name: str, now: datetime, zone: tzinfo | None = None) -> Period:
    """The last whole day or the last seven whole days: what the timers ask for."""
    today = now.astimezone(zone).date()
    return Period(at(today - {"day": DAY, "week": 7 * DAY}[name], zone), at(today, zone))


def _local(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _shown(said: str) -> str:
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in said[:61])
    return f"'{safe}'" if len(said) <= 60 else f"'{safe[:60]}…'"

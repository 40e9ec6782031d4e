"""The same counts by day, by hour, and by the hour of the day, in the zone that is shown.

In: rows with the moment of their slot. Out: one row for each day or hour of the period, also where nothing happened.
Pure.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from gatepost_observer.report.counting import WAYS, summed
from gatepost_observer.report.period import Period

Row = dict[str, Any]
Figures = dict[str, Any]


def series(flow: list[Row], arrivals: list[Row], period: Period, zone: tzinfo | None) -> Figures:
    """By day, and by the hour of the day, in the zone that is shown."""
    days: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    hours: dict[int, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    moments: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    shown: dict[datetime, datetime] = {}
    for number, rows in enumerate((flow, arrivals)):
        for row in rows:
            local = shown.get(row["at"]) or shown.setdefault(row["at"], row["at"].astimezone(zone))
            days[f"{local:%Y-%m-%d}"][number].append(row)
            hours[local.hour][number].append(row)
            moments[local.replace(minute=0).isoformat(timespec="minutes")][number].append(row)
    short = period.length <= timedelta(days=3)
    return {
        "by_day": [{"day": day, **_short(days[day])} for day in _days(period, zone)],
        "by_hour_of_day": [{"hour": hour, **_short(hours[hour])} for hour in range(24)],
        "by_hour": [{"hour": hour, **_short(moments[hour])} for hour in _hours(period, zone)] if short else [],
    }


SERIES: Final = (
    "received", "bytes_received", "delivered", "deferred", "returned", "refused", "spam", "viruses", "attachments",
)  # fmt: skip
LONGEST: Final = 800  # days of a chart; a log may lie about its time


def _short(rows: tuple[list[Row], list[Row]]) -> Figures:
    whole = summed(*rows)
    return {name: whole[name] for name in SERIES} | {way: whole[way]["mails"] for way in WAYS}


def _days(period: Period, zone: tzinfo | None) -> list[str]:
    """Every day of the period, also those on which nothing happened."""
    first = period.since.astimezone(zone).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    return [f"{first + timedelta(days=n)}" for n in range(min((last - first).days + 1, LONGEST))]


def _hours(period: Period, zone: tzinfo | None) -> list[str]:
    start = period.since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    many = int((period.until - start) / timedelta(hours=1) + 0.999_999)
    told = ((start + timedelta(hours=n)).astimezone(zone).replace(minute=0) for n in range(many))
    return list(dict.fromkeys(hour.isoformat(timespec="minutes") for hour in told))

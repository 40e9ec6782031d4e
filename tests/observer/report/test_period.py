"""From when to when: what people type is understood, or refused in one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from gatepost_observer.report.period import Period, PeriodError, named, period
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, local(2026, 11, 17), NOW),
        ("yesterday", None, local(2026, 11, 23), local(2026, 11, 24)),
        ("yesterday", "today", local(2026, 11, 23), local(2026, 11, 25)),
        ("2026-11-01", "2026-11-30", local(2026, 11, 1), local(2026, 12, 1)),
        ("7d", None, local(2026, 11, 17), NOW),
        ("2w", "yesterday", local(2026, 11, 10), local(2026, 11, 24)),
        ("12h", "now", NOW - timedelta(hours=12), NOW),
        ("2026-11-24T08:00", None, local(2026, 11, 24, 8), NOW),
        ("2026-11-24 08:00", "2026-11-24T09:00Z", local(2026, 11, 24, 8), datetime(2026, 11, 24, 9, tzinfo=UTC)),
        (None, "2026-11-10", local(2026, 11, 4), local(2026, 11, 11)),
    ],
)
def test_what_people_type_is_meant_in_their_zone(
    since: str | None, until: str | None, first: datetime, last: datetime
) -> None:
    assert period(since, until, NOW, BERLIN) == Period(first, last)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("tomorrow", None, "no such time, expected a day"),
        ("2026-02-30", None, "no such time"),
        ("24.11.2026", None, "no such time"),
        ("9999999w", None, "no such time"),
        (" ", None, "no such time"),
        ("\x1b[2J", None, r"'\\u001b\[2J': no such time"),
        ("2026-11-24", "2026-11-20", "ends .* before it begins"),
        ("2027-01-01", None, "begins in the future"),
    ],
)
def test_what_is_no_time_is_refused_in_one_line(since: str | None, until: str | None, words: str) -> None:
    with pytest.raises(PeriodError, match=words) as refused:
        period(since, until, NOW, BERLIN)
    assert str(refused.value).isprintable()


def test_the_timers_ask_for_whole_days() -> None:
    assert named("day", NOW, BERLIN) == Period(local(2026, 11, 23), local(2026, 11, 24))
    assert named("week", NOW, BERLIN) == Period(local(2026, 11, 17), local(2026, 11, 24))


def test_the_week_before_is_a_week_although_the_clock_was_changed_in_it() -> None:
    week = Period(local(2026, 10, 26), local(2026, 11, 2))
    assert week.before(BERLIN) == Period(local(2026, 10, 19), local(2026, 10, 26))


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.timedeltas(timedelta(seconds=1), timedelta(days=400))
)
def test_the_period_before_ends_where_the_period_begins(start: datetime, length: timedelta) -> None:
    since = start.replace(tzinfo=UTC)
    span = Period(since, since + length)
    before = span.before(BERLIN)
    assert before.until == span.since
    assert abs(before.length - span.length) <= timedelta(hours=1)

"""The reader over time: state, repeats, clocks, and what it does not know."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from gatepost_observer.events import COLUMNS
from gatepost_observer.parse import Reader
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import read, said
from test_parse_ways import way


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine stands in Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.setdefault("TZ", "UTC")
    time.tzset()


@given(cuts=st.lists(st.integers(0, 15), max_size=6))
@settings(max_examples=30)
def test_reading_on_from_a_kept_state_gives_the_same_events_as_reading_at_once(cuts: list[int]) -> None:
    lines = [line.replace(b".123456", b".%06d" % n) for n, line in enumerate(way())]
    reader, events, before = Reader(), [], 0
    for cut in [*sorted(cuts), len(lines)]:
        events += reader.read(lines[before:cut])
        reader = Reader.restored(json.loads(json.dumps(reader.state())))
        before = cut
    assert events == read(*way())


@given(start=st.integers(0, 14), length=st.integers(1, 15))
def test_a_run_of_lines_that_comes_again_counts_once(start: int, length: int) -> None:
    lines = [line.replace(b".123456", b".%06d" % n) for n, line in enumerate(way())]
    run = lines[start : start + length]
    again = [*lines[: start + length], *run, *lines[start + length :]]
    reader = Reader()
    assert reader.read(again) == Reader().read(lines)
    assert reader.repeated == len(run)


def test_a_repeat_is_known_after_a_restart_too() -> None:
    reader = Reader()
    reader.read(way()[:1])
    again = Reader.restored(json.loads(json.dumps(reader.state())))
    assert again.read(way()[:1]) == []
    assert again.repeated == 1


def test_equal_lines_whose_clock_shows_only_seconds_all_count() -> None:
    line = b"Nov 24 10:59:01 mx1 postfix/smtpd[7]: disconnect from x[203.0.113.9] commands=0/0"
    assert len(Reader().read([line, line])) == 2


def test_events_have_only_columns_of_the_schema_and_only_values_of_their_types() -> None:
    kinds = {"text": str, "whole": int, "real": float, "time": int, "flag": bool}
    for event in read(*way()):
        for column, value in event.items():
            assert type(value) is kinds[COLUMNS[column]], (column, value)


def test_unknown_lines_are_counted_under_their_program_with_a_few_samples() -> None:
    reader = Reader()
    reader.read([said(f"something {n} quite new") for n in range(20)])
    assert reader.unknown["smtpd"]["count"] == 20
    assert len(reader.unknown["smtpd"]["samples"]) == 5


def test_lines_of_other_programs_are_counted_and_not_unknown() -> None:
    reader = Reader()
    assert reader.read([said("(root) CMD (true)", "CRON[3]"), said("Started x.", "systemd[1]")]) == []
    assert (dict(reader.programs), reader.unknown) == ({"CRON": 1, "systemd": 1}, {})


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-24T10:59:01.5+01:00",
        "2026-11-24T10:59:01+0100",
        "2026-11-24T09:59:01Z",
        "<22>2026-11-24T10:59:01+01:00",
        "<22>1 2026-11-24T10:59:01+01:00",
        "Nov 24 10:59:01",
        "<22>Nov 24 10:59:01",
        "Nov 24 2026 10:59:01",
        "Nov 24 10:59:01 2026",
    ],
)
@pytest.mark.usefixtures("berlin")
def test_every_form_of_the_time_means_the_same_moment(stamp: str) -> None:
    reader = Reader(reference=datetime(2026, 11, 25, tzinfo=UTC).timestamp())
    (event,) = reader.read([f"{stamp} mx1 postfix/qmgr[2]: ABCDEF0123: removed".encode()])
    assert event["time"] // 1_000_000 == datetime(2026, 11, 24, 9, 59, 1, tzinfo=UTC).timestamp()


def test_a_line_in_the_columns_of_rfc_5424_is_read() -> None:
    (event,) = Reader().read([b"<22>1 2026-11-24T10:59:01.5+01:00 mx1 postfix/qmgr 12 - - ABCDEF0123: removed"])
    assert (event["kind"], event["host"], event["queue_id"]) == ("closed", "mx1", "ABCDEF0123")


@pytest.mark.parametrize(
    ("stamp", "reference", "year"),
    [
        ("Dec 31 23:59:59", datetime(2027, 1, 1, 3, tzinfo=UTC), 2026),
        ("Jan  1 00:00:01", datetime(2027, 1, 1, 3, tzinfo=UTC), 2027),
        ("Jan  1 00:00:01", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 2027),
        ("Nov 24 10:59:01", datetime(2019, 12, 1, tzinfo=UTC), 2019),
        ("Feb 29 10:59:01", datetime(2026, 12, 1, tzinfo=UTC), 2024),
    ],
)
def test_a_time_without_a_year_belongs_to_the_last_year_that_fits(stamp: str, reference: datetime, year: int) -> None:
    (event,) = Reader(reference=reference.timestamp()).read(
        [f"{stamp} mx1 postfix/qmgr[2]: ABCDEF0123: removed".encode()]
    )
    assert time.localtime(event["time"] / 1_000_000).tm_year == year


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        Reader.restored({**Reader().state(), "version": 99})


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    for kept in (reader._trail.mails, reader._trail.sessions, reader._trail.links):
        monkeypatch.setattr(kept, "most", 10)
    for n in range(100):
        reader.read([said(f"ABCDEF{n:04X}: client=x[203.0.113.9]", f"postfix/smtpd[{n}]")])
    assert len(reader._trail.mails.of) == 10
    assert len(reader._trail.sessions.of) == 10


def test_the_logs_of_both_hosts_in_one_file_do_not_mix_their_queue_ids() -> None:
    other = [line.replace(b" mx1 ", b" mx2 ") for line in way()]
    both = [line for pair in zip(way(), other, strict=True) for line in pair]
    mine = [event for event in read(*both) if event["host"] == "mx1"]
    assert [e["kind"] for e in mine] == [e["kind"] for e in read(*way())]

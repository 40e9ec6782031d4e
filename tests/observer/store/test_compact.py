"""Compaction: few files, nothing older than allowed, no names older than allowed, and no event lost or changed else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import some
from gatepost_observer.events import ADDRESSES
from gatepost_observer.store import Store, StoreError, engine, forget, locks, writer
from gatepost_observer.store.compact import Done, Rules, compact
from hypothesis import given
from hypothesis import strategies as st

DAY = 86_400.0
NOW = some.NOON / 1e6 + 3 * DAY
MADE = forget.pseudonyms(b"k" * 32)


def _compact(store: Path, rules: Rules | None = None, now: float = NOW) -> Done:
    with writer.opened(store, locks.COMPACT) as one:
        return compact(one, now, rules or Rules())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three days, two hosts, many small files."""
    path = tmp_path / "store"
    with writer.opened(path) as one:
        for number in range(12):
            one.commit(
                [
                    some.event(
                        number,
                        time=some.NOON + number % 3 * some.DAY - number,
                        host=f"gate{12 + number % 2}",
                        sender="Anna@Example.org" if number % 2 else "anna@example.org",
                        recipient="bert@partner.example",
                        user="anna",
                        text=f"550 5.1.1 <bert@partner.example>: unknown, said anna; copy to carl@x.example. {number}",
                    )
                ]
            )
    return path


def test_days_that_are_over_become_one_file_for_each_host_sorted_by_time(store: Path) -> None:
    """With all events."""
    _compact(store)
    assert len(Store(store).files()) == 6
    assert some.ids(store) == some.expected(0, 12)
    with engine.opened(Store(store), hosts=["gate12"]) as duck:
        times = [row["time"] for row in duck.rows("SELECT time FROM events WHERE host = 'gate12'")]
    assert len(times) == 6


def test_a_second_run_finds_nothing_to_do(store: Path) -> None:
    """Also with addresses forgotten."""
    rules = Rules(keep=100 * DAY, forget_addresses_after=DAY)
    first = _compact(store, rules)
    before = (store / "manifest.json").read_bytes()
    assert first.into == 6
    assert _compact(store, rules) == Done()
    assert (store / "manifest.json").read_bytes() == before


def test_a_day_that_is_not_over_is_left_to_the_collector(store: Path) -> None:
    """Its small files are few, they are merged as they come."""
    before = set(Store(store).files())
    _compact(store, now=some.NOON / 1e6)
    assert {path for path in before if "2024-10-04" in path or "2024-10-05" in path} <= set(Store(store).files())


def test_days_older_than_may_be_kept_are_dropped(store: Path) -> None:
    """And only those."""
    done = _compact(store, Rules(keep=2.5 * DAY), now=NOW + 0.4 * DAY)
    assert done.dropped == 4
    assert some.ids(store) == sorted(f"q{number}" for number in range(12) if number % 3)


def test_a_date_from_the_future_keeps_nothing_for_ever(tmp_path: Path) -> None:
    """Its age counts from when it was written."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        one.commit([some.event(1, time=some.NOON + 50_000 * some.DAY)])
        written = one.store.entries()[0].written
    _compact(store, Rules(keep=10 * DAY), now=written + 9 * DAY)
    assert some.ids(store) == ["q1"]
    _compact(store, Rules(keep=10 * DAY), now=written + 11 * DAY)
    assert some.ids(store) == []


def test_old_addresses_become_pseudonyms_everywhere(store: Path) -> None:
    """The same for the same address whatever its case; the domain stays; nothing else changes."""
    _compact(store, Rules(forget_addresses_after=1.5 * DAY))
    with engine.opened(Store(store)) as duck:
        rows = duck.rows("SELECT * FROM events ORDER BY queue_id")
    old = [row for row in rows if row["sender"].startswith("~")]
    assert {row["queue_id"] for row in old} == {f"q{number}" for number in range(12) if number % 3 < 2}
    assert len({row["sender"].partition("@")[0] for row in old}) == 1
    assert {row["sender"].partition("@")[2].lower() for row in old} == {"example.org"}
    for row in old:
        said = " ".join(str(row[name]) for name in (*ADDRESSES, "text"))
        assert not any(name in said.lower() for name in ("anna", "bert", "carl"))
        assert row["text"].startswith(f"550 5.1.1 <{row['recipient']}>: unknown, said {row['user']}; copy to ~")
        assert row["text"].endswith(f"@x.example. {row['queue_id'][1:]}")
    assert {row["user"] for row in rows if row not in old} == {"anna"}


def test_events_that_come_late_to_a_forgotten_day_are_forgotten_too(store: Path) -> None:
    """And what was forgotten is not hidden twice: the pseudonyms stay the same."""
    rules = Rules(forget_addresses_after=DAY)
    _compact(store, rules)
    with writer.opened(store) as one:
        one.commit([some.event(99, sender="anna@example.org")])
    _compact(store, rules)
    with engine.opened(Store(store)) as duck:
        [row] = duck.rows("SELECT count(DISTINCT lower(sender)) AS n, count(*) AS events FROM events")
    assert row == {"n": 1, "events": 13}


def test_the_key_is_made_once_and_is_for_its_owner_alone(store: Path) -> None:
    """Mode 0600, 32 bytes."""
    _compact(store, Rules(forget_addresses_after=DAY))
    place = store / forget.KEY
    key = place.read_bytes()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert forget.key_of(store) == key
    assert len(key) == 32
    place.write_bytes(b"short")
    with pytest.raises(StoreError, match="holds 5 bytes, expected 32"):
        forget.key_of(store)


LOCAL = st.from_regex(r"[a-z0-9][a-z0-9.!#$%&*+/=?^_`{|}-]{3,20}", fullmatch=True)


@given(LOCAL, st.sampled_from(["<{}>", "to=<{}>", "({})", "from={},", "said {}.", "[{}]", "{};", '"{}"', "{}: x"]))
def test_no_local_part_is_left_in_a_text(local: str, frame: str) -> None:
    """However it is framed; its domain is left."""
    said = forget.without_addresses("550 " + frame.format(f"{local}@example.org"), (), MADE)
    assert local not in said
    assert "@example.org" in said


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_no_text_makes_forgetting_fail(text: str, own: list[str]) -> None:
    """And a text that was forgotten stays as it is."""
    once = forget.without_addresses(text, tuple(own), MADE)
    assert isinstance(once, str)


@given(st.emails())
def test_a_pseudonym_is_one_already(address: str) -> None:
    """It is not made one again; the empty sender is nobody's."""
    assert MADE(MADE(address)) == MADE(address) != address
    assert MADE("") == ""
    assert MADE(address.upper()).lower() == MADE(address).lower()

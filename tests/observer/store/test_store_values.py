"""Whatever stands in an event, it goes into its day and host, comes back as it was, and escapes from no query."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import some
from gatepost_observer.events import COLUMNS
from gatepost_observer.store import Store, engine, writer
from gatepost_observer.store.engine import over
from gatepost_observer.store.literal import for_duckdb, for_spark
from gatepost_observer.store.partition import LONGEST, MOST, Partition, divided, quoted
from gatepost_observer.store.schema import LAST, table
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE = [
    "../../etc",
    "a=b",
    "x" * 300,
    "",
    ".",
    "..",
    "a/b",
    "host=c",
    "ü",
    "\x00",
    "mixed~",
    "gate12",
    "GATE12",
    "%2E",
]
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers())
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.text())
def test_a_hosts_name_never_leaves_its_folder(host: str) -> None:
    """Only harmless characters, never too long, never hidden."""
    name = quoted(host)
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%~")
    assert 0 < len(name) <= LONGEST
    assert not name.startswith(".")


@given(st.lists(st.text(), unique=True))
def test_different_hosts_have_different_folders(hosts: list[str]) -> None:
    """Also those that had to be cut or quoted."""
    assert len({quoted(host) for host in hosts}) == len(hosts)


def test_hostile_hosts_are_stored_and_found(tmp_path: Path) -> None:
    """By their true names."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        one.commit([some.event(number, host=host) for number, host in enumerate(HOSTILE)])
    with engine.opened(Store(store)) as duck:
        for number, host in enumerate(HOSTILE):
            if "\0" not in host:
                found = duck.rows("SELECT queue_id FROM events WHERE host = :host", {"host": host})
                assert [row["queue_id"] for row in found] == [f"q{number}"]
    assert {path.relative_to(store).parts[0] for path in store.rglob("*.parquet")} == {"events"}
    assert not any(path.name == "etc" for path in tmp_path.rglob("*"))


def test_late_events_go_to_their_own_day() -> None:
    """One commit can have many days."""
    parts = divided([some.event(1), some.event(2, time=some.NOON - some.DAY), some.event(3)])
    assert {part: [e["queue_id"] for e in events] for part, events in parts.items()} == {
        Partition("2024-10-04", "gate12"): ["q1", "q3"],
        Partition("2024-10-03", "gate12"): ["q2"],
    }


def test_a_flood_of_made_up_hosts_is_not_a_flood_of_files() -> None:
    """What is too much goes into one partition; nothing is lost."""
    parts = divided([some.event(number, host=f"h{number}") for number in range(10 * MOST)])
    assert len(parts) == MOST + 1
    assert sum(map(len, parts.values())) == 10 * MOST


@pytest.mark.parametrize("time", [-1, 0, LAST, LAST + 1, 2**80, None, "now"])
def test_a_time_that_is_none_still_has_a_day(time: Any, tmp_path: Path) -> None:
    """It never stops the collector."""
    with writer.opened(tmp_path / "store") as one:
        one.commit([some.event(1, time=time)])
    assert some.ids(tmp_path / "store") == ["q1"]


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, ANYTHING)), max_size=5))
def test_any_value_fits_or_is_left_out(events: list[dict[str, Any]]) -> None:
    """No event, however wrong, fails."""
    assert table(events).num_rows == len(events)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"sender": TEXT, "size": st.integers(-(2**63), 2**63 - 1), "score": st.floats(allow_nan=False)}
        )
    )
)
def test_right_values_come_back_as_they_were(events: list[dict[str, Any]]) -> None:
    """In their order."""
    assert table(events).select(["sender", "size", "score"]).to_pylist() == events


@settings(deadline=None)
@given(st.text())
def test_no_text_escapes_from_its_literal(text: str) -> None:
    """What goes in is what is compared."""
    with over([{"time": 0, "text": "x"}]) as duck:
        [row] = duck.rows("SELECT :text AS said, ':text' AS left, 1 -- :none\n AS one FROM events", {"text": text})
    safe = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    assert row == {"said": safe, "left": ":text", "one": 1}


def test_values_of_every_kind_stand_in_a_query() -> None:
    """Lists for IN, times with their zone, nothing as NULL."""
    sql = 'SELECT :a, x::INT, ":b", `:c` WHERE h IN (:d) AND i IN (:e) AND t >= :f AND j = :g AND k = :h'
    values: dict[str, Any] = {
        "a": True, "d": ["x'", "y"], "e": [], "f": datetime(2026, 11, 24, 12, tzinfo=UTC), "g": None, "h": 1.5,
    }  # fmt: skip
    assert for_duckdb(sql, values) == (
        "SELECT TRUE, x::INT, \":b\", `:c` WHERE h IN ('x''', 'y') AND i IN (NULL) "
        "AND t >= TIMESTAMPTZ '2026-11-24 12:00:00+00:00' AND j = NULL AND k = CAST('1.5' AS DOUBLE)"
    )
    text, named = for_spark(sql, values)
    assert text == (
        'SELECT :a, x::INT, ":b", `:c` WHERE h IN (:d_0, :d_1) AND i IN (NULL) AND t >= :f AND j = :g AND k = :h'
    )
    assert named == {"a": True, "d_0": "x'", "d_1": "y", "f": values["f"], "g": None, "h": 1.5}


def test_readers_are_told_only_of_files_that_can_matter(tmp_path: Path) -> None:
    """By time and by host."""
    with writer.opened(tmp_path / "store") as one:
        one.commit([some.event(n, time=some.NOON + n * some.DAY, host=host) for n in range(3) for host in ("a", "b")])
    store = Store(tmp_path / "store")
    since = datetime.fromtimestamp(some.NOON / 1e6 + 3600, UTC)
    assert len(store.files()) == 6
    assert len(store.files(since=since)) == 4
    assert len(store.files(since=since, until=since)) == 0
    assert len(store.files(until=since, hosts=["a"])) == 1

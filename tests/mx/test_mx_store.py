"""The counts on disk: whole or not at all, on the present scale of time, and no recipient's name in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from gatepost_mx.clock import Moment
from gatepost_mx.counting import LockOut, Record
from gatepost_mx.store import FILE, StateError, look, opened
from hypothesis import given, settings
from hypothesis import strategies as st

AT = Moment("boot", 1000, 50_000)
LOCKED = Record("203.0.113.9", {}, LockOut("203.0.113.9", 900, 1900, 2, 20, 60))
WATCHED = Record("2001:db8::/64", {2**62: 990, 7: -5})


def left_by_a_milter(folder: Path, *records: Record, at: Moment = AT) -> None:
    """What a milter wrote before it ended."""
    store, _, _ = opened(folder, at)
    store.save(records, at)
    store.close()


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, LOCKED, WATCHED)
    assert sorted(look(tmp_path, AT), key=lambda record: record.client) == [WATCHED, LOCKED]
    _, records, damage = opened(tmp_path, AT)
    assert damage is None
    assert {record.client: record for record in records} == {"203.0.113.9": LOCKED, "2001:db8::/64": WATCHED}


SEEN = st.dictionaries(st.integers(0, 2**56 - 1), st.integers(-(2**40), 2**40), max_size=30)


@settings(max_examples=20, deadline=None)  # each example is a file on a disk
@given(st.dictionaries(st.ip_addresses(v=4).map(str), SEEN, max_size=10))
def test_any_counts_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[str, dict[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("state")
    left_by_a_milter(folder, *(Record(client, seen) for client, seen in counts.items()))
    assert {record.client: record.seen for record in look(folder, AT)} == {
        c: seen for c, seen in counts.items() if seen
    }


def test_after_a_reboot_lock_outs_have_left_what_they_had_less_the_time_it_took(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, LOCKED)
    booted = Moment("another", 10, AT.wall + 300)
    for records in (look(tmp_path, booted), opened(tmp_path, booted)[1], look(tmp_path, booted)):
        (record,) = records
        assert record.lock_out
        assert record.lock_out.until - booted.steady == 1900 - AT.steady - 300


def test_the_key_stays_the_same(tmp_path: Path) -> None:
    keys = [opened(tmp_path, AT)[0].key for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 32


def test_a_forgotten_client_leaves_nothing(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, LOCKED, WATCHED)
    left_by_a_milter(tmp_path, Record(LOCKED.client))
    assert look(tmp_path, AT) == [WATCHED]


@pytest.mark.parametrize(
    "damage", [b"not a database, but long enough to be taken for one" * 100, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_damaged_file_is_set_aside_and_counting_begins_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    store, records, told = opened(tmp_path, AT)
    assert records == []
    assert told
    assert f"set aside as {FILE}.damaged" in told
    assert (tmp_path / f"{FILE}.damaged").read_bytes() == damage
    store.save([LOCKED], AT)


def test_rows_that_make_no_sense_are_damage_too(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, WATCHED)
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE clients SET seen = x'00'")
    file.close()
    assert opened(tmp_path, AT)[1:2] == ([],)


def test_a_file_cut_off_in_the_middle_is_damage_or_whole(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, *(Record(f"198.51.100.{n}", {m: m for m in range(50)}) for n in range(200)))
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
    _, records, told = opened(tmp_path, AT)
    assert told or len(records) == 200


def test_a_folder_that_refuses_is_told_and_nothing_is_set_aside(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="unable to open"):
        opened(tmp_path / "none", AT)
    with pytest.raises(StateError, match="unable to open"):
        look(tmp_path / "none", AT)


def test_looking_leaves_no_files_behind(tmp_path: Path) -> None:
    left_by_a_milter(tmp_path, LOCKED)
    look(tmp_path, AT)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]

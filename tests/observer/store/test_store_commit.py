"""A commit is whole or not at all, whenever the writer dies and whatever the disk says."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import some
from gatepost_observer.store import Store, StoreError, durable, locks, writer
from gatepost_observer.store.compact import Rules, compact
from gatepost_observer.store.merge import merge_small

LONG_AFTER = (some.NOON + 3 * some.DAY) / 1e6


class Killed(BaseException):
    """What kill -9 is to a process: nothing after it runs."""


def _steps(monkeypatch: pytest.MonkeyPatch, dies_at: int, failure: Callable[[], BaseException]) -> list[int]:
    """Every call that touches the disk counts; one of them fails."""
    count = [0]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] == dies_at:
                raise failure()
            return real(*arguments, **named)

        return call

    for owner, name in (
        (durable, "sync"), (os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (pq, "write_table"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    return count


def _kills(
    store: Path, work: Callable[[writer.Writer], object], role: str, failure: Callable[[], BaseException]
) -> Iterator[int]:
    """Do the work again and again, dying one step later each time, until it comes through."""
    dies_at = 0
    while True:
        dies_at += 1
        with pytest.MonkeyPatch.context() as monkeypatch:
            try:
                with writer.opened(store, role) as one:
                    count = _steps(monkeypatch, dies_at, failure)
                    work(one)
            except (Killed, StoreError):
                monkeypatch.undo()
                yield dies_at
                continue
        assert count[0] < dies_at, "a failure was swallowed"
        return


def _full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failure", [Killed, _full])
def test_a_commit_that_dies_at_any_step_is_not_there_or_there_with_its_state(
    failure: Callable[[], BaseException], tmp_path: Path
) -> None:
    """Events and state are always of the same commit."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        one.commit(some.events(0, 10), {"read": 10})

    def work(one: writer.Writer) -> None:
        if (one.store.state() or {})["read"] == 10:
            one.commit(some.events(10, 20), {"read": 20})

    steps = []
    for step in _kills(store, work, locks.COLLECT, failure):
        steps.append(step)
        state = Store(store).state()
        assert state is not None
        assert some.ids(store) == some.expected(0, state["read"])
    assert len(steps) > 5
    assert some.ids(store) == some.expected(0, 20)


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """After it only what the manifest names is on the disk."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        one.commit(some.events(0, 10), {"read": 10})
    kept = some.on_disk(store)
    for _ in range(4):
        with pytest.MonkeyPatch.context() as monkeypatch, pytest.raises(Killed), writer.opened(store) as one:
            _steps(monkeypatch, 6, Killed)
            one.commit(some.events(10, 20), {"read": 20})
    assert some.on_disk(store) > kept
    with writer.opened(store):
        pass
    assert some.on_disk(store) == kept


@pytest.mark.parametrize("failure", [Killed, _full])
def test_a_compaction_that_dies_at_any_step_changes_no_event(
    failure: Callable[[], BaseException], tmp_path: Path
) -> None:
    """Merged or not, the same events."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        for part in range(3):
            one.commit(some.events(part * 5, part * 5 + 5))
    for _ in _kills(store, lambda one: compact(one, LONG_AFTER, Rules()), locks.COMPACT, failure):
        assert some.ids(store) == some.expected(0, 15)
    assert some.ids(store) == some.expected(0, 15)
    assert len(Store(store).files()) == 1


def test_a_full_disk_is_told_and_leaves_no_half_files(tmp_path: Path) -> None:
    """The reason is the system's own word."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        one.commit(some.events(0, 10), {"read": 10})
    kept = some.on_disk(store)
    with pytest.MonkeyPatch.context() as monkeypatch, writer.opened(store) as one:
        _steps(monkeypatch, 2, _full)
        with pytest.raises(StoreError, match=r"cannot be written: No space left on device"):
            one.commit(some.events(10, 20), {"read": 20})
    assert some.on_disk(store) == kept


def test_small_files_are_merged_as_they_come(tmp_path: Path) -> None:
    """The events stay, the files become few, the old ones stay for who reads them."""
    store = tmp_path / "store"
    with writer.opened(store) as one:
        for number in range(8):
            one.commit([some.event(7 - number)])
        before = Store(store).files()
        assert merge_small(one, fan=4) + merge_small(one, fan=4) == 6
    assert some.ids(store) == some.expected(0, 8)
    assert len(Store(store).files()) == 2
    assert all(Path(path).exists() for path in before)


def test_superseded_files_go_after_the_grace_period(tmp_path: Path) -> None:
    """Not before, and no folder stays empty."""
    store = tmp_path / "store"
    now = [1000.0]
    with writer.opened(store, locks.COLLECT) as one:
        one.commit(some.events(0, 3))
        one.commit(some.events(0, 3, time=some.NOON - 40 * some.DAY))
    old, new = sorted(Store(store).files())
    with writer.opened(store, locks.COMPACT):
        clocked = writer.Writer(store, locks.COMPACT, clock=lambda: now[0])
        assert clocked.publish([], {str(Path(old).relative_to(store))})
        now[0] += 600
        clocked.clean()
        assert Path(old).exists()
        now[0] += 600
        clocked.clean()
    assert not Path(old).parent.parent.exists()
    assert Path(new).exists()


def test_a_merge_that_was_overtaken_is_dropped(tmp_path: Path) -> None:
    """The collector merged what the compaction was merging: its own file does not count."""
    store = tmp_path / "store"
    with writer.opened(store) as collector, writer.opened(store, locks.COMPACT) as compaction:
        for number in range(4):
            collector.commit([some.event(number)])
        gone = {entry.path for entry in Store(store).entries()}
        merge_small(collector, fan=4)
        assert not compaction.publish([], gone)
    assert some.ids(store) == some.expected(0, 4)

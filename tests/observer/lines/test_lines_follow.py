"""Live logs: each line once, whatever logrotate, an editor or a restart does to the file."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from gatepost_observer.lines import Follower, follow
from hypothesis import given, settings
from hypothesis import strategies as st


class Log:
    """A log as its writer and logrotate treat it; the writer keeps the file open until it is told to reopen."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mail.log"
        self.turns = 0
        self.clock = 0
        self.reopen()

    def reopen(self) -> None:
        self.writer = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.tick(self.writer)

    def tick(self, file: int | Path) -> None:
        """A clock of whole seconds: each change of a file is later than the one before."""
        self.clock += 1
        os.utime(file, (self.clock, self.clock))

    def write(self, text: str) -> None:
        os.write(self.writer, text.encode())
        self.tick(self.writer)

    def beside(self) -> Path:
        self.turns += 1
        return self.path.with_name(f"mail.log-20261124-{self.turns:03}")

    def rename(self) -> Path:
        old = self.beside()
        self.path.rename(old)
        return old

    def copy_and_truncate(self) -> Path:
        old = self.beside()
        shutil.copyfile(self.path, old)
        self.tick(old)
        os.truncate(self.path, 0)
        self.tick(self.path)
        return old


def compress(old: Path) -> None:
    """As logrotate does it later: the time of the last change stays."""
    packed = old.with_name(old.name + ".gz")
    packed.write_bytes(gzip.compress(old.read_bytes()))
    os.utime(packed, (old.stat().st_mtime, old.stat().st_mtime))
    old.unlink()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


class Reading:
    """A follower that can be stopped, and started again from its positions as they were kept."""

    def __init__(self, log: Log) -> None:
        self.pattern = str(log.path.parent / "*.log")
        self.follower = Follower([self.pattern])
        self.lines: list[str] = []

    def poll(self) -> list[str]:
        for batch in self.follower.poll():
            self.lines += [line.decode() for line in batch.lines]
        return self.lines

    def restart(self) -> None:
        kept = json.loads(json.dumps(self.follower.positions()))
        self.follower.close()
        self.follower = Follower([self.pattern], kept)


@pytest.fixture
def reading(log: Log) -> Reading:
    return Reading(log)


def test_lines_come_as_they_are_written_and_one_without_its_end_is_left_for_later(log: Log, reading: Reading) -> None:
    log.write("1\n2\n3")
    assert reading.poll() == ["1", "2"]
    log.write("b\n")
    assert reading.poll() == ["1", "2", "3b"]


def test_what_the_writer_adds_to_the_renamed_file_before_it_reopens_is_read(log: Log, reading: Reading) -> None:
    log.write("1\n")
    reading.poll()
    log.rename()
    log.write("2\n")
    reading.poll()
    log.write("3\n")
    log.reopen()
    log.write("4\n")
    assert reading.poll() == ["1", "2", "3", "4"]


def test_the_old_files_last_lines_count_even_after_the_new_one_has_some(log: Log, reading: Reading) -> None:
    log.write("1\n")
    reading.poll()
    old = log.rename()
    late = os.open(old, os.O_WRONLY | os.O_APPEND)
    log.reopen()
    log.write("2\n")
    reading.poll()
    os.write(late, b"late\n")
    assert reading.poll() == ["1", "2", "late"]


def test_copying_and_truncating_loses_nothing(log: Log, reading: Reading) -> None:
    log.write("1\n")
    reading.poll()
    log.write("2\n")
    log.copy_and_truncate()
    log.write("3\n")
    assert reading.poll() == ["1", "2", "3"]


def test_a_truncated_file_that_grew_beyond_the_old_place_is_read_from_its_start(log: Log, reading: Reading) -> None:
    log.write("1\n")
    reading.poll()
    os.truncate(log.path, 0)
    log.write("a long line\nanother\n")
    assert reading.poll() == ["1", "a long line", "another"]


def test_a_follower_that_was_down_over_several_rotations_finds_all_lines_in_their_order(
    log: Log, reading: Reading
) -> None:
    log.write("1\n")
    reading.poll()
    reading.restart()
    for number in range(2, 6):
        log.write(f"{number}\n")
        old = log.rename()
        log.reopen()
        if number < 5:  # delaycompress
            compress(old)
    log.write("6\n")
    assert reading.poll() == ["1", "2", "3", "4", "5", "6"]


def test_a_follower_stopped_in_a_compressed_file_goes_on_there(
    log: Log, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write("0\n")
    reading.poll()
    log.write("".join(f"{n:070}\n" for n in range(20_000)))
    compress(log.rename())
    log.reopen()
    log.write("end\n")
    reading.restart()
    reading.follower.poll(most=1)[0]
    first = Follower([reading.pattern], reading.follower._known)
    batches = first.poll(most=1)
    rest = Follower([reading.pattern], json.loads(json.dumps([batches[0].position])))
    told = [*batches[0].lines, *(line for batch in rest.poll() for line in batch.lines)]
    assert told == [*(f"{n:070}".encode() for n in range(20_000)), b"end"]


def test_a_reused_inode_is_not_taken_for_the_old_file(log: Log, reading: Reading) -> None:
    log.write("1\n")
    reading.poll()
    kept = reading.follower.positions()
    reading.follower.close()
    os.truncate(log.path, 0)
    log.write("another file, longer than the first\n")
    again = Follower([reading.pattern], kept)
    assert [line for batch in again.poll() for line in batch.lines] == [b"another file, longer than the first"]


def test_files_that_appear_later_are_followed_and_rotated_ones_are_not_taken_for_logs(tmp_path: Path) -> None:
    follower = Follower([str(tmp_path / "*" / "mail.log*")])
    assert follower.poll() == []
    for host in ("mx1", "mx2"):
        (tmp_path / host).mkdir()
        (tmp_path / host / "mail.log").write_bytes(host.encode() + b"\n")
        (tmp_path / host / "mail.log.1").write_bytes(b"old\n")
        (tmp_path / host / "mail.log.2.gz").write_bytes(gzip.compress(b"older\n"))
    told = {(Path(b.source).parent.name, line) for b in follower.poll() for line in b.lines}
    assert told == {("mx1", b"mx1"), ("mx2", b"mx2")}


def test_a_directory_in_the_place_of_a_log_is_a_problem_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.log").mkdir()
    (tmp_path / "b.log").write_bytes(b"1\n")
    follower = Follower([str(tmp_path / "*.log")])
    assert [batch.lines for batch in follower.poll()] == [[b"1"]]
    assert follower.problems == {str(tmp_path / "a.log"): f"{tmp_path / 'a.log'}: is a directory, expected a log file"}


def test_a_log_that_is_not_there_yet_is_a_problem_that_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    follower = Follower([str(path)])
    assert follower.poll() == []
    assert list(follower.problems) == [str(path)]
    path.write_bytes(b"1\n")
    assert [batch.lines for batch in follower.poll()] == [[b"1"]]
    assert follower.problems == {}


steps = st.lists(
    st.sampled_from(["write", "write", "poll", "rename", "copy", "compress", "restart", "half"]),
    min_size=1,
    max_size=25,
)


@given(steps=steps)
@settings(max_examples=150, deadline=None)
def test_every_line_comes_once_and_in_order_whatever_happens_in_between(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = Log(tmp_path_factory.mktemp("log"))
    reading = Reading(log)
    written: list[str] = []
    olds: list[Path] = []

    def write(end: str = "\n") -> None:
        written.append(f"line {len(written)}")
        log.write(written[-1] + end)

    def rename() -> None:
        olds.append(log.rename())
        log.reopen()

    def pack() -> None:
        while olds:
            compress(olds.pop())

    def half() -> None:
        write(end="")
        reading.poll()
        log.write("\n")

    actions: dict[str, Callable[[], object]] = {
        "write": write, "poll": reading.poll, "rename": rename, "copy": lambda: olds.append(log.copy_and_truncate()),
        "compress": pack, "restart": reading.restart, "half": half,
    }  # fmt: skip
    write()
    reading.poll()  # who never looked has no place to go on from
    for step in steps:
        if step in ("rename", "copy"):
            write()  # logrotate leaves empty logs alone (notifempty)
        if step == "copy":
            reading.poll()  # a copy of which nothing was read while it was the log cannot be told from any other file
            write()
        actions[step]()
    reading.poll()
    reading.poll()
    assert reading.lines == written
    reading.follower.close()
    os.close(log.writer)


def test_a_rotated_file_is_let_go_after_a_while(log: Log, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    log.write("1\nno end")
    reading.poll()
    log.rename()
    log.reopen()
    log.write("2\n")
    reading.poll()
    reading.poll()
    now = follow.DRAIN_SECONDS + 1
    assert reading.poll() == ["1", "2", "no end"]
    assert reading.follower.positions()[0]["before"] == []

"""kill -9 at random moments, while real files grow and are rotated: every event is there, once."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import mails
import pytest
from gatepost_observer.store import Store, engine

HERE = Path(__file__).parent


class Logs(threading.Thread):
    """Two servers' logs, written and rotated as logrotate does it, until told to end."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.written = 0
        self.may_rotate = threading.Event()
        self._end = threading.Event()
        self._chance = random.Random(4)
        self.paths = [folder / host / "mail.log" for host in ("gate12", "gate13")]
        for path in self.paths:
            path.parent.mkdir()
            path.touch()

    def run(self) -> None:
        """Write mails in pieces that end anywhere, also in the middle of a line."""
        while not self._end.wait(0.002):
            for path in self.paths:
                self._write(path, mails.log(self.written, self.written + 4, path.parent.name))
            self.written += 4
            if self._chance.random() < 0.02 and self.may_rotate.is_set():
                self._rotate(self._chance.choice(self.paths))

    def _write(self, path: Path, content: bytes) -> None:
        cut = self._chance.randrange(len(content))
        for piece in (content[:cut], content[cut:]):
            with path.open("ab") as handle:
                handle.write(piece)

    def _rotate(self, path: Path) -> None:
        old = path.with_name("mail.log.1")
        if old.exists():
            number = len(list(path.parent.glob("mail.log.*.gz"))) + 2
            for n in range(number, 2, -1):
                path.with_name(f"mail.log.{n - 1}.gz").rename(path.with_name(f"mail.log.{n}.gz"))
            hidden = path.with_name(".compressing")
            hidden.write_bytes(gzip.compress(old.read_bytes(), 1))
            os.utime(hidden, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
            hidden.rename(path.with_name("mail.log.2.gz"))
            old.unlink()
        path.rename(old)
        path.touch()

    def end(self) -> None:
        """Stop writing."""
        self._end.set()
        self.join()


def _child(script: str, *arguments: str) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def _kill(child: subprocess.Popen[str]) -> None:
    assert child.poll() is None, "it ended by itself"
    child.kill()
    child.communicate()


def _collect(store: Path, pattern: str) -> None:
    subprocess.run([sys.executable, str(HERE / "killed.py"), str(store), "--once", pattern], check=True, timeout=300)


def _begun(store: Path, pattern: str, logs: Logs) -> None:
    """Both logs are known to the store; what was rotated away before that would be history, which `--once` leaves."""
    collector = _child("killed.py", str(store), pattern)
    deadline = time.monotonic() + 30
    while len((((store / "manifest.json").exists() and Store(store).state()) or {}).get("positions", {})) < 2:
        assert time.monotonic() < deadline
    _kill(collector)
    logs.may_rotate.set()


def _counts(store: Path) -> dict[str, tuple[int, int]]:
    with engine.opened(Store(store)) as database:
        rows = database.rows(
            "SELECT kind, count(*) AS n, count(DISTINCT concat(host, queue_id)) AS mails FROM events GROUP BY kind"
        )
    return {row["kind"]: (row["n"], row["mails"]) for row in rows}


def _killed(folder: Path, times: int) -> None:
    store, pattern = folder / "store", str(folder / "*" / "mail.log")
    chance = random.Random()
    logs = Logs(folder)
    logs.start()
    try:
        _begun(store, pattern, logs)
        for turn in range(times):
            collector = _child("killed.py", str(store), pattern)
            compaction = _child("compacted.py", str(store)) if turn % 4 == 0 else None
            logs.join(chance.uniform(0, 0.25))  # the random moment
            _kill(collector)
            if compaction:
                _kill(compaction)
    finally:
        logs.end()
    _collect(store, pattern)
    expected = 2 * logs.written
    assert _counts(store) == dict.fromkeys(mails.KINDS, (expected, expected))
    with engine.opened(Store(store)) as database:
        [row] = database.rows("SELECT count(*) AS n FROM events WHERE kind = 'delivered' AND sender IS NULL")
    assert row["n"] == 0, "a mail was known before the kill and not after it"


def test_killed_a_few_times_nothing_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    """The short form: three kills, with a compaction beside one of them."""
    _killed(tmp_path, 3)


@pytest.mark.slow
def test_killed_a_hundred_times_nothing_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    """A hundred kills at random moments, rotations and compactions (killed too) between them."""
    _killed(tmp_path, 100)

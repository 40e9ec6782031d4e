"""Logs come into the store: live ones at every commit, old ones once, and nothing in a line stops it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mails
import pytest
from gatepost_observer.cli.collect import collect
from gatepost_observer.cli.compact import compact
from gatepost_observer.collect import Collector, Import, oldest_first
from gatepost_observer.collect.service import tell
from gatepost_observer.store import Store, StoreError, engine
from gatepost_observer.store.writer import opened
from typer import Typer
from typer.testing import CliRunner, Result


def _run(command: Callable[..., None], *arguments: object) -> Result:
    app = Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _kinds(store: Path) -> dict[str, int]:
    with engine.opened(Store(store)) as duck:
        return {row["kind"]: row["n"] for row in duck.rows("SELECT kind, count(*) AS n FROM events GROUP BY kind")}


def _mails(number: int) -> dict[str, int]:
    return dict.fromkeys(mails.KINDS, number)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of ten mails."""
    path = tmp_path / "mail.log"
    path.write_bytes(mails.log(0, 10))
    return path


def test_what_is_added_between_two_runs_is_read_once(log: Path, tmp_path: Path) -> None:
    """Also a mail that is under way between them is known by its sender."""
    store = tmp_path / "store"
    whole = mails.log(0, 20)
    for cut in (100, len(whole) // 2, len(whole) // 2 + 300, len(whole)):
        log.write_bytes(whole[:cut])
        assert _run(collect, "--once", "--log", log, "--store", store).exit_code == 0
    assert _kinds(store) == _mails(20)
    with engine.opened(Store(store)) as duck:
        assert duck.rows("SELECT DISTINCT sender FROM events WHERE kind = 'delivered'") == [
            {"sender": "anna@sender.example"}
        ]


def test_a_commit_comes_when_its_time_has_come_or_there_is_much(log: Path, tmp_path: Path) -> None:
    """By the clock, and by the number of events."""
    now = [0.0]
    with opened(tmp_path / "store") as writer:
        collector = Collector(writer, [str(log)], period=2, many=1000, clock=lambda: now[0])
        collector.step()
        assert collector.committed == 0
        now[0] = 2.0
        collector.step()
        assert collector.committed == 30
        collector.close()
        log.write_bytes(mails.log(0, 500))
        collector = Collector(writer, [str(log)], period=2, many=1000, clock=lambda: now[0])
        collector.step()
        assert collector.committed == 1470
        collector.close()


def test_hostile_lines_are_counted_and_never_stop_it(log: Path, tmp_path: Path) -> None:
    """Binary, endless, empty, forged, without a head."""
    hostile = [
        b"\x00\xff\xfe",
        b"",
        b"x" * 1_000_000,
        b"\x1b[2J",
        b"2026-11-24T10:00:00+00:00 gate12 postfix/smtpd[1]: ?",
    ]
    log.write_bytes(mails.log(0, 5) + b"\n".join(hostile) + b"\n" + mails.log(5, 10))
    done = _run(collect, "--once", "--log", log, "--store", tmp_path / "store", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["events"]) == (0, 30)
    assert sum(entry["count"] for entry in told["unknown"].values()) >= 3
    assert _kinds(tmp_path / "store") == _mails(10)


def test_old_logs_are_imported_once_however_they_are_named_and_packed(log: Path, tmp_path: Path) -> None:
    """A second time, compressed, and grown: only what is new."""
    store, packed = tmp_path / "store", tmp_path / "mail.log.1.gz"
    assert "50 lines, 30 events" in _run(collect, "--store", store, log).stdout
    packed.write_bytes(gzip.compress(mails.log(0, 10)))
    assert "0 lines, 0 events, 50 lines of it were there already" in _run(collect, "--store", store, packed).stdout
    log.write_bytes(mails.log(0, 12))
    assert "10 lines, 6 events" in _run(collect, "--store", store, log).stdout
    assert _kinds(store) == _mails(12)


def test_a_mail_is_followed_from_one_old_log_into_the_next(tmp_path: Path) -> None:
    """They are read from the oldest on, in whatever order they are named."""
    lines = mails.lines(1)
    new, old = tmp_path / "mail.log", tmp_path / "mail.log.1"
    old.write_bytes(b"\n".join(lines[:3]) + b"\n")
    new.write_bytes(b"\n".join(lines[3:]) + b"\n")
    os.utime(old, (1000, 1000))
    assert oldest_first([str(new), str(old), "-"]) == [str(old), str(new), "-"]
    assert _run(collect, "--store", tmp_path / "store", new, old).exit_code == 0
    with engine.opened(Store(tmp_path / "store")) as duck:
        [row] = duck.rows("SELECT sender, message_id FROM events WHERE kind = 'delivered'")
    assert row == {"sender": "anna@sender.example", "message_id": "1@sender.example"}


def test_an_import_that_was_cut_short_goes_on_where_it_was(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event once."""
    monkeypatch.setattr("gatepost_observer.collect.history.MANY", 100)
    log.write_bytes(mails.log(0, 2000))

    class EnoughError(Exception):
        pass

    with opened(tmp_path / "store") as writer, pytest.raises(EnoughError):
        commits, real = [0], writer.commit

        def counted(*arguments: Any) -> None:
            real(*arguments)
            commits[0] += 1
            if commits[0] == 1:
                raise EnoughError

        monkeypatch.setattr(writer, "commit", counted)
        Import(writer).file(str(log))
    assert _kinds(tmp_path / "store")["accepted"] > 0
    assert _run(collect, "--store", tmp_path / "store", log).exit_code == 0
    assert _kinds(tmp_path / "store") == _mails(2000)


def test_a_state_of_another_version_is_told_and_left(log: Path, tmp_path: Path) -> None:
    """Exit 3."""
    store = tmp_path / "store"
    _run(collect, "--once", "--log", log, "--store", store)
    [state] = (store / "state").iterdir()
    state.write_text(json.dumps({**json.loads(state.read_text()), "version": 99}))
    done = _run(collect, "--once", "--log", log, "--store", store)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "the collector's state has version 99, expected 1" in done.stderr
    assert _kinds(store) == _mails(10)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--log", "nothing.log", "--once", "--store", "store"], 3, "nothing.log"),
        (["--log", ".", "--once", "--store", "store"], 3, "is a directory, expected a log file"),
        (["--store", "store", "nothing.log"], 3, "nothing.log: no such file or directory"),
        (["--store", "store", "."], 3, "is a directory, expected a log file"),
        (
            ["--store", "/proc/version", "--log", "x", "--once"],
            3,
            "/proc/version: is a file, expected the folder of a store",
        ),
        (["--store", "store"], 2, "no logs"),
        (["--log", "x"], 2, "no store"),
        (["--config", "nothing.json"], 3, "nothing.json"),
    ],
)
def test_what_cannot_be_collected_is_told_with_its_exit_code(
    arguments: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, never as a traceback."""
    monkeypatch.chdir(tmp_path)
    done = _run(collect, *arguments)
    assert done.exit_code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output


def test_the_configuration_names_logs_store_and_what_may_be_kept(log: Path, tmp_path: Path) -> None:
    """The same file for collecting and compacting."""
    config = tmp_path / "observer.json"
    config.write_text(json.dumps({"version": 1, "store": str(tmp_path / "store"), "logs": [str(log)], "keep": 86_400}))
    assert _run(collect, "--once", "--config", config).exit_code == 0
    assert _kinds(tmp_path / "store") == _mails(10)
    assert _run(compact, "--config", config, "--json").exit_code == 0


@pytest.mark.parametrize("span", ["90", "d", "0d", "-1d", "1y", "9" * 20 + "d"])
def test_a_span_that_is_none_is_wrong_usage(span: str, tmp_path: Path) -> None:
    """With an example of what is right."""
    done = _run(compact, "--store", tmp_path, "--keep", span)
    assert done.exit_code == 2
    assert "expected for example 90d" in done.output


def test_the_service_tells_that_it_is_ready_and_commits_when_it_is_told_to_end(log: Path, tmp_path: Path) -> None:
    """As systemd does it: a socket, SIGTERM, exit 0."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        child = subprocess.Popen(
            [sys.executable, "-m", "gatepost", "collect", "--log", str(log), "--store", str(tmp_path / "store")],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        assert heard.recv(99) == b"READY=1"
        assert heard.recv(99).startswith(b"WATCHDOG=1\nSTATUS=")
        deadline = time.monotonic() + 60
        while not (Store(tmp_path / "store").state() or {}).get("positions"):
            assert time.monotonic() < deadline
        with log.open("ab") as added:
            added.write(mails.log(10, 20))
        while _kinds(tmp_path / "store") != _mails(20):
            assert time.monotonic() < deadline
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        assert heard.recv(99) == b"STOPPING=1"


def test_telling_systemd_never_fails(tmp_path: Path) -> None:
    """No socket, or one that nobody listens to."""
    tell("READY=1", {})
    tell("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "nothing")})
    tell("READY=1", {"NOTIFY_SOCKET": "@gatepost-nothing"})


def test_a_store_that_is_full_ends_the_collector_and_the_next_goes_on(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was true before it was written; nothing is lost after it."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with opened(tmp_path / "store") as writer, monkeypatch.context() as while_full:
        while_full.setattr("pyarrow.parquet.write_table", full)
        collector = Collector(writer, [str(log)])
        collector.step()
        with pytest.raises(StoreError, match="No space left on device"):
            collector.commit()
    assert _run(collect, "--once", "--log", log, "--store", tmp_path / "store").exit_code == 0
    assert _kinds(tmp_path / "store") == _mails(10)

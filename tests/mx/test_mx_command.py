"""gatepost-mx on the command line, against a running milter (all of it but libmilter) and without one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gatepost_mx import service
from gatepost_mx.archive import archive
from gatepost_mx.cli import main
from gatepost_mx.visit import Visit

Written = Callable[..., Path]
LONG = {"after": 3, "within": 100, "for": 100_000, "text": "Too many unknown addresses"}


@contextmanager
def milter(config: Path) -> Iterator[Callable[[], Visit]]:
    """A milter that runs, and a way to begin a session with it."""
    ready, over, sessions = threading.Event(), threading.Event(), []

    def serve(_socket: str, _group: str | None, begin: Callable[[], Visit], is_ready: Callable[[], None]) -> None:
        sessions.append(begin)
        is_ready()
        ready.set()
        over.wait(60)

    running = threading.Thread(target=service.run, args=(config, serve))
    running.start()
    try:
        assert ready.wait(60)
        yield sessions[0]
    finally:
        over.set()
        running.join(60)


def guess(begin: Callable[[], Visit], address: str = "203.0.113.9") -> None:
    """A client that is locked out by this."""
    visit = begin()
    visit.connected(address, "25")
    for name in (b"a", b"b", b"c"):
        visit.unknown_recipient(name)


def test_lock_outs_are_listed_and_lifted(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(LONG)
    with milter(config) as begin:
        guess(begin)
        guess(begin, "2001:db8:1:2::3")
        assert main(["lockouts", "--config", str(config)]) == 0
        shown = capsys.readouterr().out
        assert "203.0.113.9 " in shown
        assert "1d 3h left" in shown
        assert shown.endswith("2 locked out\n")
        assert main(["lockouts", "--config", str(config), "--lift", "2001:db8:1:2::ffff"]) == 0
        assert capsys.readouterr().out == "2001:db8:1:2::/64: lifted\n"
        assert main(["lockouts", "--config", str(config), "--lift", "198.51.100.1"]) == 1
        assert capsys.readouterr().out == "nobody was locked out\n"
        assert main(["lockouts", "--config", str(config), "--all", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"lifted": ["203.0.113.9"]}
        assert main(["lockouts", "--config", str(config), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"lock_outs": []}


def test_status_tells_how_things_stand(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(LONG)
    with milter(config) as begin:
        guess(begin)
        assert main(["status", "--config", str(config), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["locked_out"], told["lock_outs"], told["state"], told["pid"]) == (1, "on", "written", os.getpid())
        assert told["firewall"] == "off: its helper does not run (gatepost-mx-firewall.service)"
        assert main(["status", "--config", str(config)]) == 0
        assert "clients: 1 locked out, 0 watched, 0 once locked out" in capsys.readouterr().out


def test_without_a_milter_the_lock_outs_that_it_left_are_shown(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(LONG)
    with milter(config) as begin:
        guess(begin)
    assert main(["lockouts", "--config", str(config)]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("1 locked out\n")
    assert told.err == "gatepost-mx: the milter does not run; this is what it left\n"
    assert main(["lockouts", "--config", str(config), "--all"]) == 3
    assert main(["status", "--config", str(config)]) == 1


def test_a_reload_takes_a_good_config_and_refuses_a_bad_one(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(LONG)
    with milter(config) as begin:
        guess(begin)
        written(LONG, version=7)
        assert main(["reload", "--config", str(config)]) == 1
        assert "version: 7 was found" in capsys.readouterr().err
        written(LONG, never=["203.0.113.0/24"])
        assert main(["reload", "--config", str(config)]) == 0
        assert main(["lockouts", "--config", str(config)]) == 0
        assert capsys.readouterr().out == "0 locked out\n"


@pytest.mark.parametrize(
    "asked", [b"", b"\n", b"{}\n", b"[1]\n", b'{"ask": "lift", "client": "x"}\n', b"\xff\n", b'{"ask": 1}\n']
)
def test_a_strange_question_harms_nobody(written: Written, asked: bytes) -> None:
    config = written(LONG)
    with milter(config):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(json.loads(config.read_text())["control"])
            line.sendall(asked)
            line.shutdown(socket.SHUT_WR)
            with line.makefile("rb") as answer:
                told = answer.read()
        assert told == b"" or "error" in json.loads(told)
        assert main(["status", "--config", str(config)]) == 0


def test_nobody_else_can_reach_the_control_socket(written: Written) -> None:
    config = written(LONG)
    with milter(config):
        assert Path(json.loads(config.read_text())["control"]).stat().st_mode & 0o777 == 0o600


def test_systemd_is_told_when_the_milter_is_ready(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with milter(written(LONG)):
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"


def test_check_tells_good_from_bad_and_from_unreadable(
    written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(written())]) == 0
    assert main(["check", str(written(version=2))]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/mx.json: version: 2 was found, 1 was expected\n"
    assert main(["check", str(tmp_path / "none")]) == 3
    assert main(["check", "--json", str(tmp_path / "none")]) == 3
    assert json.loads(capsys.readouterr().out) == {"error": f"{tmp_path}/none: No such file or directory"}


@pytest.mark.parametrize(
    "wrong", [[], ["nonsense"], ["lockouts", "--lift", "nobody"], ["lockouts", "--lift", "1.2.3.4", "--all"]]
)
def test_wrong_usage_ends_with_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2


def test_the_one_file_is_the_same_bytes_each_time_and_runs(written: Written, tmp_path: Path) -> None:
    assert archive() == archive()
    (tmp_path / "gatepost-mx").write_bytes(archive())
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "gatepost-mx", "check", written()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path}/mx.json: good\n", "")


def test_the_firewall_s_helper_ends_in_silence_when_told_to(written: Written, tmp_path: Path) -> None:
    (tmp_path / "gatepost-mx").write_bytes(archive())
    config = written(LONG)
    with milter(config):
        command = [sys.executable, "-I", str(tmp_path / "gatepost-mx"), "firewall", "--config", str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(json.loads(config.read_text())["control"])
            helper.send_signal(signal.SIGTERM)
            told = helper.communicate(timeout=60)
    assert helper.returncode in (0, -signal.SIGTERM)
    assert told == (b"", b"")

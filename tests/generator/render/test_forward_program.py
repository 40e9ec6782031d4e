"""The program that sends the log: every line, in its order, whatever happens to the files and the log host."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gatepost.render.forward import program
from gatepost.render.forward.program import Log, Mark, Relp, RelpError, Sender
from hypothesis import given, settings
from hypothesis import strategies as st


def lines(first: int, last: int) -> list[bytes]:
    """Lines as a log has them: no two are alike."""
    return [b"2026-11-24T11:00:00.%06d+00:00 mx postfix/smtpd[1]: %d" % (n, n) for n in range(first, last)]


def add(path: Path, more: list[bytes]) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in more))


def everything(log: Log) -> list[bytes]:
    found: list[bytes] = []
    while more := log.lines():
        found += more
    return found


@dataclass
class Rotated:
    """A log that is rotated as logrotate does it, with times that only grow."""

    path: Path
    number: int = 0

    def write(self, more: list[bytes]) -> None:
        add(self.path, more)
        self._touch(self.path)

    def rotate(self) -> Path:
        self.number += 1
        old = self.path.with_name(f"{self.path.name}-{self.number:08}")
        self.path.rename(old)
        return old

    def compress(self, old: Path) -> None:
        seen = old.stat()
        packed = old.with_name(f"{old.name}.gz")
        packed.write_bytes(gzip.compress(old.read_bytes()))
        os.utime(packed, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        old.unlink()

    def _touch(self, path: Path) -> None:
        self.number += 1
        os.utime(path, (1_700_000_000 + self.number, 1_700_000_000 + self.number))


@pytest.fixture
def rotated(tmp_path: Path) -> Rotated:
    return Rotated(tmp_path / "mail.log")


def test_a_server_that_never_sent_begins_with_the_log_as_it_is(rotated: Rotated) -> None:
    rotated.write(lines(0, 3))
    assert everything(Log(str(rotated.path), {})) == lines(0, 3)


def test_a_line_is_sent_when_it_is_whole(rotated: Rotated) -> None:
    rotated.path.write_bytes(b"one\ntw")
    log = Log(str(rotated.path), {})
    assert everything(log) == [b"one"]
    with rotated.path.open("ab") as file:
        file.write(b"o\n")
    assert everything(log) == [b"two"]


def test_what_is_still_written_to_the_old_file_after_the_rotation_is_not_missed(rotated: Rotated) -> None:
    rotated.write(lines(0, 3))
    log = Log(str(rotated.path), {})
    assert everything(log) == lines(0, 3)
    old = rotated.rotate()
    add(old, lines(3, 5))
    rotated.path.touch()
    assert everything(log) == lines(3, 5)
    add(old, lines(5, 6))
    rotated.write(lines(6, 8))
    assert everything(log) == lines(5, 8)


def test_after_days_without_a_log_host_the_compressed_files_are_read_too(rotated: Rotated) -> None:
    rotated.write(lines(0, 3))
    log = Log(str(rotated.path), {})
    assert log.lines() == lines(0, 3)
    mark = log.mark()
    for day in range(1, 4):
        rotated.write(lines(10 * day - 5, 10 * day))
        old = rotated.rotate()
        rotated.write(lines(10 * day, 10 * day + 5))
        rotated.compress(old)
    wanted = lines(5, 10) + [line for day in (10, 15, 20, 25, 30) for line in lines(day, day + 5)]
    assert everything(log) == wanted
    assert everything(Log(str(rotated.path), mark)) == wanted


def test_a_file_that_is_gone_is_told_and_the_newer_ones_are_sent(
    rotated: Rotated, capsys: pytest.CaptureFixture[str]
) -> None:
    rotated.write(lines(0, 3))
    log = Log(str(rotated.path), {})
    log.lines()
    mark = log.mark()
    rotated.rotate().unlink()
    rotated.write(lines(5, 7))
    assert everything(Log(str(rotated.path), mark)) == lines(5, 7)
    assert "may never have reached" in capsys.readouterr().err


def test_a_log_that_was_emptied_in_place_is_read_from_its_beginning(
    rotated: Rotated, capsys: pytest.CaptureFixture[str]
) -> None:
    rotated.write(lines(0, 3))
    log = Log(str(rotated.path), {})
    everything(log)
    rotated.path.write_bytes(b"new\n")
    assert everything(log) == [b"new"]
    assert "cut short" in capsys.readouterr().err


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.sampled_from(["write", "rotate", "compress", "read", "restart", "killed"]), max_size=30))
def test_any_order_of_writing_rotating_and_restarting_gives_each_line_in_its_order(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rotated = Rotated(tmp_path_factory.mktemp("log") / "mail.log")
    rotated.write(lines(0, 1))
    log = Log(str(rotated.path), {})
    mark = log.mark()
    written, old, got, kept = 1, list[Path](), list[bytes](), list[bytes]()
    for step in steps:
        if step == "write":
            rotated.write(lines(written, written + 2))
            written += 2
        elif step == "rotate" and rotated.path.exists():
            old.append(rotated.rotate())
        elif step == "compress" and old:
            rotated.compress(old.pop(0))
        elif step == "read":
            got += log.lines()
        elif step == "restart":
            mark, kept = log.mark(), list(got)
            log = Log(str(rotated.path), mark)
        elif step == "killed":
            log, got = Log(str(rotated.path), mark), list(kept)
    rotated.write(lines(written, written + 1))
    assert got + everything(log) == lines(0, written + 1)


def test_a_mark_that_was_half_written_does_not_stop_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mark.json").write_text('{"first')
    assert Mark(str(tmp_path / "mark.json")).read() == {}
    assert "damaged" in capsys.readouterr().err


# --- the log host ----------------------------------------------------------------------------------------------------


@dataclass
class LogHost:
    """Speaks RELP over TLS as rsyslog does, and does what the test says with each line's acknowledgement."""

    folder: Path
    refuses: Callable[[int], bytes] = lambda _number: b"200 OK"
    got: list[bytes] = field(default_factory=list)
    leaves_after: int = 1_000_000

    def __post_init__(self) -> None:
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listens.getsockname()[1]
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listens.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listens.accept()
            except OSError:
                return
            try:
                with self._tls.wrap_socket(plain, server_side=True) as link, link.makefile("rb") as heard:
                    self._talk(link, heard)
            except OSError:
                continue

    def _talk(self, link: ssl.SSLSocket, heard: object) -> None:
        while head := self._word(heard):
            number, command, size = int(head), self._word(heard), int(self._word(heard))
            said = heard.read(size)  # type: ignore[attr-defined]
            heard.read(1)  # type: ignore[attr-defined]
            if command == b"syslog":
                if len(self.got) >= self.leaves_after:
                    self.leaves_after = 1_000_000
                    return
                self.got.append(said)
            answer = self.refuses(number)
            link.sendall(b"%d rsp %d %s\n" % (number, len(answer), answer))

    @staticmethod
    def _word(heard: object) -> bytes:
        word = b""
        while (sign := heard.read(1)) not in (b" ", b""):  # type: ignore[attr-defined]
            word += sign
        return word


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, which is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command.split(), *more], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def host(certificate: Path) -> Iterator[LogHost]:
    host = LogHost(certificate)
    yield host
    host.close()


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate / "cert.pem"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "PAUSES", (0,))


def test_every_line_is_acknowledged_before_send_comes_back(host: LogHost, tls: ssl.SSLContext) -> None:
    relp = Relp("localhost", host.port, tls)
    relp.send(lines(0, 500))
    relp.close()
    assert host.got == [b"<22>" + line for line in lines(0, 500)]


def test_a_line_that_the_log_host_refuses_is_not_taken_for_sent(host: LogHost, tls: ssl.SSLContext) -> None:
    relp = Relp("localhost", host.port, tls)
    host.refuses = lambda number: b"500 disk full" if number == 3 else b"200 OK"
    with pytest.raises(RelpError, match="disk full"):
        relp.send(lines(0, 5))
    relp.close()


def test_a_log_host_that_leaves_in_the_middle_gets_the_batch_again(host: LogHost, tls: ssl.SSLContext) -> None:
    sender = Sender("localhost", host.port, tls)
    sender.send(lines(0, 10))
    host.leaves_after = 15
    sender.send(lines(10, 20))
    assert set(host.got) == {b"<22>" + line for line in lines(0, 20)}
    assert len(host.got) == 25


def test_a_log_host_under_another_name_gets_nothing(host: LogHost, tls: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Relp("127.0.0.1", host.port, tls)
    assert host.got == []

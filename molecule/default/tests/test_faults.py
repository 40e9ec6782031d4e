"""What breaks must not lose mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from conftest import stored, wait_for
from testinfra.host import Host

TO = "anna@example.org"


PING = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/clamav/clamd.ctl');"
    " s.sendall(b'zPING\\0'); assert s.recv(9) == b'PONG\\0'"
)


def clamd_answers(server: Host) -> bool:
    """Whether clamd says PONG on its socket."""
    return bool(server.run("python3 -c %s", PING).rc == 0)


@pytest.fixture
def without_clamd(server: Host) -> Iterator[Host]:
    """The server while clamd is stopped; it is started again whatever happens."""
    server.check_output("systemctl stop clamav-daemon.socket clamav-daemon.service")
    yield server
    server.check_output("systemctl start clamav-daemon.service")
    wait_for("clamd to answer", lambda: clamd_answers(server))


def test_mail_waits_while_the_virus_scanner_is_down_and_passes_when_it_is_back(
    without_clamd: Host, send: Callable[..., str], mark: str
) -> None:
    assert " 250 2.0.0 Ok: queued" in send("a@b.example", TO, "--body", mark)
    wait_for("the mail to be deferred", lambda: "451 4.5.0" in without_clamd.check_output("postqueue -p"))
    assert not stored(TO, mark)
    without_clamd.check_output("systemctl start clamav-daemon.service")
    wait_for("clamd to answer", lambda: clamd_answers(without_clamd))
    without_clamd.check_output("postqueue -f")
    wait_for("the mail to arrive", lambda: stored(TO, mark))


def test_mail_waits_while_amavis_is_down_and_passes_when_it_is_back(
    server: Host, send: Callable[..., str], mark: str
) -> None:
    server.check_output("systemctl stop amavis")
    try:
        assert " 250 2.0.0 Ok: queued" in send("a@b.example", TO, "--body", mark)
        wait_for("the mail to be deferred", lambda: "Connection refused" in server.check_output("postqueue -p"))
    finally:
        server.check_output("systemctl start amavis")
    wait_for("amavis to answer", lambda: server.socket("tcp://127.0.0.1:10024").is_listening)
    server.check_output("postqueue -f")
    wait_for("the mail to arrive", lambda: stored(TO, mark))


@pytest.mark.parametrize("queue", ["/var/spool/postfix", "/var/spool/postfix-normal"])
def test_a_killed_postfix_comes_back_by_itself_and_loses_nothing(
    server: Host, send: Callable[..., str], mark: str, queue: str
) -> None:
    assert " 250 2.0.0 Ok: queued" in send("a@b.example", TO, "--body", mark)
    killed = server.check_output(f"cat {queue}/pid/master.pid").strip()
    server.check_output(f"kill -9 {killed}")

    def is_back() -> bool:
        pid = server.run(f"cat {queue}/pid/master.pid").stdout.strip()
        return pid != killed and bool(pid) and server.run(f"kill -0 {pid}").rc == 0

    wait_for("another master", is_back)
    wait_for("the mail to arrive", lambda: stored(TO, mark))

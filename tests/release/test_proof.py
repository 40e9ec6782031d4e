"""The proof: conversations with real sockets on this machine, and a clock that does not wait."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from release.errors import ProofError
from release.manifest import Manifest, manifest_parse
from release.proof import Clock, proof_run
from release.systemd import UnitState
from stand_ins import Bundle, RememberingSystemd

TALK = [[None, "220"], ["EHLO proof.invalid", "250"], ["RCPT TO:<nobody@example.org>", "550 5.1.1"]]


class FastClock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.time = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.time, self._pause)

    def _pause(self, seconds: float) -> None:
        self.time += seconds


@contextmanager
def server(listener: socket.socket, conversations: list[list[bytes]]) -> Iterator[None]:
    """Answers each connection with the next list of answers, one for each thing said; the greeting comes first."""

    def serve() -> None:
        for answers in conversations:
            link, _ = listener.accept()
            with link:
                for number, answer in enumerate(answers):
                    if number and not link.recv(1000):
                        break
                    link.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(5)
    listener.close()


def smtp(answers: list[list[bytes]]) -> tuple[AbstractContextManager[None], dict[str, Any]]:
    listener = socket.create_server(("127.0.0.1", 0))
    proof: dict[str, Any] = {
        "name": "the gate refuses strangers",
        "tcp": ["127.0.0.1", listener.getsockname()[1]],
        "talk": TALK,
    }
    return server(listener, answers), proof


def manifest(proof: dict[str, Any]) -> Manifest:
    return manifest_parse(Bundle({}, extra={"proof": [proof]}).raw)


def running() -> RememberingSystemd:
    return RememberingSystemd({"gate.service": UnitState(True, True, "active")})


GOOD = [b"220 mx ESMTP\r\n", b"250-mx\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n", b"550 5.1.1 no such user\r\n"]


def test_a_conversation_that_goes_as_expected_is_a_proof() -> None:
    serving, proof = smtp([GOOD])
    with serving:
        proof_run(manifest(proof), running(), FastClock().clock())


def test_a_temporary_answer_is_asked_again_until_the_daemon_is_ready() -> None:
    serving, proof = smtp([[b"421 4.3.2 not yet\r\n"], GOOD])
    with serving:
        proof_run(manifest(proof), running(), FastClock().clock())


def test_a_wrong_answer_is_told_with_what_was_said_and_expected() -> None:
    wrong = [*GOOD[:2], b"250 2.1.5 Ok\r\n"]
    serving, proof = smtp([wrong] * 60)
    with pytest.raises(ProofError, match=r"the gate refuses strangers.*expected '550 5\.1\.1', got '250 2\.1\.5 Ok'"):
        serving.__enter__()
        proof_run(manifest(proof), running(), FastClock().clock())


def test_nobody_listening_fails_at_the_deadline_and_names_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    time = FastClock()
    with pytest.raises(ProofError, match=f"127.0.0.1 port {port}: no connection"):
        proof_run(manifest({"name": "x", "tcp": ["127.0.0.1", port], "talk": TALK}), running(), time.clock())
    assert 89 < time.time < 92


def test_clamd_is_asked_over_its_socket_and_answers_with_a_nul(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "clamd.ctl"))
    listener.listen()

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            assert link.recv(100) == b"zPING\0"
            link.sendall(b"PONG\0")

    threading.Thread(target=serve, daemon=True).start()
    proof = {"name": "clamd answers", "unix": str(tmp_path / "clamd.ctl"), "talk": [["zPING\0", "PONG"]]}
    proof_run(manifest(proof), running(), FastClock().clock())
    listener.close()


def test_a_service_that_is_down_after_all_answers_fails_the_proof() -> None:
    systemd = RememberingSystemd({"gate.service": UnitState(False, True, "failed")})
    with pytest.raises(ProofError, match=r"gate\.service is failed"):
        proof_run(manifest_parse(Bundle({}).raw), systemd, FastClock().clock())

"""A mail server on loopback that does what a test tells it, and a probe of it that does not wait."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gatepost.probe.admission import Admitted
from gatepost.probe.pace import Pace
from gatepost.probe.run import Asked, Report, probe

LOOPBACK = ipaddress.ip_address("127.0.0.1")
# What is said to a command, as octets; None: the connection is closed. A list is said one after the other.
Answer = bytes | str | None | Callable[[str], Any]
CLOSED = "554 5.7.1 Relay access denied"


class Server:
    """SMTP, in a thread. `answers` maps the beginning of a command to an answer; the longest that fits counts."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {"RCPT TO": CLOSED, "XCLIENT": "502 no", "XFORWARD": "502 no"}
        self.greeting: Answer = "220 mx.test.example ESMTP"
        self.heard: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, contextlib.suppress(OSError):
            if self._say(client, self.greeting, ""):
                while self._served(client, lines):
                    pass
        self.at_once -= 1

    def _served(self, client: socket.socket, lines: Any) -> bool:
        raw = lines.readline()
        if not raw:
            return False
        command = raw.decode("utf-8", "replace").rstrip("\r\n")
        self.heard.append(command)
        if command == "QUIT":
            # The probe may leave without waiting for this.
            self.at_once -= 1
            client.sendall(b"221 bye\r\n")
            self.at_once += 1
            return False
        answer = self._answer(command)
        if answer == "354":
            client.sendall(b"354 go on\r\n")
            mail = b"\r\n"
            while not mail.endswith(b"\r\n.\r\n"):
                mail += lines.readline() or b"\r\n.\r\n"
            self.mails.append(mail)
            answer = self._answer(".")
        return self._say(client, answer, command)

    def _answer(self, command: str) -> Answer:
        known = [start for start in self.answers if command.upper().startswith(start)]
        usual = {"EHLO": "250-mx.test.example\r\n250 SIZE 1000", "DATA": "354", "ETRN": "502 no", "EXPN": "502 no"}
        if known:
            return self.answers[max(known, key=len)]
        return usual.get(command.partition(" ")[0].upper(), "250 2.0.0 Ok")

    def _say(self, client: socket.socket, answer: Answer, command: str) -> bool:
        said = answer(command) if callable(answer) else answer
        if said is None:
            return False
        client.sendall(said if isinstance(said, bytes) else f"{said}\r\n".encode())
        return True


def asked(port: int, **changes: Any) -> Asked:
    """What is asked of a server on loopback."""
    plain = Asked("", "f@foreign.test", "t@foreign.test", "probe.test", ("test.example",), port, patience=5)
    return replace(plain, **changes)


def probed(server: Server, pace: Pace | None = None, **changes: Any) -> Report:
    """The report on it."""
    admitted = Admitted("mx.test.example", "a test", (LOOPBACK,))
    return probe(admitted, asked(server.port, **changes), pace or quickly(), lambda _: None)


def quickly(envelopes: int = 10_000, seconds: float = 1e9) -> Pace:
    """A pace without pauses."""
    return Pace(envelopes, seconds, 1.0, sleep=lambda _: None)

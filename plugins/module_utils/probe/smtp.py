"""Raw SMTP, so that a probe says exactly what was written for it, and every line of the answer is kept.

In: groups of attempts; a group is one conversation: one server, one source address, one EHLO; plain, after STARTTLS or
in TLS from the first byte; perhaps of somebody who logs in, or who talks before he is greeted.
Out: for each attempt what was said and answered, and the address it came from.
How it fails: an attempt without an answer holds `error`; nothing is tried more than twice, and all of it ends at the
deadline.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# linux/in.h; Python has no name for it. It lets a host use an address that is routed to it, but not configured.
IP_FREEBIND, IPV6_FREEBIND = 15, 78
LONGEST_REPLY = 200
Exchange = tuple[str, list[str]]


class NoAnswerError(Exception):
    """The server said nothing, closed, or talked nonsense."""


class Conversation:
    """One connection to a server, past its EHLO."""

    def __init__(self, group: dict[str, Any], deadline: float) -> None:
        self.deadline = deadline
        self.opening: list[Exchange] = []
        self.client = ""
        self._socket = self._connect(group)
        try:
            self.client = str(self._socket.getsockname()[0])
            self._open(group)
        except NoAnswerError:
            self.close()
            raise

    def _open(self, group: dict[str, Any]) -> None:
        """Everything before the first MAIL, as far as the server plays along."""
        ehlo, tls = f"EHLO {group['helo']}", group.get("tls", "")
        if tls == "wrapped":
            self._encrypt(group["target"])
        self._lines = self._socket.makefile("rb")
        if group.get("early"):
            self._socket.sendall(ehlo.encode() + b"\r\n")
            self.opening.append(("", self._reply()))
            # A front door that heard it goes on with the reply to EHLO; a server that did not greets in full first.
            if self.opening[-1][1][-1].startswith("220"):
                self.opening.append((ehlo, self._reply()))
            return
        self.opening.append(("", self._reply()))
        if not self._goes_on(ehlo) or (tls == "starttls" and not self._starttls(group, ehlo)):
            return
        if group.get("login"):
            user, password = group["login"]
            word = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
            self.opening.append((f"AUTH PLAIN (as {user})", self.say(f"AUTH PLAIN {word}")))

    def _goes_on(self, command: str) -> bool:
        self.opening.append((command, self.say(command)))
        return self.opening[-1][1][-1].startswith("2")

    def _starttls(self, group: dict[str, Any], ehlo: str) -> bool:
        if not self._goes_on("STARTTLS"):
            return False
        self._encrypt(group["target"])
        self._lines = self._socket.makefile("rb")
        return self._goes_on(ehlo)

    def _encrypt(self, name: str) -> None:
        """Whose certificate it is does not matter here: what is asked is what the server does."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            self._socket.settimeout(self._left())
            self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except OSError as error:
            raise NoAnswerError(f"TLS: {error}") from error

    def _connect(self, group: dict[str, Any]) -> socket.socket:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                group["target"], group["port"], type=socket.SOCK_STREAM
            )[0]
            opened = socket.socket(family, kind, protocol)
        except OSError as error:
            raise NoAnswerError(f"{group['target']}: {error}") from error
        try:
            opened.settimeout(self._left())
            if group.get("source"):
                _bind(opened, group["source"])
            opened.connect(address)
        except OSError as error:
            opened.close()
            raise NoAnswerError(f"{group['target']} from {group.get('source') or 'here'}: {error}") from error
        return opened

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NoAnswerError("no answer before the deadline")
        return left

    def say(self, line: str) -> list[str]:
        """One command and the lines of its reply."""
        return self.send(line.encode("utf-8") + b"\r\n")

    def send(self, octets: bytes) -> list[str]:
        """Octets, and the lines of the reply to them."""
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(octets)
        except OSError as error:
            raise NoAnswerError(f"the connection broke: {error}") from error
        return self._reply()

    def _reply(self) -> list[str]:
        lines: list[str] = []
        while len(lines) < LONGEST_REPLY:
            try:
                self._socket.settimeout(self._left())
                raw = self._lines.readline(4096)
            except OSError as error:
                raise NoAnswerError(f"no answer: {error}") from error
            if not raw:
                raise NoAnswerError("the server closed the connection" + (f" after {lines}" if lines else ""))
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if not line[:3].isdigit():
                raise NoAnswerError(f"this is no SMTP reply: {line[:80]!r}")
            lines.append(line)
            if line[3:4] != "-":
                return lines
        raise NoAnswerError("the reply does not end")

    def close(self) -> None:
        """Leave politely where that costs no waiting."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(1)
            self._socket.sendall(b"QUIT\r\n")
        self._socket.close()


def _bind(opened: socket.socket, source: str) -> None:
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    else:
        opened.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    opened.bind((source, 0))


def send(work: dict[str, Any]) -> dict[str, Any]:
    """Have every conversation, a few at the same time."""
    deadline = time.monotonic() + float(work["deadline"])
    with ThreadPoolExecutor(max_workers=int(work.get("connections", 4))) as pool:
        told = pool.map(lambda group: list(_converse(group, deadline)), work["groups"])
        return {"attempts": {identity: answer for group in told for identity, answer in group}}


def _converse(group: dict[str, Any], deadline: float) -> Iterator[tuple[str, dict[str, Any]]]:
    open_now: Conversation | None = None
    for attempt in group["attempts"]:
        reused = open_now is not None
        answers, open_now = _attempt(group, attempt, open_now, deadline)
        # A server may end a conversation after some errors: then the attempt gets one fresh connection.
        if reused and all(_unserved(answer) for answer in answers.values()):
            answers, open_now = _attempt(group, attempt, None, deadline)
        yield from answers.items()
    if open_now:
        open_now.close()


def _unserved(answer: dict[str, Any]) -> bool:
    said: list[Exchange] = answer["said"]
    return said[-1][1][-1].startswith("421") if said else answer["error"] is not None


def _attempt(
    group: dict[str, Any], attempt: dict[str, Any], known: Conversation | None, deadline: float
) -> tuple[dict[str, dict[str, Any]], Conversation | None]:
    """One mail to one or more recipients, on the connection at hand or a new one; and the connection, if it lasts."""
    said: dict[str, list[Exchange]] = {one["id"]: [] for one in attempt["recipients"]}
    on, error, refused = known, "", []
    try:
        on = known or Conversation(group, deadline)
        if refused := [exchange for exchange in on.opening if exchange[1][-1][:1] != "2"]:
            said = dict.fromkeys(said, refused)
        else:
            _dialogue(on, attempt, said)
            on.say("RSET")
    except NoAnswerError as problem:
        error = str(problem)
    client = on.client if on else ""
    # Where the last command was answered, a server that closes afterwards took nothing back.
    answers = {
        identity: {"said": had, "client": client, "error": None if not error or _final(had) else error}
        for identity, had in said.items()
    }
    if on and (error or any(_unserved(answer) for answer in answers.values()) or refused):
        on.close()
        on = None
    return answers, on


def _final(said: list[Exchange]) -> bool:
    return bool(said) and (said[-1][1][-1][:1] in "45" or said[-1][0] == ".")


def _dialogue(on: Conversation, attempt: dict[str, Any], said: dict[str, list[Exchange]]) -> None:
    """MAIL, a RCPT for each recipient, and perhaps the mail itself, until the server says no."""

    def say(command: str, whom: list[str], octets: bytes | None = None) -> str:
        reply = on.say(command) if octets is None else on.send(octets)
        for identity in whom:
            said[identity].append((command, reply))
        return reply[-1][:1]

    if say(f"MAIL FROM:{attempt['mail_from']}", list(said)) != "2":
        return
    taken = [one["id"] for one in attempt["recipients"] if say(f"RCPT TO:{one['rcpt_to']}", [one["id"]]) == "2"]
    if taken and attempt.get("mail") is not None and say("DATA", taken) == "3":
        say(".", taken, _stuffed(attempt["mail"]))


def _stuffed(mail: str) -> bytes:
    """The mail with its end, dots at the beginning of lines doubled (RFC 5321 §4.5.2)."""
    lines = mail.encode("utf-8").split(b"\r\n")
    doubled = [b"." + line if line.startswith(b".") else line for line in lines]
    return b"\r\n".join(doubled).removesuffix(b"\r\n") + b"\r\n.\r\n"

"""How much each user may send in an hour: a stolen password must not become a spam run. `gatepost-mx sending`.

In: /etc/gatepost/sending.json; and from Postfix, once the recipients of a mail are named, who sends it and to how many
(policy delegation, a request of name=value lines). Out: DUNNO, or 450 for who has sent too much; an alarm line when it
begins. What was sent survives a restart.
How it fails: a request that cannot be read is answered DUNNO. Where the program does not run, Postfix goes on without.

Postfix itself counts clients, not users, and a stolen password is used from many addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import syslog
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/gatepost/sending.json")
SOCKET = Path("/run/gatepost-sending/policy")
STATE = Path("/var/lib/gatepost-sending/sent.json")
HOUR = 3600.0
# More users than this in one hour are no users of ours.
MOST_USERS = 200_000
_LONGEST, _MOST_LINES = 4096, 200

Sent = deque[tuple[float, int]]


class SendingError(Exception):
    """The config cannot be used."""


@dataclass(frozen=True)
class Limits:
    """What one user may send in an hour, and what he reads who has sent more."""

    mails: int
    recipients: int
    text: str


@dataclass
class Ledger:
    """What each user has sent in the last hour: the time of each mail, and its recipients."""

    limits: Limits
    sent: dict[str, Sent] = field(default_factory=lambda: defaultdict(deque))
    refused: set[str] = field(default_factory=set)

    def take(self, user: str, recipients: int, now: float) -> bool:
        """Whether a mail may go. One that goes is written down, one that may not is not."""
        self._forget(user, now)
        mails = self.sent.get(user, ())
        many = len(mails) + 1 > self.limits.mails
        if many or sum(count for _, count in mails) + recipients > self.limits.recipients:
            return False
        self.refused.discard(user)
        self.sent[user].append((now, recipients))
        if len(self.sent) > MOST_USERS:
            self.forget_all(now)
        return True

    def begins_to_refuse(self, user: str) -> bool:
        """Whether this is the first refusal in a row: one alarm is enough."""
        first = user not in self.refused
        self.refused.add(user)
        return first

    def forget_all(self, now: float) -> None:
        """Drop what is older than an hour, of everybody."""
        for user in list(self.sent):
            self._forget(user, now)

    def _forget(self, user: str, now: float) -> None:
        mails = self.sent.get(user)
        # A clock that was set back must not keep anybody waiting for ever.
        while mails and not 0 <= now - mails[0][0] < HOUR:
            mails.popleft()
        if mails is not None and not mails:
            del self.sent[user]


def answer(ledger: Ledger, request: dict[str, str], now: float) -> tuple[str, str]:
    """The action for Postfix, and an alarm, if there is one."""
    user, told = request.get("sasl_username", "").lower(), request.get("recipient_count", "")
    if not user or request.get("protocol_state") != "DATA" or not told.isdigit():
        return "DUNNO", ""
    if ledger.take(user, int(told), now):
        return "DUNNO", ""
    limits = ledger.limits
    alarm = (
        f"alarm: {user!a} has reached {limits.mails} mails or {limits.recipients} recipients in an hour; more must wait"
    )
    return f"450 4.7.1 {limits.text}", alarm if ledger.begins_to_refuse(user) else ""


def request_of(lines: Iterable[bytes]) -> dict[str, str]:
    """A request of Postfix: name=value lines."""
    pairs = (line.decode("utf-8", "replace").rstrip("\n").partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def limits_of(text: str) -> Limits:
    """sending.json. Raises SendingError."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data["version"] != 1:
            raise SendingError(f"{CONFIG}: version {data['version']!r} was found, 1 was expected")
        return Limits(int(data["mails"]), int(data["recipients"]), str(data["text"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SendingError(f"{CONFIG}: it is damaged: {error}") from error


def saved(ledger: Ledger) -> str:
    """What was sent, as text that `restore` reads."""
    return json.dumps({user: list(mails) for user, mails in ledger.sent.items()})


def restore(ledger: Ledger, text: str) -> None:
    """Take up what was sent before a restart; what cannot be read was never sent."""
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        for user, mails in json.loads(text).items():
            ledger.sent[str(user)] = deque((float(when), int(count)) for when, count in mails)


# --- the program -----------------------------------------------------------------------------------------------------


async def _serve(ledger: Ledger, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: Postfix keeps it for many requests."""
    with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
        while lines := await _request(reader):
            action, alarm = answer(ledger, request_of(lines), time.time())
            if alarm:
                syslog.syslog(syslog.LOG_WARNING, alarm)
            writer.write(f"action={action}\n\n".encode())
            await writer.drain()
    writer.close()


async def _request(reader: asyncio.StreamReader) -> list[bytes]:
    lines: list[bytes] = []
    while len(lines) < _MOST_LINES and (line := await reader.readline()) not in (b"\n", b""):
        lines.append(line)
    return lines


async def _run(ledger: Ledger) -> None:
    SOCKET.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(lambda r, w: _serve(ledger, r, w), SOCKET, limit=_LONGEST)
    SOCKET.chmod(0o666)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    # Postfix keeps its connections: whoever waited for them to end would wait for minutes.
    server.close()
    fresh = STATE.with_name(".sent.new")
    fresh.write_text(saved(ledger), encoding="utf-8")
    os.replace(fresh, STATE)  # noqa: PTH105 - atomic, whatever lies there


def main() -> int:
    """The program's edge: words and exit codes."""
    syslog.openlog("gatepost/sending", 0, syslog.LOG_MAIL)
    try:
        ledger = Ledger(limits_of(CONFIG.read_text(encoding="utf-8")))
        with contextlib.suppress(FileNotFoundError):
            restore(ledger, STATE.read_text(encoding="utf-8"))
        asyncio.run(_run(ledger))
    except (OSError, SendingError) as error:
        print(f"gatepost-mx sending: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

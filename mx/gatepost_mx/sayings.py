"""What the programs say in the log: one line for each thing that happens, in words that other programs may rely on.

    gatepost-mx[123]: lock-out: client=203.0.113.9 addresses=20 window=3600 for=86400 times=1
    gatepost-mx[123]: lock-out ended: client=203.0.113.9 after=86400 times=1
    gatepost-mx[123]: lock-out lifted: client=203.0.113.9 left=80123 times=1
    gatepost-mx[123]: locked out: client=203.0.113.9 refused=57 seconds=60
    gatepost-mx[123]: locked out: clients=914 refused=3021 seconds=60
    gatepost-mx[123]: firewall: on
    gatepost-mx[123]: firewall: off, locked-out clients are answered 421: nft: Operation not permitted
    gatepost-mx[123]: state: not written, counting goes on in memory: /var/lib/…: disk I/O error
    gatepost-mx[123]: state: written again
    gatepost-mx[123]: state: /var/lib/… is damaged (…), it was set aside as lock-outs.sqlite.damaged
    gatepost-mx[123]: started: version=1 locked-out=3 watched=17
    gatepost-mx[123]: reloaded: /etc/gatepost/mx.json
    gatepost-mx[123]: stopped

The word in front of the first colon says what; then come `name=value`, separated by blanks, of which more may come; a
text in words stands last. A client is an address or, of IPv6, a /64. `locked out` sums up a minute (`seconds`): the
clients that tried most have a line each, all others one together. Nothing that a client sent is ever repeated.
"""

from __future__ import annotations

import syslog
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue

from gatepost_mx.counting import LockOut

PROGRAM = "gatepost-mx"
MOST_CLIENTS = 20
MOST_WAITING = 10_000
PATIENCE = 5

Line = tuple[int, str]
"""The severity, and the text."""


def locked(one: LockOut) -> Line:
    """A lock-out begins."""
    numbers = f"addresses={one.addresses} window={one.within} for={one.lasts} times={one.times}"
    return syslog.LOG_NOTICE, f"lock-out: client={one.client} {numbers}"


def ended(one: LockOut) -> Line:
    """A lock-out ended by itself."""
    return syslog.LOG_INFO, f"lock-out ended: client={one.client} after={one.lasts} times={one.times}"


def lifted(one: LockOut, now: int) -> Line:
    """Somebody ended a lock-out."""
    return syslog.LOG_NOTICE, f"lock-out lifted: client={one.client} left={one.until - now} times={one.times}"


def refused(counts: Mapping[str, int], seconds: int) -> list[Line]:
    """How often locked-out clients were refused of late: the busiest one by one, then all others together."""
    busiest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"client={client} refused={number}" for client, number in busiest[:MOST_CLIENTS]]
    others = busiest[MOST_CLIENTS:]
    if others:
        lines.append(f"clients={len(others)} refused={sum(number for _, number in others)}")
    return [(syslog.LOG_INFO, f"locked out: {line} seconds={seconds}") for line in lines]


def firewall(problem: str | None) -> Line:
    """The firewall helps, or does not."""
    if problem is None:
        return syslog.LOG_INFO, "firewall: on"
    return syslog.LOG_WARNING, f"firewall: off, locked-out clients are answered 421: {problem}"


def state(problem: str | None) -> Line:
    """The counts can be written to disk, or not."""
    if problem is None:
        return syslog.LOG_NOTICE, "state: written again"
    return syslog.LOG_ERR, f"state: not written, counting goes on in memory: {problem}"


def started(version: str, locked_out: int, watched: int) -> Line:
    """The milter answers from now on."""
    return syslog.LOG_INFO, f"started: version={version} locked-out={locked_out} watched={watched}"


def stopped() -> Line:
    """The milter ends in order."""
    return syslog.LOG_INFO, "stopped"


def reloaded(path: Path) -> Line:
    """The config was read again."""
    return syslog.LOG_INFO, f"reloaded: {path}"


def damaged(what: str) -> Line:
    """The file on disk could not be read, and counting begins anew."""
    return syslog.LOG_ERR, f"state: {what}"


def begin() -> None:
    """Take the program's name for all lines of this process."""
    syslog.openlog(PROGRAM, syslog.LOG_PID, syslog.LOG_MAIL)


def say(*lines: Line) -> None:
    """Write lines to the log, as facility mail. Where nobody reads the log, this waits."""
    for severity, text in lines:
        syslog.syslog(syslog.LOG_MAIL | severity, text)


class Voice:
    """Writes lines in a thread of its own, so that no session waits for the log."""

    def __init__(self, write: Callable[[Line], None] = say) -> None:
        self._write = write
        self._lines: SimpleQueue[Line | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._speak, daemon=True, name="log")
        self._thread.start()

    def say(self, *lines: Line) -> None:
        """Have lines written. If thousands wait already, nobody reads, and these are lost."""
        for line in lines:
            if self._lines.qsize() < MOST_WAITING:
                self._lines.put(line)

    def _speak(self) -> None:
        while line := self._lines.get():
            self._write(line)

    def end(self) -> None:
        """Write what waits, if the log takes it soon."""
        self._lines.put(None)
        self._thread.join(PATIENCE)

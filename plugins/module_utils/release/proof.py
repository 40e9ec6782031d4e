"""The short proof after activation: the daemons are asked, over their sockets, whether they do what was released.

For    a release that every check let pass and that still does not work.
In     the proof of a manifest, and the units that must run.
Out    nothing.
Fails  with ProofError: which question, what was expected, what came, and the last log lines of units that are down.

Daemons need time to come up (clamd loads its signatures): a refused connection and a temporary answer are tried again
until the deadline. A wrong answer is believed sooner, but not at once: after a reload the old process may still have
given it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .errors import ProofError
from .manifest import Manifest, Proof
from .systemd import Systemd, unit_words

SECONDS = 90.0
SECONDS_WRONG = 10.0
PAUSE = 0.25
SILENCE = 10.0


@dataclass(frozen=True)
class Miss:
    """One try that failed: what was missing, and whether waiting may help."""

    words: str
    may_come: bool


@dataclass(frozen=True)
class Clock:
    """Time, so that a test need not wait for it."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def proof_run(manifest: Manifest, systemd: Systemd, clock: Clock | None = None) -> None:
    """All questions together have one deadline; a daemon that is up late has used it up for the others too."""
    clock = clock or Clock()
    deadline = clock.now() + SECONDS
    for proof in manifest.proof:
        _until(lambda proof=proof: _ask(proof), f"proof: {proof.name}", deadline, clock)  # type: ignore[misc]
    # Last, since a daemon that crashes again and again needs a while to be seen doing so.
    _until(lambda: _units(manifest.units, systemd), "every service runs", deadline, clock)


def _until(attempt: Callable[[], Miss | None], name: str, deadline: float, clock: Clock) -> None:
    wrong_since: float | None = None
    while (miss := attempt()) is not None:
        now = clock.now()
        wrong_since = None if miss.may_come else (wrong_since if wrong_since is not None else now)
        if now >= deadline or (wrong_since is not None and now - wrong_since >= SECONDS_WRONG):
            raise ProofError(f"{name}: {miss.words}")
        clock.pause(PAUSE)


def _units(units: Iterable[str], systemd: Systemd) -> Miss | None:
    down = {unit: state for unit, state in systemd.states(units).items() if not state.active}
    if not down:
        return None
    words = [f"{unit} is {state.word or 'not active'}\n{unit_words(unit)}" for unit, state in down.items()]
    return Miss("\n".join(words), may_come=all(state.word == "activating" for state in down.values()))


def _ask(proof: Proof) -> Miss | None:
    """Hold one conversation, from the connection to its last answer."""
    where = proof.unix if proof.unix else f"{proof.tcp[0]} port {proof.tcp[1]}" if proof.tcp else ""
    try:
        link = _connect(proof)
    except OSError as error:
        return Miss(f"{where}: no connection ({error.strerror or error})", may_come=True)
    with link:
        for said, wanted in proof.talk:
            try:
                if said is not None:
                    link.sendall(_line(said))
                answer = _answer(link)
            except OSError as error:
                return Miss(f"{where}: after {said!r} no answer ({error.strerror or error})", may_come=True)
            if not answer.startswith(wanted):
                return Miss(f"{where}: after {said!r} expected {wanted!r}, got {answer!r}", answer[:1] in ("4", ""))
    return None


def _connect(proof: Proof) -> socket.socket:
    if proof.tcp is not None:
        return socket.create_connection(proof.tcp, timeout=SILENCE)
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(SILENCE)
    try:
        link.connect(proof.unix or "")
    except OSError:
        link.close()
        raise
    return link


def _line(said: str) -> bytes:
    """A line of SMTP; a text that brings its own end (clamd's NUL) goes as it is."""
    return said.encode() if said.endswith(("\0", "\n")) else f"{said}\r\n".encode()


def _answer(link: socket.socket) -> str:
    """One whole answer: its last line, for SMTP the one that has no hyphen after the code."""
    held = b""
    while block := link.recv(4096):
        held += block
        if held.endswith(b"\0"):
            break
        last = held.rstrip(b"\r\n").rpartition(b"\n")[2]
        if held.endswith(b"\n") and not (last[:3].isdigit() and last[3:4] == b"-"):
            break
    return held.decode(errors="replace").rstrip("\r\n\0").rpartition("\n")[2]

"""What a server really did with a probe: its replies, and where the mail turned up afterwards.

In: the answers of gatepost_probe, as plain data. Out: a frozen `Seen` for each probe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENHANCED = re.compile(r"\d\.\d{1,3}\.\d{1,3}(?=\s|$)")
_SCORE = re.compile(r"\bscore=(-?\d+(?:\.\d+)?)|^\s*(-?\d+(?:\.\d+)?)\s*$")


@dataclass(frozen=True)
class Reply:
    """One reply of a server, taken apart."""

    command: str
    code: int
    enhanced: str
    text: str

    @classmethod
    def of(cls, command: str, lines: list[str]) -> Reply:
        """The reply out of its lines; the text is what stands behind the codes, on one line."""
        rests = [line[4:] for line in lines]
        enhanced = _ENHANCED.match(rests[-1])
        texts = [rest[found.end() :] if (found := _ENHANCED.match(rest)) else rest for rest in rests]
        return cls(command, int(lines[-1][:3]), enhanced[0] if enhanced else "", " ".join(" ".join(texts).split()))

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


@dataclass(frozen=True)
class Arrival:
    """A mail in a mailbox. `mark` is the probe's own mark; `about` are marks that a notice quotes."""

    mailbox: str
    mark: str
    headers: tuple[tuple[str, str], ...]
    about: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Seen:
    """All that is known of one probe. `error` tells why there is no answer; then nothing else counts."""

    replies: tuple[Reply, ...] = ()
    transcript: tuple[str, ...] = ()
    error: str | None = None
    client: str = ""
    arrived: tuple[Arrival, ...] = ()
    notices: tuple[Arrival, ...] = ()
    quarantined: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    # Mailboxes that could not be read, and whether the server told of its queues and quarantine.
    unread: tuple[str, ...] = ()
    server_error: str | None = None

    @property
    def last(self) -> Reply | None:
        """The reply that counts: the refusal, or the last one."""
        return self.replies[-1] if self.replies else None

    @property
    def score(self) -> float | None:
        """The spam score that the server gave the mail, where its headers tell."""
        for arrival in self.arrived:
            found = score_of({name.lower(): value for name, value in arrival.headers})
            if found is not None:
                return found
        heads = (headers_of(head) for head in self.quarantined)
        return next((found for head in heads if (found := score_of(head)) is not None), None)


def score_of(headers: Mapping[str, str]) -> float | None:
    """The score in X-Spam-Score or X-Spam-Status."""
    for name in ("x-spam-score", "x-spam-status"):
        found = _SCORE.search(headers.get(name, ""))
        if found:
            return float(found[1] or found[2])
    return None


def headers_of(head: str) -> dict[str, str]:
    """Headers out of their text, by lower-case name, unfolded; the first of each counts."""
    headers: dict[str, str] = {}
    for line in re.sub(r"\r?\n[ \t]+", " ", head).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.lower(), value.strip())
    return headers


def replies_of(said: list[tuple[str, list[str]]]) -> tuple[Reply, ...]:
    """The replies of a conversation."""
    return tuple(Reply.of(command, lines) for command, lines in said)


def transcript_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The conversation as people read it."""
    lines = [line for command, reply in answer["said"] for line in _said(command, reply)]
    return (*lines, *([f"!  {answer['error']}"] if answer["error"] else ()))


def _said(command: str, reply: list[str]) -> list[str]:
    return [*([f"C: {command}"] if command else []), *(f"S: {line}" for line in reply)]

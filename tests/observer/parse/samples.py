"""Lines for the tests, written as the daemons write them."""

from __future__ import annotations

from gatepost_observer.events import Event
from gatepost_observer.parse import Reader

HEAD = b"2026-11-24T11:04:26.123456+00:00 mx1 "


def said(message: str, program: str = "postfix/smtpd[7]") -> bytes:
    """One line."""
    return HEAD + f"{program}: {message}".encode("utf-8", "surrogateescape")


def read(*lines: bytes) -> list[Event]:
    """The events of these lines; none of them may be unknown."""
    reader = Reader()
    events = reader.read(_apart(lines))
    assert not reader.unknown, reader.unknown
    return events


def _apart(lines: tuple[bytes, ...]) -> list[bytes]:
    """Each a microsecond after the one before: the same line twice would be a repeat."""
    return [line.replace(b".123456", b".%06d" % number) for number, line in enumerate(lines)]


def one(*lines: bytes, kind: str) -> Event:
    """The only event of this kind."""
    found = [event for event in read(*lines) if event["kind"] == kind]
    assert len(found) == 1, found
    return found[0]

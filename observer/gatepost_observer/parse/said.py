"""One line as the daemons' readers get it, and how they answer with events.

In: the head of a line, taken apart. Out: events, appended to the list that the reader collects.
"""

from __future__ import annotations

from typing import Any

from gatepost_observer.events import Event, Kind
from gatepost_observer.parse.trail import Key, Mail, Trail


class Said:
    """What a program said, and when and where. One of these is filled anew for each line."""

    __slots__ = ("host", "instance", "message", "out", "process", "program", "time", "trail")

    time: int
    host: str
    instance: str
    program: str
    process: str
    message: bytes

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.out: list[Event] = []

    def event(self, kind: Kind, columns: dict[str, Any]) -> None:
        """Tell an event; columns without a value are left out."""
        event: Event = {
            "time": self.time,
            "host": self.host,
            "instance": self.instance,
            "program": self.program,
            "kind": kind.value,
        }
        for name, value in columns.items():
            if value is not None:
                event[name] = value
        self.out.append(event)

    def key(self, queue_id: str) -> Key:
        """Under what the mail of this queue id is remembered."""
        return self.host, self.instance, queue_id

    def mail(self, queue_id: str) -> Mail:
        """The mail of this queue id."""
        return self.trail.known((self.host, self.instance, queue_id), self.time)

    @property
    def session(self) -> Key:
        """Under what the session of this process is remembered."""
        return self.host, self.instance, self.process

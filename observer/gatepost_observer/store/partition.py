"""Which folder of the store an event belongs to: its day, in UTC, and its host.

Names of hosts come out of logs, so they are hostile: only letters, digits and `._-` stand in a folder's name as they
are, never a dot in front; the rest is written as %XX. What is too long is cut, with a hash in its place. The column
`host` in the files holds the true name.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from gatepost_observer.events import Event
from gatepost_observer.store.schema import within_calendar

DAY: Final = 86_400_000_000  # microseconds
LONGEST: Final = 100
# One commit writes at most so many files: a flood of made-up host names or days must not become a flood of folders.
MOST: Final = 64
MIXED: Final = "mixed"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOSTILE: Final = re.compile(rb"[^A-Za-z0-9._-]|^\.")


class Partition(NamedTuple):
    """A day (2026-11-24, or mixed) and a host (its true name, or nothing for mixed)."""

    day: str
    host: str | None

    @property
    def folder(self) -> str:
        """Where its files lie, under the store."""
        return f"events/day={self.day}/host={quoted(self.host)}"


def quoted(host: str | None) -> str:
    """A host's name as the name of a folder; different hosts have different names."""
    if host is None:
        return MIXED + "~"
    raw = host.encode("utf-8", "backslashreplace")
    safe = _HOSTILE.sub(lambda found: b"%%%02X" % found.group()[0], raw).decode("ascii")
    if not safe or len(safe) > LONGEST:
        return f"{safe[: LONGEST - 20]}~{hashlib.sha256(raw).hexdigest()[:16]}"
    return safe


def day_of(time: int) -> str:
    """The day of a time in microseconds."""
    return (_EPOCH + timedelta(days=within_calendar(time) // DAY)).strftime("%Y-%m-%d").zfill(10)


def divided(events: Sequence[Event]) -> dict[Partition, list[Event]]:
    """The events by partition, each in their order; beyond MOST partitions the smallest are put together."""
    keys = [(within_calendar(event.get("time")) // DAY, str(event.get("host") or "")) for event in events]
    kept = {key for key, _ in Counter(keys).most_common(MOST)}
    names = {key: Partition(day_of(key[0] * DAY), key[1]) for key in kept}
    mixed = Partition(MIXED, None)
    parts: dict[Partition, list[Event]] = {}
    for key, event in zip(keys, events, strict=True):
        parts.setdefault(names.get(key, mixed), []).append(event)
    return parts

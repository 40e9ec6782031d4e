"""What the last minutes were: rates, queues, and what there was most of.

In: an engine with the view `events`, the moment up to which to look. Out: a Pulse, plain data (what `--json` prints).
It fails with what the engine fails with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from gatepost_observer import queries
from gatepost_observer.queries import Scope
from gatepost_observer.store.engine import Engine

SLOTS: Final = 45
MINUTE: Final = timedelta(minutes=1)
RATES: Final = ("in", "out", "refused", "deferred", "returned", "spam", "viruses")
BOARDS: Final = ("refusals", "refused-clients", "clients", "found", "delivered", "deferred")

Row = dict[str, Any]


@dataclass(frozen=True)
class Pulse:
    """A look at the last minutes."""

    at: datetime
    minutes: int
    last_minute: dict[str, int]
    series: dict[str, list[int]]
    boards: dict[str, list[Row]]
    queues: list[Row]
    notes: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "version": 1,
            "at": self.at.isoformat(timespec="seconds"),
            "minutes": self.minutes,
            "last_minute": self.last_minute,
            "series": self.series,
            **{name.replace("-", "_"): rows for name, rows in self.boards.items()},
            "queues": self.queues,
            "notes": self.notes,
        }


def taken(engine: Engine, at: datetime, minutes: int, top: int, queues: list[Row], notes: list[str]) -> Pulse:
    """The pulse at this moment."""
    scope = Scope(at - minutes * MINUTE, at + timedelta(seconds=1), values={"top": top})
    seconds = engine.rows(*queries.asked("pulse", scope))
    lately = engine.rows(*queries.asked("lately", scope))
    boards = {
        name: [{"name": row["name"], "events": row["events"]} for row in lately if row["board"] == name]
        for name in BOARDS
    }
    return Pulse(at, minutes, _last_minute(seconds, at), _series(seconds, at, minutes), boards, queues, notes)


def _rate(row: Row) -> str | None:
    """Under which rate an event is counted; what passes between parts of one server is counted nowhere."""
    match row["kind"]:
        case "accepted" | "delivered" if row["inside"]:
            return None
        case "accepted":
            return "in"
        case "delivered":
            return "out"
        case "filtered":
            return {"spam": "spam", "virus": "viruses"}.get(row["reason"] or "")
    return str(row["kind"])


def _last_minute(seconds: list[Row], at: datetime) -> dict[str, int]:
    count: Counter[str | None] = Counter()
    for row in seconds:
        if at - MINUTE < row["second"] <= at:
            count[_rate(row)] += row["events"]
    return {name: count[name] for name in RATES}


def _series(seconds: list[Row], at: datetime, minutes: int) -> dict[str, list[int]]:
    """SLOTS numbers for each rate, the newest last."""
    slot = minutes * MINUTE / SLOTS
    told = {name: [0] * SLOTS for name in RATES}
    for row in seconds:
        name, age = _rate(row), int((at - row["second"]) / slot)
        if name and 0 <= age < SLOTS:
            told[name][SLOTS - 1 - age] += row["events"]
    return told

"""Events for the tests of the store."""

from __future__ import annotations

from pathlib import Path

from gatepost_observer.events import Event
from gatepost_observer.store import Store, engine

DAY = 86_400_000_000
NOON = 20_000 * DAY + DAY // 2  # 2024-10-04 12:00 UTC: in the past, whenever this runs


def event(number: int, **more: object) -> Event:
    """One event; another one for each number."""
    return {"time": NOON + number, "host": "gate12", "kind": "accepted", "queue_id": f"q{number}", **more}


def events(first: int, last: int, **more: object) -> list[Event]:
    """Events from one number to before another."""
    return [event(number, **more) for number in range(first, last)]


def ids(store: Path) -> list[str]:
    """Which events a reader finds, sorted."""
    with engine.opened(Store(store)) as duck:
        return sorted(row["queue_id"] for row in duck.rows("SELECT queue_id FROM events"))


def expected(first: int, last: int) -> list[str]:
    """The ids of these events, as `ids` gives them."""
    return sorted(f"q{number}" for number in range(first, last))


def on_disk(store: Path) -> set[str]:
    """All files under the store, but for the locks."""
    return {str(place.relative_to(store)) for place in store.rglob("*") if place.is_file() and place.suffix != ".lock"}

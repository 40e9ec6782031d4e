"""The journal of an activation: what makes a release that was cut short end wholly old.

For    the activation, the next run after a killed one, and the recovery program at boot.
In     what the activation is about to change.
Out    /var/lib/gatepost/undo (what stood at each path) and then /var/lib/gatepost/activating.json, both durable before
       the first path is touched. While the journal exists, the old release is the truth; its removal is the moment
       at which the new one becomes it.
Fails  with OSError when the disk does; the journal then stays, and the next run tries again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .place import Place, folder_sync, json_read, json_write
from .records import Item, record_put, snapshot_item, snapshot_load, snapshot_save, snapshot_take
from .store import current_set, history_write
from .systemd import Systemd, UnitState, units_enter, units_leave


@dataclass(frozen=True)
class Journal:
    """What an undo needs to know beside the undo folder."""

    to: str | None
    before: str | None
    history: list[str]
    units: dict[str, UnitState]
    touch: dict[str, str]


def journal_open(place: Place, journal: Journal, items: Iterable[Item]) -> None:
    """Keep what stands at the items' paths, then say that an activation is under way."""
    shutil.rmtree(place.undo, ignore_errors=True)
    place.undo.mkdir(mode=0o700, parents=True)
    records = snapshot_take(place, [item.record.path for item in items], place.undo)
    snapshot_save(place.undo, records)
    json_write(place.journal, asdict(journal))


def journal_close(place: Place) -> None:
    """The new release becomes the truth."""
    place.journal.unlink(missing_ok=True)
    folder_sync(place.state)
    shutil.rmtree(place.undo, ignore_errors=True)


def journal_read(place: Place) -> Journal | None:
    raw: dict[str, Any] | None = json_read(place.journal)
    if raw is None:
        return None
    return Journal(**{**raw, "units": units_read(raw["units"])})


def units_read(raw: Mapping[str, Mapping[str, Any]]) -> dict[str, UnitState]:
    return {unit: UnitState(**state) for unit, state in raw.items()}


def journal_undo(place: Place, systemd: Systemd) -> list[str]:
    """Put everything back as the journal says. It can itself be cut short and done again.

    Hands back what the services complained of: by then the files stand, and the journal has no more use.
    """
    journal = journal_read(place)
    if journal is None:
        return []
    complaints = units_leave(systemd, journal.units, keep_going=True)
    # In reverse, so that files go before the folders that were made for them.
    for record in reversed(snapshot_load(place.undo).values()):
        record_put(place, snapshot_item(place.undo, record))
    current_set(place, journal.before)
    history_write(place, journal.history)
    systemd.daemon_reload()
    complaints += units_enter(systemd, journal.units, journal.touch, keep_going=True)
    journal_close(place)
    return complaints

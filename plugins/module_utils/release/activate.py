"""Activation: the staged release takes the live paths, as a whole or not at all.

For    the states present and rolled_back.
In     a Change: the items to put, the units' wishes, and a proof to be given at the end.
Out    the server on the new release, or on what stood before.
Fails  with RolledBackError after everything was put back; its text has the reason and what the undo met with.

The order is the guarantee: undo folder, journal, files, services, proof, `current`, and last the journal's removal.
Killed before that, the next run or the next boot undoes; killed after it, the release is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import ReleaseError, RolledBackError
from .journal import Journal, journal_close, journal_open, journal_undo
from .place import Place
from .records import Item, record_put
from .store import current_id, current_set, history_read, history_write
from .systemd import Systemd, UnitState, units_enter, units_leave

Step = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """One activation, planned."""

    to: str | None
    history: list[str]
    items: list[Item]
    wishes: Mapping[str, UnitState]
    touch: Mapping[str, str]


def no_step(_name: str) -> None:
    """The hook between two steps; only tests put something here, to end the process there."""


def activate(
    place: Place, change: Change, systemd: Systemd, prove: Callable[[], None], seal: Callable[[], None], step: Step
) -> None:
    _open(place, change, systemd)
    step("journal")
    try:
        units_leave(systemd, change.wishes)
        _put(place, change, step)
        systemd.daemon_reload()
        units_enter(systemd, change.wishes, change.touch)
        step("services")
        prove()
        step("proof")
        seal()
        current_set(place, change.to)
        step("current")
        history_write(place, change.history)
        step("history")
    except (ReleaseError, OSError) as error:
        complaints = journal_undo(place, systemd)
        raise RolledBackError(_message(change, str(error), complaints)) from error
    journal_close(place)


def _open(place: Place, change: Change, systemd: Systemd) -> None:
    journal = Journal(
        to=change.to,
        before=current_id(place),
        history=history_read(place),
        units=systemd.states(change.wishes),
        touch=dict(change.touch),
    )
    journal_open(place, journal, change.items)


def _put(place: Place, change: Change, step: Step) -> None:
    for item in change.items:
        record_put(place, item)
        step(item.record.path)


def _message(change: Change, reason: str, complaints: list[str]) -> str:
    name = change.to or "the state before Gatepost"
    lines = [f"{name} was activated and did not work:", reason, "", "What stood before was put back."]
    if complaints:
        lines += ["But these did not take it:", *complaints]
    return "\n".join(lines)

"""What systemd is asked and told.

For    activation and its undoing; a test gives a stand-in with the same methods.
In     unit names.
Out    the units' states; started, stopped, reloaded, enabled units.
Fails  with ServiceError, which carries systemctl's words and the unit's last log lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .commands import command_run
from .errors import ServiceError

RUNNING = ("active", "reloading")


@dataclass(frozen=True)
class UnitState:
    """How a unit is, or how it shall be."""

    active: bool
    enabled: bool
    word: str = ""


class Systemd(Protocol):
    def states(self, units: Iterable[str]) -> dict[str, UnitState]: ...
    def daemon_reload(self) -> None: ...
    def tell(self, verb: str, unit: str) -> None: ...


class Systemctl:
    """The real one. At boot nothing may wait for a job, since we stand before the jobs it would wait for."""

    def __init__(self, *, block: bool = True) -> None:
        self._block = block

    def states(self, units: Iterable[str]) -> dict[str, UnitState]:
        names = list(units)
        if not names:
            return {}
        answer = command_run(["systemctl", "show", "-p", "ActiveState,SubState,UnitFileState", *names])
        if answer.code:
            raise ServiceError(f"systemctl does not tell the units' states\n{answer.words}")
        blocks = [_properties(block) for block in answer.out.strip("\n").split("\n\n")]
        return {name: _state(block) for name, block in zip(names, blocks, strict=True)}

    def daemon_reload(self) -> None:
        self._run(["systemctl", "daemon-reload"], "")

    def tell(self, verb: str, unit: str) -> None:
        if verb in ("start", "restart"):
            # A unit that failed too often refuses to start until it is forgiven; whether there was anything to
            # forgive does not matter.
            command_run(["systemctl", "reset-failed", unit])
            verb, unit = self._with_room(verb, unit)
        wait = [] if self._block or verb in ("enable", "disable") else ["--no-block"]
        self._run(["systemctl", *wait, "reload-or-restart" if verb == "reload" else verb, unit], unit)

    def _with_room(self, verb: str, unit: str) -> tuple[str, str]:
        """systemd opens no socket for a service that runs already: such a service is restarted, and brings it along."""
        if not unit.endswith(".socket"):
            return verb, unit
        fed = command_run(["systemctl", "show", "--value", "-p", "Triggers", unit]).out.split()
        runs = bool(fed) and self.states(fed)[fed[0]].active
        return ("restart", fed[0]) if runs and not self.states([unit])[unit].active else (verb, unit)

    def _run(self, argv: list[str], unit: str) -> None:
        answer = command_run(argv, seconds=300)
        if answer.code:
            raise ServiceError("\n".join([" ".join(argv), answer.words, *([unit_words(unit)] if unit else [])]))


def unit_words(unit: str) -> str:
    """The last lines that a unit logged."""
    answer = command_run(["journalctl", "--unit", unit, "--lines", "15", "--no-pager", "--output", "cat"])
    return answer.out.strip()


def units_leave(systemd: Systemd, wishes: Mapping[str, UnitState], *, keep_going: bool = False) -> list[str]:
    """Stop what is not to run, in the reverse order. Before the files change: a unit needs its own to stop cleanly."""
    now = systemd.states(wishes)
    steps = [(verb, unit) for unit in reversed(list(wishes)) for verb in _away(now[unit], wishes[unit])]
    return _tell(systemd, steps, keep_going)


def units_enter(
    systemd: Systemd, wishes: Mapping[str, UnitState], touch: Mapping[str, str], *, keep_going: bool = False
) -> list[str]:
    """Start what is to run, in the order given. What runs already is told only what `touch` says for it."""
    now = systemd.states(wishes)
    steps = [(verb, unit) for unit, wish in wishes.items() for verb in _there(now[unit], wish, touch.get(unit, ""))]
    return _tell(systemd, steps, keep_going)


def _tell(systemd: Systemd, steps: Iterable[tuple[str, str]], keep_going: bool) -> list[str]:
    """With keep_going every unit is tried, as an undo must not stop half-way, and the complaints are handed back."""
    complaints: list[str] = []
    for verb, unit in steps:
        try:
            systemd.tell(verb, unit)
        except ServiceError as error:
            if not keep_going:
                raise
            complaints.append(str(error))
    return complaints


def _away(now: UnitState, wish: UnitState) -> list[str]:
    disable = ["disable"] if now.enabled and not wish.enabled else []
    # "failed" and "activating" are not running, yet a stop ends their tries to start again.
    return [*disable, *(["stop"] if not wish.active and now.word != "inactive" else [])]


def _there(now: UnitState, wish: UnitState, touch: str) -> list[str]:
    enable = ["enable"] if wish.enabled and not now.enabled else []
    if not wish.active:
        return enable
    if not now.active:
        return [*enable, "start"]
    return [*enable, *([touch] if touch in ("reload", "restart") else [])]


def _properties(block: str) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in block.splitlines())}


def _state(properties: Mapping[str, str]) -> UnitState:
    word = properties.get("ActiveState", "unknown")
    # Static, generated and indirect units cannot be enabled, and need not be: only "disabled" asks for it.
    return UnitState(word in RUNNING, properties.get("UnitFileState") not in ("disabled", "", None), word)

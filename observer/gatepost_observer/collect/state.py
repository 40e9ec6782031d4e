"""What the collector must know to go on exactly where it was: it lies in the store, committed with the events.

In: the mapping that the store kept. Out: a State, and the mapping again. Fails with StoreError on a state of a newer
Gatepost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatepost_observer.parse import Reader
from gatepost_observer.store import StoreError

VERSION: Final = 1


@dataclass
class State:
    """By source (the path of a log): where it was read to, and what its reader remembers.

    And of old logs that were imported: how many lines of each, and the reader of an import that has not ended.
    """

    positions: dict[str, Any] = field(default_factory=dict)
    readers: dict[str, Any] = field(default_factory=dict)
    imported: dict[str, Any] = field(default_factory=dict)
    importing: dict[str, Any] | None = None

    def told(self) -> dict[str, Any]:
        """As it lies in the store."""
        return {
            "version": VERSION,
            "positions": self.positions,
            "readers": self.readers,
            "imported": self.imported,
            "importing": self.importing,
        }


def restored(told: Mapping[str, Any] | None) -> State:
    """The state that the store kept, or a new one."""
    if told is None:
        return State()
    version = told.get("version")
    if version != VERSION:
        raise StoreError(f"the collector's state has version {version}, expected {VERSION}: it is of another Gatepost")
    return State(dict(told["positions"]), dict(told["readers"]), dict(told["imported"]), told["importing"])


def reader_of(told: dict[str, Any]) -> Reader:
    """The reader with the memory that the store kept."""
    try:
        return Reader.restored(told)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the collector's state is damaged, or of another Gatepost ({error})") from error

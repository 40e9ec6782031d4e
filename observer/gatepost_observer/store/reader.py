"""The store as its readers see it: the files that hold events, and the collector's state.

In: the store's folder. Out: paths of Parquet files; nothing is opened, locked or written. A file that a reader was told
of stays for GRACE seconds after it was superseded. Fails with StoreError when the folder is no store, may not be read,
or is of a newer Gatepost.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from gatepost_observer.store import manifest
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.manifest import File, Manifest

GRACE: Final = 900.0  # seconds a superseded file still stays: longer than any report takes
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """A moment (with its zone) as the store counts: microseconds since 1970, UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Store:
    """The events in a folder that `gatepost collect` fills."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def manifest(self) -> Manifest:
        """What the store holds at this moment."""
        place = self.path / manifest.NAME
        try:
            return manifest.parsed(place.read_bytes(), place)
        except FileNotFoundError:
            raise StoreError(self._absent()) from None
        except OSError as error:
            raise StoreError(f"{error.filename}: cannot be read: {error.strerror}") from error

    def _absent(self) -> str:
        if not self.path.exists():
            return f"{self.path}: no such store, expected a folder that `gatepost collect` fills"
        return f"{self.path}: is no store, expected a folder that `gatepost collect` fills"

    def entries(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        hosts: Collection[str] | None = None,
    ) -> list[File]:
        """The files that can hold events from `since` on and before `until`, of these hosts, oldest first."""
        first = microseconds(since) if since else None
        last = microseconds(until) if until else None
        found = [
            entry
            for entry in self.manifest().files
            if (first is None or entry.last >= first)
            and (last is None or entry.first < last)
            and (hosts is None or entry.host is None or entry.host in hosts)
        ]
        return sorted(found, key=lambda entry: (entry.first, entry.path))

    def files(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        hosts: Collection[str] | None = None,
    ) -> list[str]:
        """The paths of these files. What lies outside of the span may be in them too: ask for the time as well."""
        return [str(self.path / entry.path) for entry in self.entries(since, until, hosts)]

    def state(self) -> dict[str, Any] | None:
        """What the collector knew when the files became true; None where none has written yet."""
        for _ in range(100):
            name = self.manifest().state
            if name is None:
                return None
            try:
                return _state(self.path / name)
            except FileNotFoundError:  # a commit came between; the manifest names a newer one
                continue
        raise StoreError(f"{self.path}: the collector's state is missing")


def _state(place: Path) -> dict[str, Any]:
    try:
        found = json.loads(place.read_bytes())
    except ValueError as error:
        raise StoreError(f"{place}: the collector's state is damaged ({error})") from error
    if not isinstance(found, dict):
        raise StoreError(f"{place}: the collector's state is damaged")
    return found

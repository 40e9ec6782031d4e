"""The manifest: which files are the store, and what state of the collector they belong to. The one commit point.

In: `manifest.json`. Out: a frozen Manifest, and again the bytes of the file. A reader needs nothing else: a file that
no manifest names does not exist. Fails with StoreError on what is no manifest, and on one of a newer Gatepost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gatepost_observer.events import SCHEMA
from gatepost_observer.store.errors import StoreError

FORMAT: Final = "gatepost events"
LAYOUT: Final = 1  # of the folder and the manifest; SCHEMA is that of the columns
NAME: Final = "manifest.json"


@dataclass(frozen=True)
class File:
    """One Parquet file: what a reader must know to leave it alone."""

    path: str  # from the store's folder
    day: str
    host: str | None  # None: several
    rows: int
    size: int
    first: int  # the earliest and the latest time in it
    last: int
    schema: int
    written: float  # when its latest event was put into the store: a date from the future keeps nothing for ever
    level: int = 0  # how often it was merged; LARGE for the work of `compact`
    forgotten: bool = False  # its addresses are pseudonyms

    @property
    def age_counts_from(self) -> float:
        """Seconds since 1970: the latest event, or when it came, if that is earlier."""
        return min(self.last / 1e6, self.written)


@dataclass(frozen=True)
class Manifest:
    """A store at one moment."""

    sequence: int = 0
    schema: int = SCHEMA
    state: str | None = None  # the collector's, a file under the store
    files: tuple[File, ...] = ()
    superseded: dict[str, float] = field(default_factory=dict)  # path -> when it stopped to count

    def changed(
        self, added: Iterable[File], removed: Collection[str], now: float, state: str | None = None
    ) -> Manifest:
        """The next one: files added, others no longer counted but kept for those who are reading them."""
        old = dict.fromkeys(removed, now)
        if state is not None and self.state is not None and self.state != state:
            old[self.state] = now
        return replace(
            self,
            sequence=self.sequence + 1,
            schema=SCHEMA,
            state=state or self.state,
            files=(*(f for f in self.files if f.path not in removed), *added),
            superseded={**self.superseded, **old},
        )

    def dumped(self) -> bytes:
        """The bytes of `manifest.json`."""
        content = {"format": FORMAT, "layout": LAYOUT, **vars(self), "files": [vars(entry) for entry in self.files]}
        return json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode()


def parsed(content: bytes, path: Path) -> Manifest:
    """The manifest in these bytes, or a StoreError that names the path."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise StoreError(f"{path}: is damaged, expected the manifest of a store ({error})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise StoreError(f"{path}: is no manifest of a Gatepost store")
    _not_newer(found, path)
    try:
        return _manifest(found)
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path}: is damaged, expected the manifest of a store ({error})") from error


def _not_newer(found: dict[str, Any], path: Path) -> None:
    layout, schema = found.get("layout"), found.get("schema")
    if not isinstance(layout, int) or not isinstance(schema, int):
        raise StoreError(f"{path}: is damaged, expected numbers as layout and schema")
    if layout > LAYOUT or schema > SCHEMA:
        raise StoreError(
            f"{path}: the store is of a newer Gatepost (layout {layout}, schema {schema}); "
            f"this one knows layout {LAYOUT} and schema {SCHEMA}. Nothing was changed"
        )


def _manifest(found: dict[str, Any]) -> Manifest:
    return Manifest(
        sequence=found["sequence"],
        schema=found["schema"],
        state=found["state"],
        files=tuple(File(**entry) for entry in found["files"]),
        superseded=dict(found["superseded"]),
    )


def without(now: Manifest, superseded: dict[str, float]) -> Manifest:
    """The same store, when superseded files are gone from the disk."""
    return replace(now, superseded=superseded)

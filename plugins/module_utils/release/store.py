"""The releases that are kept on a server.

For    finding what is active, what stood before it, and content that need not travel again.
In     /var/lib/gatepost/releases/<id>/{manifest.json,made.json,filled.json,seal.json,files/…}, `current`, history.json.
Out    Release values; changes of `current` and of the history.
Fails  with ManifestError where a kept manifest is damaged.

The release "before-gatepost" is a snapshot: what stood at the paths before Gatepost came, and how the units were.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import ManifestError
from .manifest import File, Manifest, manifest_parse
from .place import Place, beside, folder_sync, json_read, json_write
from .records import Item, sha256_of, snapshot_item, snapshot_load, snapshot_save, snapshot_take

BEFORE = "before-gatepost"
KEEP = 5


@dataclass(frozen=True)
class Filled:
    """A file with its secrets in it: which they are (a fingerprint), and what it is with them."""

    fingerprint: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Release:
    """A kept release: its manifest, the files that the server built from it, and those that it filled secrets into."""

    manifest: Manifest
    made: tuple[File, ...]
    folder: Path
    filled: Mapping[str, Filled] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The release's own id; a number follows where it is there again with other secrets."""
        return self.folder.name

    @property
    def fingerprints(self) -> dict[str, str]:
        """Which secrets are in which file."""
        return {path: filled.fingerprint for path, filled in self.filled.items()}

    @property
    def files(self) -> tuple[File, ...]:
        """Every file as it is put."""
        return tuple(map(self._as_put, self.manifest.files)) + self.made

    def _as_put(self, file: File) -> File:
        filled = self.filled.get(file.path)
        return replace(file, sha256=filled.sha256, size=filled.size) if filled else file

    @property
    def paths(self) -> frozenset[str]:
        """Everything that this release manages, folders too."""
        folders = [directory.path for directory in self.manifest.directories]
        return frozenset([*folders, *(file.path for file in self.files)])

    def content(self, path: str) -> Path:
        return self.folder / "files" / path.lstrip("/")


def release_load(folder: Path) -> Release | None:
    raw = json_read(folder / "manifest.json")
    if raw is None:
        return None
    made = tuple(File(**entry) for entry in json_read(folder / "made.json") or [])
    filled = {path: Filled(**entry) for path, entry in (json_read(folder / "filled.json") or {}).items()}
    return Release(manifest_parse(raw), made, folder, filled)


def release_place(place: Place, name: str, fingerprints: Mapping[str, str]) -> Path:
    """The folder of a release with these secrets: the one that is kept, or else a free one."""
    for folder in (place.releases / f"{name}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000)))):
        with suppress(ManifestError, ValueError):
            kept = release_load(folder)
            if kept is not None and kept.fingerprints != fingerprints:
                continue
        return folder
    raise ManifestError(f"the release {name} is kept here with too many different secrets")


def release_whole(release: Release) -> bool:
    """Whether every file of a kept release is still what it was when it was staged."""
    return all(
        release.content(file.path).is_file() and sha256_of(release.content(file.path)) == file.sha256
        for file in release.files
    )


def current_id(place: Place) -> str | None:
    """The active release's id; None before the first one, and after going back to before it."""
    try:
        name = place.current.readlink().name
    except FileNotFoundError:
        return None
    return None if name == BEFORE else name


def current_release(place: Place) -> Release | None:
    name = current_id(place)
    return release_load(place.releases / name) if name else None


def current_set(place: Place, name: str | None) -> None:
    temporary = beside(place.current)
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path("releases") / (name or BEFORE))
    temporary.replace(place.current)
    folder_sync(place.state)


def history_read(place: Place) -> list[str]:
    """The ids in the order of their activation; the last one is active."""
    return list(json_read(place.history) or [])


def history_write(place: Place, history: list[str]) -> None:
    json_write(place.history, history)


def before_take(place: Place, paths: list[str], units: dict[str, Any]) -> None:
    """Keep what stands at paths that no release has managed so far, and how their units are."""
    folder = place.releases / BEFORE
    kept = snapshot_load(folder)
    kept.update((record.path, record) for record in snapshot_take(place, paths, folder))
    snapshot_save(folder, kept.values())
    json_write(folder / "units.json", {**before_units(place), **units})


def before_items(place: Place) -> dict[str, Item]:
    """What stood before Gatepost at each path, ready to be put back."""
    folder = place.releases / BEFORE
    return {path: snapshot_item(folder, record) for path, record in snapshot_load(folder).items()}


def before_units(place: Place) -> dict[str, Any]:
    return dict(json_read(place.releases / BEFORE / "units.json") or {})


def content_index(place: Place) -> dict[str, Path]:
    """Where the kept releases hold content, by its hash: what is here need not travel."""
    index: dict[str, Path] = {}
    for release in _kept(place):
        for file in release.files:
            index.setdefault(file.sha256, release.content(file.path))
    return index


def built_index(place: Place) -> dict[str, tuple[File, Path]]:
    """Built maps by the hash of their source: the same source need not be built again."""
    index: dict[str, tuple[File, Path]] = {}
    for release in _kept(place):
        made = {file.path: file for file in release.made}
        for source in release.manifest.files:
            if source.build and f"{source.path}.{source.build}" in made:
                file = made[f"{source.path}.{source.build}"]
                index.setdefault(source.sha256, (file, release.content(file.path)))
    return index


def store_prune(place: Place) -> None:
    """Keep the last few releases and the active one; everything else goes."""
    keep = [*dict.fromkeys(reversed(history_read(place)))][:KEEP]
    for folder in _release_folders(place):
        if folder.name not in keep and folder.name != current_id(place):
            shutil.rmtree(folder)
    history_write(place, [name for name in history_read(place) if name in keep])


def _kept(place: Place) -> Iterator[Release]:
    """The kept releases that can still be read; a damaged one is no reason to stop, its content is just not used."""
    for folder in _release_folders(place):
        with suppress(ManifestError, ValueError):
            release = release_load(folder)
            if release is not None:
                yield release


def _release_folders(place: Place) -> list[Path]:
    if not place.releases.is_dir():
        return []
    return [folder for folder in sorted(place.releases.iterdir()) if folder.name != BEFORE and folder.is_dir()]

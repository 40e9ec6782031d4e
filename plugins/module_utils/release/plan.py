"""The plan of a change: what is put where, and what the services are told. Pure but for looking.

For    activation; the same plan serves a new release, a roll-back, and the way back to before Gatepost.
In     the release to go to (None: before Gatepost), the active one, what stood before.
Out    Items in the order in which they are put, and for each unit whether it reloads or restarts.
Fails  with ManifestError where an account is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from .accounts import gid_of, uid_of
from .manifest import CHANGES, Directory, File
from .place import Place
from .records import Item, Record, record_look
from .store import Release
from .systemd import UnitState


def plan_items(place: Place, to: Release | None, old: Release | None, before: Mapping[str, Item]) -> list[Item]:
    """What must be put so that the server is wholly on the release: only what differs from what stands there.

    A path that the old release managed and the new one does not goes back to what stood there before Gatepost,
    mostly nothing.
    """
    wanted = [*_release_items(to)] if to else []
    kept = to.paths if to else frozenset()
    wanted += _leavings((old.paths if old else frozenset()) - kept, kept, before)
    changed = {item.record.path for item in wanted if record_look(place, item.record.path) != item.record}
    # A map that is older than its source is complained of, even where both say the same: it is put again with it.
    changed |= {f"{file.path}.{file.build}" for file in (to.files if to else ()) if file.build and file.path in changed}
    differing = [item for item in wanted if item.record.path in changed]
    return _parents(place, differing) + differing


def plan_touch(items: Iterable[Item], to: Release | None, old: Release | None) -> dict[str, str]:
    """Each unit's reload or restart; a restart wins over a reload."""
    rules = {**_rules(old), **_rules(to)}
    touch: dict[str, str] = {}
    for item in items:
        unit, change = rules.get(item.record.path, ("", "none"))
        if unit and CHANGES.index(change) > CHANGES.index(touch.get(unit, "none")):
            touch[unit] = change
    return touch


def plan_heard(place: Place, items: Iterable[Item], old: Release | None) -> list[Item]:
    """The items that a daemon must hear of. Comments name lines of the policy, and one line more in it moves them all:
    a file of the active release in which nothing else changes is put, and nobody is told."""
    released = {file.path: file.sha256 for file in old.files} if old else {}
    return [item for item in items if not _comments_alone(place, item, released.get(item.record.path))]


def _comments_alone(place: Place, item: Item, released: str | None) -> bool:
    now = record_look(place, item.record.path)
    # What was changed by hand may have been read by the daemon, or not.
    if item.source is None or released is None or replace(now, sha256=item.record.sha256) != item.record:
        return False
    if now.sha256 != released:
        return False
    return _said(place.live(item.record.path).read_bytes()) == _said(item.source.read_bytes())


def _said(content: bytes) -> list[bytes]:
    """The lines without comments, which begin with # in every file that a service reads."""
    return [line for line in content.split(b"\n") if not line.lstrip().startswith(b"#")]


def plan_wishes(to: Release | None, old: Release | None, before: Mapping[str, UnitState]) -> dict[str, UnitState]:
    """How each unit shall be: those of the release run, those that only the old one had go back to what they were."""
    left = [unit for unit in (old.manifest.units if old else ()) if not to or unit not in to.manifest.units]
    wishes = {unit: before.get(unit, UnitState(False, False)) for unit in left}
    return {**wishes, **{unit: UnitState(True, True) for unit in (to.manifest.units if to else ())}}


def _release_items(release: Release) -> list[Item]:
    folders = [_directory_item(directory) for directory in release.manifest.directories]
    folders.sort(key=lambda item: item.record.path)
    return folders + [_file_item(release, file) for file in release.files]


def _directory_item(directory: Directory) -> Item:
    return Item(Record(directory.path, "directory", uid_of(directory.owner), gid_of(directory.group), directory.mode))


def _file_item(release: Release, file: File) -> Item:
    record = Record(file.path, "file", uid_of(file.owner), gid_of(file.group), file.mode, file.sha256)
    return Item(record, release.content(file.path))


def _leavings(gone: frozenset[str], kept: frozenset[str], before: Mapping[str, Item]) -> list[Item]:
    """What stood there before is put back; then what is to be absent goes, the deepest first.

    Folders that were made on the way go too; putting "absent" spares a folder that is not empty.
    """
    on_the_way = {folder for path in gone for folder in folders_above(path) if folder in before} - kept
    items = [before.get(path, Item(Record(path, "absent"))) for path in sorted(gone | on_the_way)]
    put_back = [item for item in items if item.record.kind != "absent"]
    return put_back + [item for item in reversed(items) if item.record.kind == "absent"]


def folders_above(path: str) -> list[str]:
    """The folders on the way to a path, without the root."""
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def _parents(place: Place, items: list[Item]) -> list[Item]:
    """Folders that must be made on the way, named so that the undo takes them away again."""
    named = {item.record.path for item in items}
    missing: set[str] = set()
    for item in items:
        if item.record.kind != "absent":
            above = folders_above(item.record.path)
            missing.update(folder for folder in above if folder not in named and not place.live(folder).exists())
    return [Item(Record(path, "directory", os.geteuid(), os.getegid(), 0o755)) for path in sorted(missing)]


def _rules(release: Release | None) -> dict[str, tuple[str, str]]:
    if release is None:
        return {}
    units = {service.name: service.unit for service in release.manifest.services}
    return {file.path: (units[file.service], file.change) for file in release.files if file.service}

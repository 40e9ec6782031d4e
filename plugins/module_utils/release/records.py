"""What stands at a path, and putting it there.

For    the activation, the journal's undo folder, and the release "before-gatepost": all three are snapshots.
In     live paths.
Out    Records, snapshots of them in a folder, and files put at their real places by an atomic rename.
Fails  with OSError when the disk does; with ReleaseError where a folder stands in a file's place.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import ReleaseError
from .place import Place, beside, folder_sync, json_read, json_write

BLOCK = 1 << 20


@dataclass(frozen=True)
class Record:
    """One path: a file, a folder, a symbolic link, or nothing at all ("absent")."""

    path: str
    kind: str
    uid: int = 0
    gid: int = 0
    mode: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True)
class Item:
    """A record that is to stand at its path, and where its content lies."""

    record: Record
    source: Path | None = None


def record_look(place: Place, path: str) -> Record:
    """What stands at a path now."""
    live = place.live(path)
    try:
        seen = live.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Record(path, "absent")
    mode = stat.S_IMODE(seen.st_mode)
    if stat.S_ISLNK(seen.st_mode):
        return Record(path, "link", seen.st_uid, seen.st_gid, target=str(live.readlink()))
    if stat.S_ISDIR(seen.st_mode):
        return Record(path, "directory", seen.st_uid, seen.st_gid, mode)
    if stat.S_ISREG(seen.st_mode):
        return Record(path, "file", seen.st_uid, seen.st_gid, mode, sha256_of(live))
    raise ReleaseError(f"{path} is neither a file nor a folder; a release does not replace it")


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def content_copy(source: BinaryIO, target: BinaryIO) -> str:
    """Copy a stream, and say what was copied by its hash."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def record_put(place: Place, item: Item) -> None:
    """Make a record stand at its path. Done twice it changes nothing, so a cut-short run can be done again."""
    record, live = item.record, place.live(item.record.path)
    beside(live).unlink(missing_ok=True)
    if record.kind == "absent":
        _remove(live)
    elif record.kind == "directory":
        live.mkdir(parents=True, exist_ok=True)
        _own(live, record)
    elif live.is_dir() and not live.is_symlink():
        raise ReleaseError(f"{record.path} is a folder, a file is to stand there; move the folder away")
    else:
        live.parent.mkdir(parents=True, exist_ok=True)
        _write_beside(live, item)
        beside(live).replace(live)
        folder_sync(live.parent)


def snapshot_take(place: Place, paths: Iterable[str], folder: Path) -> list[Record]:
    """Copy what stands at the paths into a folder of our own, durable, so that it can be put back."""
    records = [record_look(place, path) for path in paths]
    for record in records:
        if record.kind == "file":
            _keep(place.live(record.path), snapshot_content(folder, record.path))
    return records


def snapshot_save(folder: Path, records: Iterable[Record]) -> None:
    json_write(folder / "records.json", [asdict(record) for record in records])


def snapshot_load(folder: Path) -> dict[str, Record]:
    return {raw["path"]: Record(**raw) for raw in json_read(folder / "records.json") or []}


def snapshot_item(folder: Path, record: Record) -> Item:
    return Item(record, snapshot_content(folder, record.path) if record.kind == "file" else None)


def snapshot_content(folder: Path, path: str) -> Path:
    return folder / "files" / path.lstrip("/")


def _keep(live: Path, kept: Path) -> None:
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with live.open("rb") as source, kept.open("wb") as target:
        os.fchmod(target.fileno(), 0o600)
        content_copy(source, target)
        target.flush()
        os.fsync(target.fileno())
    folder_sync(kept.parent)


def _write_beside(live: Path, item: Item) -> None:
    record, temporary = item.record, beside(live)
    if record.kind == "link":
        temporary.symlink_to(record.target)
        os.chown(temporary, record.uid, record.gid, follow_symlinks=False)
        return
    if item.source is None:
        raise ReleaseError(f"there is no content for {record.path}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target, item.source.open("rb") as source:
        copied = content_copy(source, target)
        # A disk that lost a block, or a hand in our folder, must not reach a daemon.
        if copied != record.sha256:
            raise ReleaseError(f"{item.source} is not what was staged for {record.path}; run again to stage it anew")
        os.fchown(target.fileno(), record.uid, record.gid)
        os.fchmod(target.fileno(), record.mode)
        target.flush()
        os.fsync(target.fileno())


def _remove(live: Path) -> None:
    """Take away what we put there. A folder goes only when it is empty: a spool with mail in it stays."""
    if not live.is_dir() or live.is_symlink():
        live.unlink(missing_ok=True)
        return
    if not any(live.iterdir()):
        live.rmdir()


def _own(live: Path, record: Record) -> None:
    os.chown(live, record.uid, record.gid)
    live.chmod(record.mode)

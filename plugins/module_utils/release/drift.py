"""Whether the server still is what was released: the cheap question, asked on every run.

For    the compare state, and the refusal to overwrite what somebody changed by hand.
In     the active release and the live files.
Out    a Drift for each path that differs, with its reasons (missing, content, mode, owner).
Fails  never: what cannot be read has drifted.

Content is hashed only when the file's inode, size or times differ from the seal that the activation left: a write
changes ctime, and nobody can set ctime back. A server with a million recipients answers as fast as an empty one.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from .accounts import gid_of, uid_of
from .errors import ManifestError
from .manifest import Directory, File
from .place import Place, json_read, json_write
from .records import sha256_of
from .store import Release

Seal = list[int]


@dataclass(frozen=True)
class Drift:
    path: str
    why: tuple[str, ...]


def drift_find(place: Place, release: Release) -> list[Drift]:
    seals: dict[str, Seal] = json_read(release.folder / "seal.json") or {}
    found = [Drift(file.path, file_differs(place, file, seals.get(file.path))) for file in release.files]
    found += [Drift(directory.path, _directory_differs(place, directory)) for directory in release.manifest.directories]
    return [drift for drift in found if drift.why]


def file_differs(place: Place, file: File, seal: Seal | None = None) -> tuple[str, ...]:
    """How the live file differs from the released one."""
    live = place.live(file.path)
    try:
        seen = live.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ("missing",)
    if not stat.S_ISREG(seen.st_mode):
        return ("kind",)
    why = ["content"] if seal != seal_of(seen) and not _same_content(place, file, seen) else []
    return (*why, *_access_differs(seen, file))


def drift_seal(place: Place, release: Release) -> None:
    """Remember how the files look just after activation."""
    seals = {file.path: seal_of(place.live(file.path).lstat()) for file in release.files}
    json_write(release.folder / "seal.json", seals)


def seal_of(seen: os.stat_result) -> Seal:
    return [seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]


def _same_content(place: Place, file: File, seen: os.stat_result) -> bool:
    if seen.st_size != file.size:
        return False
    try:
        return sha256_of(place.live(file.path)) == file.sha256
    except OSError:
        return False


def _directory_differs(place: Place, directory: Directory) -> tuple[str, ...]:
    try:
        seen = place.live(directory.path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ("missing",)
    return _access_differs(seen, directory) if stat.S_ISDIR(seen.st_mode) else ("kind",)


def _access_differs(seen: os.stat_result, wanted: File | Directory) -> tuple[str, ...]:
    why = ["mode"] if stat.S_IMODE(seen.st_mode) != wanted.mode else []
    try:
        same_owner = (seen.st_uid, seen.st_gid) == (uid_of(wanted.owner), gid_of(wanted.group))
    except ManifestError:
        same_owner = False
    return (*why, *([] if same_owner else ["owner"]))

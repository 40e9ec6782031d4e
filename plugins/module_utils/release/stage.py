"""Staging: the new release laid out in a folder of its own, whole, before anything is touched.

For    the checks, which read the staged tree, and the activation, which copies from it.
In     a manifest and a tar.gz with the files that the server does not hold yet.
Out    /var/lib/gatepost/releases/<id>, complete and durable, maps built; until then the folder ends in ".staging".
Fails  with ManifestError where a file is missing or not what the manifest says, CheckError where a map
       cannot be built. The folder is then taken away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .accounts import gid_of, uid_of
from .commands import command_run
from .errors import CheckError, ManifestError
from .manifest import File, Manifest, manifest_parse
from .place import Place, folder_sync, json_write
from .records import content_copy, sha256_of
from .secrets import secrets_fill
from .store import Filled, Release, built_index, content_index, release_load, release_place, release_whole


@dataclass(frozen=True)
class Secrets:
    """The secrets by name, and for each file that needs some a fingerprint of them."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def stage_release(place: Place, raw: dict[str, Any], archive: Path | None, secrets: Secrets) -> Release:
    """Lay out a release; one that is still kept whole is taken as it is."""
    manifest = manifest_parse(raw)
    folder = release_place(place, manifest.release, secrets.fingerprints)
    kept = release_load(folder)
    if kept is not None and release_whole(kept):
        return kept
    staging = folder.with_name(f"{folder.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "files").mkdir(parents=True)
    try:
        _fill(place, manifest, staging, archive)
        filled = _fill_in(manifest, staging, secrets)
        made = [_build(place, file, staging) for file in manifest.files if file.build]
        _dress(place, manifest, made, staging)
        json_write(staging / "made.json", [asdict(file) for file in made])
        if filled:
            json_write(staging / "filled.json", {path: asdict(entry) for path, entry in filled.items()})
        json_write(staging / "manifest.json", raw)
        _swap(staging, folder)
    except BaseException:
        # Whatever ends this, half a release must not stay; the next run would not know it from a whole one.
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return Release(manifest, tuple(made), folder, filled)


def stage_needed(place: Place, hashes: dict[str, str]) -> list[str]:
    """Of the wanted paths (with their hashes) those whose content has to travel."""
    held = content_index(place)
    return sorted(path for path, sha256 in hashes.items() if not _holds(held.get(sha256), sha256))


def _holds(content: Path | None, sha256: str) -> bool:
    return content is not None and content.is_file() and sha256_of(content) == sha256


def _fill(place: Place, manifest: Manifest, staging: Path, archive: Path | None) -> None:
    travelled = _unpack(manifest, staging, archive) if archive else set()
    held = content_index(place)
    for file in manifest.files:
        if file.path in travelled:
            continue
        source = held.get(file.sha256)
        if source is None or not source.is_file():
            raise ManifestError(f"the bundle brings no content for {file.path}")
        with source.open("rb") as content:
            _write(staging, file, content)


def _unpack(manifest: Manifest, staging: Path, archive: Path) -> set[str]:
    """Only what the manifest names is unpacked: an archive cannot place anything by itself."""
    wanted = {file.path: file for file in manifest.files}
    travelled: set[str] = set()
    with tarfile.open(archive, "r:gz") as bundle:
        for member in bundle:
            file = wanted.get(f"/{member.name}")
            content = bundle.extractfile(member) if file and member.isfile() else None
            if file is None or content is None:
                raise ManifestError(f"the bundle brings {member.name!r}, which its manifest does not name")
            _write(staging, file, content)
            travelled.add(file.path)
    return travelled


def _write(staging: Path, file: File, content: Any) -> None:
    target = _staged(staging, file.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as handle:
        copied = content_copy(content, handle)
        # Root's alone until the maps are built: postmap takes on the owner of its source, who could not write here.
        os.fchmod(handle.fileno(), 0o600)
        handle.flush()
        os.fsync(handle.fileno())
    if copied != file.sha256:
        raise ManifestError(f"the content of {file.path} is not what the manifest says; render the bundle anew")


def _fill_in(manifest: Manifest, staging: Path, secrets: Secrets) -> dict[str, Filled]:
    return {
        file.path: secrets_fill(
            _staged(staging, file.path), file, secrets.values, secrets.fingerprints.get(file.path, "")
        )
        for file in manifest.files
        if file.secrets
    }


def _build(place: Place, file: File, staging: Path) -> File:
    """Build a map beside its staged source, or take the one that an earlier release built from the same source."""
    path = f"{file.path}.{file.build}"
    built = _staged(staging, path)
    earlier = built_index(place).get(file.sha256)
    if earlier is not None and _holds(earlier[1], earlier[0].sha256):
        shutil.copyfile(earlier[1], built)
    else:
        _postmap(file, staging)
    with built.open("rb") as handle:
        os.fsync(handle.fileno())
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return replace(file, path=path, sha256=digest, size=built.stat().st_size, build=None)


def _dress(place: Place, manifest: Manifest, made: list[File], staging: Path) -> None:
    """Give the staged tree the owners and modes of the live one: no more open than that, and no less.

    Daemons check their files under their own account (amavisd gives up root before it reads its configuration), so
    the way to the tree is open to all, while nothing on it can be listed.
    """
    for folder in (place.state, place.releases, staging):
        folder.chmod(0o711)
    listed = {directory.path: directory for directory in manifest.directories}
    for folder in [*sorted((staging / "files").rglob("*/")), staging / "files"]:
        path = f"/{folder.relative_to(staging / 'files')}"
        live = place.live(path)
        if path in listed:
            directory = listed[path]
            _own(folder, uid_of(directory.owner), gid_of(directory.group), directory.mode)
        elif live.is_dir():
            seen = live.stat()
            _own(folder, seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode))
        else:
            _own(folder, os.geteuid(), os.getegid(), 0o755)
    for file in (*manifest.files, *made):
        _own(_staged(staging, file.path), uid_of(file.owner), gid_of(file.group), file.mode)


def _own(path: Path, uid: int, gid: int, mode: int) -> None:
    os.chown(path, uid, gid)
    path.chmod(mode)


def _postmap(file: File, staging: Path) -> None:
    # A fresh server has no /etc/postfix/main.cf, without which postmap does not start: the staged one serves.
    config = _staged(staging, "/etc/postfix")
    choice = ["-c", str(config)] if (config / "main.cf").is_file() else []
    argv = ["postmap", *choice, f"{file.build}:{_staged(staging, file.path)}"]
    answer = command_run(argv, seconds=600)
    if answer.code:
        raise CheckError(
            f"the map {file.path} cannot be built; the server is untouched\n{' '.join(argv)}\n{answer.words}"
        )


def _staged(staging: Path, path: str) -> Path:
    return staging / "files" / path.lstrip("/")


def _swap(staging: Path, folder: Path) -> None:
    """Give the staged folder its name; a damaged one of that name makes room."""
    damaged = folder.with_name(f"{folder.name}.damaged")
    shutil.rmtree(damaged, ignore_errors=True)
    if folder.exists():
        folder.rename(damaged)
    staging.rename(folder)
    folder_sync(folder.parent)
    shutil.rmtree(damaged, ignore_errors=True)

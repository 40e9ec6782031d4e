"""The manifest of a bundle, as typed values.

For    everything else here: nobody but this module looks into the JSON.
In     the decoded manifest.json of a bundle.
Out    a Manifest, or its canonical form for the release id.
Fails  with ManifestError, which names the key that is wrong.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ManifestError

VERSION = 1
CHANGES = ("none", "reload", "restart")
OWN_FOLDERS = ("/var/lib/gatepost", "/usr/local/lib/gatepost/recover")


@dataclass(frozen=True)
class File:
    path: str
    sha256: str
    size: int
    owner: str
    group: str
    mode: int
    service: str | None
    change: str
    build: str | None
    # The name of each secret in it, and the word that stands in its place.
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Directory:
    path: str
    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class Service:
    name: str
    unit: str


@dataclass(frozen=True)
class Check:
    name: str
    kind: str
    argv: tuple[str, ...]
    ok: tuple[int, ...]
    stderr_fails: bool
    config: str


@dataclass(frozen=True)
class Proof:
    name: str
    tcp: tuple[str, int] | None
    unix: str | None
    talk: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True)
class Manifest:
    release: str
    host: str
    debian: int
    policy: str
    directories: tuple[Directory, ...]
    services: tuple[Service, ...]
    files: tuple[File, ...]
    checks: tuple[Check, ...]
    proof: tuple[Proof, ...]

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(service.unit for service in self.services)


def release_id(raw: Mapping[str, Any]) -> str:
    """The id that a manifest with this content must carry."""
    content = {key: value for key, value in raw.items() if key != "release"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def manifest_parse(raw: Mapping[str, Any]) -> Manifest:
    """Read a manifest; the id ties it to what was rendered, so a damaged one is refused."""
    if raw.get("manifest") != VERSION:
        raise ManifestError(f"this release module reads manifests of version {VERSION}, not {raw.get('manifest')!r}")
    if raw.get("release") != release_id(raw):
        raise ManifestError(
            f"the manifest's release id is {raw.get('release')!r}, its content says {release_id(raw)!r}"
        )
    manifest = Manifest(
        release=_text(raw, "release"),
        host=_text(raw, "host"),
        debian=_number(raw, "debian"),
        policy=_text(raw, "policy"),
        directories=tuple(_directory(entry) for entry in _entries(raw, "directories")),
        services=tuple(Service(_text(entry, "name"), _text(entry, "unit")) for entry in _entries(raw, "services")),
        files=tuple(_file(entry) for entry in _entries(raw, "files")),
        checks=tuple(_check(entry) for entry in _entries(raw, "checks")),
        proof=tuple(_proof(entry) for entry in _entries(raw, "proof")),
    )
    _consistent(manifest)
    return manifest


def path_safe(path: str) -> str:
    """An absolute, plain path outside our own folders, or ManifestError."""
    plain = path.startswith("/") and path == posixpath.normpath(path) and not path.startswith("//") and path != "/"
    if not plain or any(path == own or path.startswith(f"{own}/") for own in OWN_FOLDERS):
        raise ManifestError(f"the manifest names the path {path!r}, where no release may write")
    return path


def _consistent(manifest: Manifest) -> None:
    names = {service.name for service in manifest.services}
    unknown = sorted({file.service for file in manifest.files if file.service} - names)
    if unknown:
        raise ManifestError(f"files name services that the manifest does not list: {', '.join(unknown)}")
    paths = [*(file.path for file in manifest.files), *(directory.path for directory in manifest.directories)]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ManifestError(f"the manifest names a path twice: {', '.join(twice)}")


def _file(entry: Mapping[str, Any]) -> File:
    change = _text(entry, "change")
    if change not in CHANGES:
        raise ManifestError(f"change must be one of {', '.join(CHANGES)}, not {change!r}")
    build = entry.get("build")
    if build not in (None, "lmdb"):
        raise ManifestError(f"build must be lmdb or null, not {build!r}")
    service = entry.get("service")
    return File(
        path=path_safe(_text(entry, "path")),
        sha256=_text(entry, "sha256"),
        size=_number(entry, "size"),
        owner=_text(entry, "owner"),
        group=_text(entry, "group"),
        mode=_mode(entry),
        service=None if service is None else str(service),
        change=change,
        build=build,
        secrets=_secrets(entry),
    )


def _secrets(entry: Mapping[str, Any]) -> dict[str, str]:
    secrets = entry.get("secrets", {})
    texts = isinstance(secrets, Mapping) and all(isinstance(word, str) and word for word in secrets.values())
    if not texts or (secrets and int(str(entry["mode"]), 8) & 0o007):
        raise ManifestError(f"the secrets of {entry.get('path')!r} are none, or everyone might read them")
    if secrets and entry.get("build"):
        raise ManifestError(f"{entry.get('path')!r} is built into a map, which would hold its secrets, too")
    return dict(secrets)


def _directory(entry: Mapping[str, Any]) -> Directory:
    return Directory(path_safe(_text(entry, "path")), _text(entry, "owner"), _text(entry, "group"), _mode(entry))


def _check(entry: Mapping[str, Any]) -> Check:
    kind = _text(entry, "kind")
    if kind not in ("command", "clamd"):
        raise ManifestError(f"a check's kind must be command or clamd, not {kind!r}")
    return Check(
        name=_text(entry, "name"),
        kind=kind,
        argv=tuple(str(word) for word in entry.get("argv", ())),
        ok=tuple(int(code) for code in entry.get("ok", (0,))),
        stderr_fails=bool(entry.get("stderr_fails", False)),
        config=str(entry.get("config", "")),
    )


def _proof(entry: Mapping[str, Any]) -> Proof:
    tcp, unix = entry.get("tcp"), entry.get("unix")
    if (tcp is None) == (unix is None):
        raise ManifestError(f"the proof {entry.get('name')!r} needs either tcp or unix")
    return Proof(
        name=_text(entry, "name"),
        tcp=None if tcp is None else (str(tcp[0]), int(tcp[1])),
        unix=None if unix is None else str(unix),
        talk=tuple((None if said is None else str(said), str(wanted)) for said, wanted in entry.get("talk", ())),
    )


def _entries(raw: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    entries = raw.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ManifestError(f"the manifest's {key!r} must be a list of mappings")
    return iter(entries)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ManifestError(f"the manifest's {key!r} must be a text, not {value!r}")
    return value


def _number(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ManifestError(f"the manifest's {key!r} must be a whole number, not {value!r}")
    return value


def _mode(entry: Mapping[str, Any]) -> int:
    try:
        return int(_text(entry, "mode"), 8)
    except ValueError as error:
        raise ManifestError(f"the manifest's mode {entry.get('mode')!r} is not octal") from error

"""A bundle: all files for one host, with the manifest that says what to do with them.

In: what render made. Out: plain data, bytes, and (in `write` alone) a folder on the control node:
`OUT/<host>/manifest.json` and `OUT/<host>/files/<absolute path on the server>`.
The release module on the server knows no daemon: it does what the manifest says.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Change = Literal["reload", "restart", "none"]
Need = Literal["certificate", "observer", "dovecot"]


@dataclass(frozen=True)
class Service:
    """A systemd unit of the server. Services start in the order in which a bundle lists them."""

    name: str
    unit: str


@dataclass(frozen=True)
class Directory:
    """A folder that must exist before the services start."""

    path: str
    owner: str = "root"
    group: str = "root"
    mode: str = "0755"


@dataclass(frozen=True)
class ConfigFile:
    """One file, and what must happen to which service when it changes.

    `build` names a lookup table that `postmap` makes of it, on the server, beside it.
    `secrets`: each secret's name and what stands for it in the content. No bundle holds a secret: the release fills it
    in, on the server.
    """

    path: str
    content: bytes = field(repr=False)
    service: str | None = None
    change: Change = "none"
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"
    build: Literal["lmdb"] | None = None
    secrets: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Check:
    """A daemon's own check of the staged tree. `{root}` is that tree, `{tmp}` a private folder.

    kind `command`: `argv` must end with a code in `ok`, and in silence on stderr where `stderr_fails`.
    kind `clamd`: clamd has no check of its own, so the file `config` is tried on a private socket.
    """

    name: str
    kind: Literal["command", "clamd"] = "command"
    argv: tuple[str, ...] = ()
    ok: tuple[int, ...] = (0,)
    stderr_fails: bool = False
    config: str | None = None


@dataclass(frozen=True)
class Proof:
    """A short conversation that must go well after activation: what is said, and how each reply must begin."""

    name: str
    talk: tuple[tuple[str | None, str], ...]
    tcp: tuple[str, int] | None = None
    unix: str | None = None


@dataclass(frozen=True)
class Part:
    """What one daemon brings to a bundle."""

    files: tuple[ConfigFile, ...] = ()
    directories: tuple[Directory, ...] = ()
    services: tuple[Service, ...] = ()
    checks: tuple[Check, ...] = ()
    proof: tuple[Proof, ...] = ()
    # What the playbook brings to the server beside the bundle: a certificate, the observer, Dovecot with passwords.
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """All that one host gets, as data."""

    host: str
    debian: int
    policy: str
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[ConfigFile, ...]:
        """Every file, by path."""
        return tuple(sorted((f for part in self.parts for f in part.files), key=lambda f: f.path))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest as plain data; `release` is a hash over all the rest of it."""
        rest: dict[str, Any] = {
            "manifest": 1,
            "host": self.host,
            "debian": self.debian,
            "policy": self.policy,
            "directories": [vars(d) for part in self.parts for d in part.directories],
            "services": [vars(s) for part in self.parts for s in part.services],
            "files": [_listed(file) for file in self.files],
            "checks": [_without_empty(vars(c)) for part in self.parts for c in part.checks],
            "proof": [_without_empty(vars(p)) for part in self.parts for p in part.proof],
            "needs": sorted({need for part in self.parts for need in part.needs}),
        }
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
        return {**rest, "release": hashlib.sha256(canonical).hexdigest()[:16]}


def _listed(file: ConfigFile) -> dict[str, Any]:
    described = {key: value for key, value in vars(file).items() if key != "content"}
    if not file.secrets:
        del described["secrets"]
    return {**described, "sha256": hashlib.sha256(file.content).hexdigest(), "size": len(file.content)}


def _without_empty(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value not in (None, ())}


def as_text(manifest: dict[str, Any]) -> str:
    """The manifest as JSON that people can read and git can compare: a line for each entry of its lists."""
    lines = (f"{json.dumps(key)}: {_entries(value)}" for key, value in sorted(manifest.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entries(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    return "[\n " + ",\n ".join(json.dumps(entry, sort_keys=True) for entry in value) + "\n]"


def write(bundles: Iterable[Bundle], out: Path) -> None:
    """Write bundles below `out`, each whole: what an earlier run left of the same host is replaced.

    Raises OSError when the disk refuses, FileExistsError when something else lies there: it is never replaced.
    """
    for bundle in bundles:
        _write_one(bundle, out)


def _write_one(bundle: Bundle, out: Path) -> None:
    folder, fresh, old = out / bundle.host, out / f".{bundle.host}.new", out / f".{bundle.host}.old"
    text = as_text(bundle.manifest)
    if _is_there(bundle, folder, text):
        return
    _must_be_ours(folder)
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    try:
        _fill(fresh, bundle, text)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _must_be_ours(folder: Path) -> None:
    """What is replaced is a bundle or nothing: somebody may have named a folder with something else in it."""
    bundle = folder.is_dir() and not folder.is_symlink() and (folder / "manifest.json").exists()
    if folder.is_symlink() or (folder.exists() and not bundle):
        raise FileExistsError(errno.EEXIST, "it is no bundle of an earlier run", str(folder))


def _fill(fresh: Path, bundle: Bundle, text: str) -> None:
    for parent in sorted({_target(fresh, file).parent for file in bundle.files}):
        parent.mkdir(parents=True, exist_ok=True)
    for file in bundle.files:
        _target(fresh, file).write_bytes(file.content)
    (fresh / "manifest.json").write_text(text, encoding="utf-8")


def _target(folder: Path, file: ConfigFile) -> Path:
    return folder / "files" / file.path.lstrip("/")


def _is_there(bundle: Bundle, folder: Path, text: str) -> bool:
    """Whether an earlier run wrote this very bundle. Contents are hashed again before a server takes them."""
    try:
        if (folder / "manifest.json").read_text(encoding="utf-8") != text:
            return False
        return all(_target(folder, file).stat().st_size == len(file.content) for file in bundle.files)
    except OSError:
        return False

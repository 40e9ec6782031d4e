"""Stand-ins for the tests of the release: bundles made by hand, a remembering systemd, and a look at a whole tree."""

from __future__ import annotations

import grp
import hashlib
import io
import os
import pwd
import stat
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from release.errors import ServiceError
from release.manifest import release_id
from release.place import Place
from release.systemd import UnitState

# Releases a bundle on the test's server.
DoRelease = Callable[..., dict[str, Any]]

OWNER = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name


@dataclass
class Bundle:
    """A bundle of files that all belong to one service, unless said otherwise."""

    files: dict[str, str]
    change: str = "reload"
    services: dict[str, str] = field(default_factory=lambda: {"gate": "gate.service"})
    extra: dict[str, Any] = field(default_factory=dict)
    # For a path its secrets: the name of each, and the word in its place.
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def raw(self) -> dict[str, Any]:
        first = next(iter(self.services))
        content = {
            "manifest": 1,
            "host": "gate12",
            "debian": 12,
            "policy": "policy.yml",
            "directories": [],
            "services": [{"name": name, "unit": unit} for name, unit in self.services.items()],
            "files": [self._file(path, text, first) for path, text in self.files.items()],
            "checks": [],
            "proof": [],
            **self.extra,
        }
        return {**content, "release": release_id(content)}

    def archive(self, folder: Path) -> Path:
        packed = folder / "bundle.tar.gz"
        with tarfile.open(packed, "w:gz") as archive:
            for path, text in self.files.items():
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        return packed

    def _file(self, path: str, text: str, service: str) -> dict[str, Any]:
        named = {"secrets": self.secrets[path]} if path in self.secrets else {}
        return {
            **named,
            "path": path,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "size": len(text.encode()),
            "owner": OWNER,
            "group": GROUP,
            "mode": "0640",
            "service": service,
            "change": self.change,
            "build": None,
        }


@dataclass
class RememberingSystemd:
    """Does what it is told at once, remembers it, and refuses what the test says."""

    units: dict[str, UnitState] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    def states(self, units: Iterable[str]) -> dict[str, UnitState]:
        return {unit: self.units.get(unit, UnitState(False, False, "inactive")) for unit in units}

    def daemon_reload(self) -> None:
        pass

    def tell(self, verb: str, unit: str) -> None:
        self.told.append(f"{verb} {unit}")
        if f"{verb} {unit}" in self.refuses:
            self.units[unit] = UnitState(False, self.states([unit])[unit].enabled, "failed")
            raise ServiceError(f"{verb} {unit}: the daemon's own words")
        state = self.states([unit])[unit]
        active = {"start": True, "restart": True, "reload": True, "stop": False}.get(verb, state.active)
        enabled = {"enable": True, "disable": False}.get(verb, state.enabled)
        self.units[unit] = UnitState(active, enabled, "active" if active else "inactive")


def tree(place: Place) -> dict[str, tuple[int, str]]:
    """Everything on the server but the release's own folders: each path with its mode and content."""
    own = {place.state, place.live("/usr"), place.live("/etc/systemd")}
    found: dict[str, tuple[int, str]] = {}
    for path in sorted(place.root.rglob("*")):
        if not any(path.is_relative_to(folder) for folder in own) and path != place.live("/var"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            found[f"/{path.relative_to(place.root)}"] = (mode, path.read_text() if path.is_file() else "")
    return {path: seen for path, seen in found.items() if path not in ("/var/lib",)}

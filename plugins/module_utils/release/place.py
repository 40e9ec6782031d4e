"""Where things lie on a server, and the one lock.

For    every module here; a test gives a temporary folder as root and needs no privileges.
In     the root: empty on a server.
Out    paths, durable small writes, and the lock that keeps two releases apart.
Fails  with BusyError when another release holds the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BusyError

# Every reader of drop-in folders on Debian (run-parts, logrotate, systemd, rsyslog's *.conf) passes over a name
# that ends so; a temporary file of ours can therefore lie beside the real one.
SUFFIX = ".gatepost.dpkg-new"


@dataclass(frozen=True)
class Place:
    root: Path = Path("/")

    def live(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @property
    def state(self) -> Path:
        return self.live("/var/lib/gatepost")

    @property
    def releases(self) -> Path:
        return self.state / "releases"

    @property
    def current(self) -> Path:
        return self.state / "current"

    @property
    def history(self) -> Path:
        return self.state / "history.json"

    @property
    def journal(self) -> Path:
        return self.state / "activating.json"

    @property
    def undo(self) -> Path:
        return self.state / "undo"


@contextmanager
def place_lock(place: Place, *, wait: bool = False) -> Iterator[None]:
    """Hold the server for one release; the kernel lets go when the process ends, however it ends."""
    place.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (place.state / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError("another release is at work on this server; wait for its end, then run again") from error
        yield


def beside(path: Path) -> Path:
    """The temporary name next to a path: the same folder, so that a rename is atomic."""
    return path.with_name(f".{path.name}{SUFFIX}")


def folder_sync(folder: Path) -> None:
    """Make the renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def json_write(path: Path, value: Any) -> None:
    """Write JSON so that after a power cut the file holds either its old content or this one, whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = beside(path)
    with temporary.open("w", encoding="utf-8") as handle:
        os.fchmod(handle.fileno(), 0o600)
        json.dump(value, handle, sort_keys=True)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
    folder_sync(path.parent)


def json_read(path: Path) -> Any | None:
    """The value in a JSON file, or None where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None

"""Writing so that a killed process or a power cut leaves either the old or the new: beside, fsync, rename, fsync.

In: paths and bytes. Fails with OSError, and then nothing has changed under the final name.
"""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have a file or a folder on the disk before going on."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder(path: Path) -> None:
    """Make a folder and what leads to it, each durable in the one above."""
    if path.is_dir():
        return
    folder(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def beside(path: Path) -> Path:
    """The name under which a file is written before it gets its own."""
    return path.with_name(path.name + ".part")


def put_in_place(path: Path) -> None:
    """Give the file that was written beside its name. The folder is synced by the caller, once for many files."""
    sync(beside(path))
    beside(path).replace(path)


def write(path: Path, content: bytes, mode: int = 0o640) -> None:
    """Write a whole file; who opens the path meanwhile reads the old one."""
    part = beside(path)
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as handle:
        handle.write(content)
    put_in_place(path)
    sync(path.parent)

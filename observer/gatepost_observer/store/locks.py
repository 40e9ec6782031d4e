"""Who may write: one collector, one compaction, and one of them at a time at the manifest.

In: the store's folder and the role. Out: a lock that ends with its process, however that ends. Fails with StoreError
when the role is taken, naming the process that has it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gatepost_observer.store.errors import StoreError

COLLECT: Final = "collect"
COMPACT: Final = "compact"
COMMIT: Final = "commit"


def name_of(role: str) -> str:
    """The lock's file in the store."""
    return f"{role}.lock"


def _opened(store: Path, role: str) -> int:
    return os.open(store / name_of(role), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)


@contextmanager
def held(store: Path, role: str) -> Iterator[None]:
    """Wait for the lock and hold it: for the moment of a commit."""
    handle = _opened(store, role)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(store: Path, role: str) -> Iterator[None]:
    """Hold the role for as long as one runs, or refuse at once."""
    handle = _opened(store, role)
    try:
        _take(handle, store, role)
        yield
    finally:
        os.close(handle)


def _take(handle: int, store: Path, role: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise StoreError(f"{store}: another `gatepost {role}` writes here (process {owner})") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)

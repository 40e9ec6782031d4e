"""The counts on disk, so that restarts, releases and crashes forget nothing that matters.

In: records of clients that changed. Out: a SQLite file in the state directory, written as whole transactions: after a
power cut it holds what stood there at some save, at worst a second or two old. It names no recipients, only numbers.
How it fails: StateError when the disk refuses, and the milter goes on with what is in memory; a damaged file is set
aside under another name, and counting begins anew.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatepost_mx.clock import Moment, shift
from gatepost_mx.counting import LockOut, Record, Seen

FILE = "lock-outs.sqlite"
_PAIR = struct.Struct("<qq")
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clients (client TEXT PRIMARY KEY, seen BLOB NOT NULL, began INTEGER, until INTEGER,
  times INTEGER, addresses INTEGER, within INTEGER, ended INTEGER) WITHOUT ROWID;
"""


class StateError(Exception):
    """The state cannot be read or written; the message says why."""


class Store:
    """The file, open. One milter writes it; anybody may look while none runs."""

    def __init__(self, path: Path, *, only_look: bool = False) -> None:
        """Raises sqlite3.Error."""
        self.path = path
        how = "mode=ro&immutable=1" if only_look else "mode=rwc"
        self._file = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, check_same_thread=False)
        if not only_look:
            # No journal that outlives a transaction: whoever looks would otherwise leave files that are not ours.
            self._file.execute("PRAGMA journal_mode = DELETE")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.executescript(_TABLES)
            with self._file:
                self._file.execute("INSERT OR IGNORE INTO about VALUES ('key', ?)", (secrets.token_bytes(32),))
        self.key: bytes = self._about("key", bytes) or b""

    def load(self, at: Moment) -> list[Record]:
        """All records, with their times on the scale of this moment. Raises StateError."""
        try:
            by = shift(self._written(at), at)
            return [_record(row, by) for row in self._file.execute("SELECT * FROM clients")]
        except (sqlite3.Error, struct.error, TypeError) as error:
            raise StateError(f"{self.path}: {error}") from error

    def _written(self, at: Moment) -> Moment:
        boot, steady, wall = self._about("boot", str), self._about("steady", int), self._about("wall", int)
        return at if boot is None or steady is None or wall is None else Moment(boot, steady, wall)

    def _about(self, name: str, kind: type) -> Any:
        row = self._file.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row and isinstance(row[0], kind) else None

    def save(self, records: Sequence[Record], at: Moment, *, anew: bool = False) -> None:
        """Write what changed (or `anew`, everything), all of it or nothing. Raises StateError."""
        gone = [(record.client,) for record in records if not (record.seen or record.lock_out)]
        kept = [_row(record) for record in records if record.seen or record.lock_out]
        about = (("boot", at.boot), ("steady", at.steady), ("wall", at.wall))
        try:
            with self._file:
                if anew:
                    self._file.execute("DELETE FROM clients")
                self._file.executemany("DELETE FROM clients WHERE client = ?", gone)
                self._file.executemany("REPLACE INTO clients VALUES (?,?,?,?,?,?,?,?)", kept)
                self._file.executemany("REPLACE INTO about VALUES (?,?)", about)
        except sqlite3.Error as error:
            raise StateError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def opened(folder: Path, at: Moment) -> tuple[Store, list[Record], str | None]:
    """Open or begin the file and read it. The text, if there is one, tells of a damaged file that was set aside.

    Raises StateError when the folder or the disk refuses.
    """
    path = folder / FILE
    try:
        return *_read(path, at), None
    except (sqlite3.DatabaseError, StateError) as error:
        if _is_refused(error):
            raise StateError(f"{path}: {error}") from error
        damage = error
    aside = _set_aside(path)
    try:
        return *_read(path, at), f"{path} is damaged ({damage}), it was set aside as {aside.name}"
    except sqlite3.Error as error:
        raise StateError(f"{path}: {error}") from error


def look(folder: Path, at: Moment) -> list[Record]:
    """What the file holds, while no milter runs. Raises StateError."""
    path = folder / FILE
    try:
        store = Store(path, only_look=True)
        with contextlib.closing(store):
            return store.load(at)
    except sqlite3.Error as error:
        raise StateError(f"{path}: {error}") from error


def _read(path: Path, at: Moment) -> tuple[Store, list[Record]]:
    store = Store(path)
    try:
        records = store.load(at)
        store.save(records, at, anew=True)
    except BaseException:
        store.close()
        raise
    return store, records


def _is_refused(error: Exception) -> bool:
    """Whether the disk or its permissions are at fault, not what stands in the file."""
    cause = error.__cause__ if isinstance(error, StateError) else error
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR


def _set_aside(path: Path) -> Path:
    """Out of the way, but not lost. Only the latest damaged file is kept, or they would fill the disk."""
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
        path.with_name(path.name + "-journal").unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    return aside


def _row(record: Record) -> tuple[Any, ...]:
    one = record.lock_out
    rest = (one.began, one.until, one.times, one.addresses, one.within, int(one.ended)) if one else (None,) * 6
    return record.client, b"".join(_PAIR.pack(*pair) for pair in record.seen.items()), *rest


def _record(row: tuple[Any, ...], by: int) -> Record:
    client, seen, began, until, times, addresses, within, ended = row
    lock_out = None
    if began is not None:
        lock_out = LockOut(client, began + by, until + by, times, addresses, within, bool(ended))
    return Record(client, _seen(seen, by), lock_out)


def _seen(packed: bytes, by: int) -> Seen:
    return {address: at + by for address, at in _PAIR.iter_unpack(packed)}

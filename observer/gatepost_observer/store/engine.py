"""Asking the store in SQL: one text for every database, over a view `events` with the columns of `events.COLUMNS`.

In: a store (or events), and queries with `:name` for values. The view has one column more, `quarter`,
to group by. Out: rows as dicts; times come back with their zone, UTC.
`opened(store)` is DuckDB, inside this process; `opened(store, "spark://host:port")` has a Spark master do the work.
Files outside of the span asked for are not looked at; the span itself stands in the query. Fails with StoreError: no
store, no such engine, Spark not installed or not reachable, no memory, a query that the database refuses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb

from gatepost_observer.events import COLUMNS, SCHEMA, Event
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.literal import Value, for_duckdb, quoted
from gatepost_observer.store.manifest import File
from gatepost_observer.store.reader import Store
from gatepost_observer.store.schema import SQL, table

DUCKDB: Final = "duckdb"
MEMORY: Final = "1GB"
SPILL: Final = "gatepost-spill-"  # what does not fit into memory; in a folder of the system, or of the store
QUARTER: Final = 900_000_000  # microseconds in a quarter of an hour: every zone's hours and days begin with one
Row = dict[str, Any]


class Engine(Protocol):
    """A database that has the events before it."""

    def rows(self, sql: str, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """What a query answers."""

    def close(self) -> None:
        """End it."""


def same_everywhere(value: Any) -> Any:
    """A value as every engine gives it: whole numbers are int, times are UTC with their zone."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


class DuckDB:
    """DuckDB in this process: no network, no extensions, no file outside of the store."""

    def __init__(self, store: Path | None, *, memory: str = MEMORY, spill: Path | None = None) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix=SPILL, dir=spill)
        self.connection = duckdb.connect()
        folders = [str(path) for path in (store and store.absolute(), Path(self._spill.name)) if path]
        settings: dict[str, str] = {
            "TimeZone": "'UTC'",
            "memory_limit": quoted(memory),
            "temp_directory": quoted(self._spill.name),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allowed_directories": f"[{', '.join(quoted(folder) for folder in folders)}]",
            "enable_external_access": "false",
            "preserve_insertion_order": "false",
            "parquet_metadata_cache": "true",  # several queries look at the same files; a file never changes
        }
        for name, value in settings.items():
            self.connection.execute(f"SET {name} = {value}")

    def rows(self, sql: str, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """What a query answers."""
        try:
            answer = self.connection.sql(for_duckdb(sql, parameters or {})).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError(f"the query failed: {error}") from error
        return [{name: same_everywhere(value) for name, value in row.items()} for row in answer.to_pylist()]

    def close(self) -> None:
        """End it, and remove what it put on the disk."""
        self.connection.close()
        self._spill.cleanup()

    def __enter__(self) -> DuckDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _absent(name: str) -> str:
    return f'CAST(NULL AS {SQL[COLUMNS[name]]}) AS "{name}"'


def _source(connection: duckdb.DuckDBPyConnection, paths: Sequence[str], *, whole: bool) -> str:
    """Files of one schema, as a SELECT with every column of today's."""
    files = f"FROM read_parquet([{', '.join(quoted(path) for path in paths)}], hive_partitioning = false)"
    if whole:
        return f"SELECT {', '.join(map(_name, COLUMNS))} {files}"
    held = {row[0] for row in connection.execute(f"DESCRIBE {files}").fetchall()}
    return f"SELECT {', '.join(_name(name) if name in held else _absent(name) for name in COLUMNS)} {files}"


def _name(column: str) -> str:
    return f'"{column}"'


def with_quarter(select: str) -> str:
    """The same, and in which quarter of an hour since 1970 it was: date_trunc would ask the time zones for each row."""
    return f'SELECT *, epoch_us("time") // {QUARTER} AS "quarter" FROM ({select})'  # noqa: S608 - a query of ours


def view_of(connection: duckdb.DuckDBPyConnection, store: Path, entries: Sequence[File], name: str = "events") -> None:
    """A view over these files; in files of an older schema a column that came later is NULL."""
    by_schema: dict[int, list[str]] = {}
    for entry in entries:
        by_schema.setdefault(entry.schema, []).append(str((store / entry.path).absolute()))
    try:
        parts = [_source(connection, paths, whole=schema == SCHEMA) for schema, paths in by_schema.items()]
        parts = parts or [f"SELECT {', '.join(map(_absent, COLUMNS))} WHERE FALSE"]
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {with_quarter(' UNION ALL '.join(parts))}")
    except duckdb.Error as error:
        raise StoreError(f"{store}: cannot be read: {error}") from error


@contextmanager
def opened(
    store: Store,
    engine: str = DUCKDB,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    hosts: Collection[str] | None = None,
    memory: str = MEMORY,
) -> Iterator[Engine]:
    """An engine with the view `events` over the store, until the block ends."""
    entries = store.entries(since, until, hosts)
    if engine == DUCKDB:
        with DuckDB(store.path, memory=memory) as duck:
            view_of(duck.connection, store.path, entries)
            yield duck
        return
    if not engine.startswith("spark://"):
        raise StoreError(f"{engine}: no such engine, expected duckdb or spark://host:port")
    from gatepost_observer.store.spark import connected

    with connected(engine, [str((store.path / entry.path).absolute()) for entry in entries]) as spark:
        yield spark


@contextmanager
def over(events: Sequence[Event]) -> Iterator[Engine]:
    """DuckDB over events that lie in no store."""
    with DuckDB(None) as duck:
        duck.connection.register("told", table(events))
        duck.connection.execute("CREATE TEMP VIEW events AS " + with_quarter("SELECT * FROM told"))  # noqa: S608
        yield duck

"""Asking the store in SQL on Apache Spark: the way out for whoever outgrows one machine.

In: the address of a master, and paths that its workers can read too (a shared file system). Out: the same rows as from
DuckDB for the same text. Fails with StoreError: pyspark is not installed, no Java, no master there, a refused query.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gatepost_observer.events import COLUMNS
from gatepost_observer.store.engine import QUARTER, Row, same_everywhere
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.literal import Value, for_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DDL: Final = {"text": "STRING", "whole": "BIGINT", "real": "DOUBLE", "time": "TIMESTAMP", "flag": "BOOLEAN"}
COLUMNS_DDL: Final = ", ".join(f"`{name}` {DDL[kind]}" for name, kind in COLUMNS.items())
QUARTERS: Final = f"CAST(floor(unix_micros(time) / {QUARTER}) AS BIGINT) AS quarter"
SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    "spark.log.level": "ERROR",
}
PATIENCE: Final = 10.0  # seconds to wait for the master's port


class Spark:
    """A session with a Spark master."""

    def __init__(self, session: SparkSession, paths: Sequence[str]) -> None:
        self._session = session
        reader = session.read.schema(COLUMNS_DDL)
        frame = reader.parquet(*paths) if paths else session.createDataFrame([], COLUMNS_DDL)
        frame.selectExpr("*", QUARTERS).createOrReplaceTempView("events")

    def rows(self, sql: str, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """What a query answers."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        text, values = for_spark(sql, parameters or {})
        try:
            found = self._session.sql(text, args=values).collect()
            return [{name: same_everywhere(value) for name, value in row.asDict().items()} for row in found]
        except (PySparkException, Py4JError) as error:
            raise StoreError(f"the query failed: {error}") from error

    def close(self) -> None:
        """End the session; the master stays."""
        self._session.stop()


def _reachable(master: str) -> None:
    host, _, port = master.removeprefix("spark://").split(",")[0].rpartition(":")
    if not host or not port.isdigit():
        raise StoreError(f"{master}: expected spark://host:port")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        raise StoreError(f"{master}: no Spark master answers there ({error})") from error


def _session(master: str, settings: Mapping[str, Any]) -> SparkSession:
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise StoreError("Spark is not installed here: pip install pyspark (and Java 17 or newer)") from None
    _reachable(master)
    os.environ["TZ"] = "UTC"  # pyspark turns times into the local zone of this process
    builder = SparkSession.builder.master(master).appName("gatepost")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise StoreError(f"{master}: no session with Spark ({error})") from error


@contextmanager
def connected(master: str, paths: Sequence[str], settings: Mapping[str, str] | None = None) -> Iterator[Spark]:
    """A session over these files, until the block ends."""
    session = _session(master, {**SETTINGS, **(settings or {})})
    try:
        yield Spark(session, paths)
    finally:
        session.stop()

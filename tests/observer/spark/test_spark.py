"""The same question has the same answer on DuckDB and on Spark, over the same files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import made_up
import pytest
from gatepost_observer import queries
from gatepost_observer.store import Store, StoreError, engine, locks
from gatepost_observer.store.compact import Rules, compact
from gatepost_observer.store.engine import Engine
from gatepost_observer.store.writer import opened

pytestmark = pytest.mark.spark

SCOPES = {
    "everything": queries.Scope(),
    "a part": queries.Scope(
        datetime(2026, 11, 24, 3, tzinfo=UTC),
        datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
        hosts=("gate12", "gate13", "../=x y", made_up.HOSTILE[0]),
        domains=("example.org", "a'b\\"),
        values={"top": 3, "quarters": 96, "own": ["example.org"]},
    ),
    "nobody": queries.Scope(hosts=("nobody",)),
}
OWN = [
    "SELECT kind, count(*) AS n, count(DISTINCT queue_id) AS ids, sum(size) AS bytes FROM events GROUP BY kind",
    "SELECT * FROM events WHERE text = :text OR sender = :text OR time < :until",
    "SELECT date_trunc('hour', time) AS hour, max(score) AS score FROM events WHERE score > :score GROUP BY 1",
]
VALUES: dict[str, Any] = {"text": "a\\'b", "until": datetime(2026, 11, 23, 23, tzinfo=UTC), "score": 4.25}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of large files, small ones, and an odd host's."""
    path = tmp_path_factory.mktemp("store") / "store"
    with opened(path) as writer:
        for part in range(4):
            writer.commit(made_up.events(1500, seed=part))
    with opened(path, locks.COMPACT) as writer:
        compact(writer, datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp(), Rules())
    with opened(path) as writer:
        writer.commit(made_up.events(500, seed=9))
    return Store(path)


@pytest.fixture(scope="module")
def both(master: str, store: Store) -> Iterator[tuple[Engine, Engine]]:
    """DuckDB and Spark before the same files."""
    with engine.opened(store) as duck, engine.opened(store, master) as spark:
        yield duck, spark


def _comparable(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.9g}")
    return value


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr({name: _comparable(value) for name, value in row.items()}) for row in rows)


@pytest.mark.parametrize("sql", OWN)
def test_a_query_of_its_own_has_equal_rows_on_both(sql: str, both: tuple[Engine, Engine]) -> None:
    """Values with quotes and backslashes, times, every column."""
    on_duckdb, on_spark = (_sorted(one.rows(sql, VALUES)) for one in both)
    assert on_duckdb
    assert on_duckdb == on_spark


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
@pytest.mark.parametrize("name", queries.NAMES)
def test_a_question_of_the_report_has_equal_rows_on_both(
    name: str, scope: queries.Scope, both: tuple[Engine, Engine]
) -> None:
    """Each question, over everything, over a part of it, over nothing."""
    sql, values = (
        queries.arrivals(scope, ["192.0.2.0/24"], ["2001:db8::9"]) if name == "arrivals" else queries.asked(name, scope)
    )
    on_duckdb, on_spark = (_sorted(one.rows(sql, values)) for one in both)
    assert on_duckdb == on_spark


def test_a_store_without_events_answers_on_spark_too(master: str, both: tuple[Engine, Engine], tmp_path: Path) -> None:
    """No files: no rows, not a failure."""
    with opened(tmp_path / "store"):
        pass
    with engine.opened(Store(tmp_path / "store"), master) as spark:
        assert spark.rows("SELECT count(*) AS n FROM events") == [{"n": 0}]


def test_a_master_that_is_not_there_is_told_in_one_line(store: Store) -> None:
    """Port 1 has no Spark."""
    with pytest.raises(StoreError, match="no Spark master answers there"), engine.opened(store, "spark://127.0.0.1:1"):
        pass

"""Values on their way into a query: the one place where `:name` becomes what a database reads.

In: the text of a query with placeholders, and values, some of which came from a log or from the command line. Out for
DuckDB: the text with literals; a literal lets it skip files, a prepared parameter does not always. Out for Spark: the
text with `:name` still in it and the values beside, as Spark takes them. A list stands for its members: `IN (:hosts)`;
an empty one for NULL. Text in quotes and comments is left alone, and so is `::`. Fails with KeyError where a
placeholder has no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Value = str | int | float | bool | datetime | None | Sequence[str] | Sequence[int]

_PIECE: Final = re.compile(
    r"""(?P<left>'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | ::)"""
    r"""| :(?P<name>[A-Za-z_][A-Za-z0-9_]*)""",
    re.VERBOSE | re.DOTALL,
)


def quoted(value: Value) -> str:
    """A value as a literal of DuckDB's SQL."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case datetime():
            return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(sep=' ')}'"
        case str():
            return _text(value)
    return ", ".join(quoted(member) for member in value) or "NULL"


def _text(value: str) -> str:
    # A NUL would end the query's text; no column holds one, so nothing equals it anyway.
    safe = value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    return "'" + safe.replace("'", "''") + "'"


def _replaced(sql: str, put: Callable[[str], str]) -> str:
    return _PIECE.sub(lambda found: found["left"] or put(found["name"]), sql)


def for_duckdb(sql: str, parameters: Mapping[str, Value]) -> str:
    """The query with its values as literals."""
    return _replaced(sql, lambda name: quoted(parameters[name]))


def for_spark(sql: str, parameters: Mapping[str, Value]) -> tuple[str, dict[str, Any]]:
    """The query and the values that Spark binds itself; lists become one parameter for each member."""
    values: dict[str, Any] = {}

    def put(name: str) -> str:
        value = parameters[name]
        if value is None or isinstance(value, str | int | float | datetime):
            values[name] = value
            return f":{name}"
        members = {f"{name}_{n}": member for n, member in enumerate(value)}
        values.update(members)
        return ", ".join(f":{member}" for member in members) or "NULL"

    return _replaced(sql, put), values

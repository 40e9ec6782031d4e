"""Events as a table: the columns of `events.COLUMNS`, with the types that Parquet, DuckDB and Spark share.

In: events. Out: an Arrow table with every column, in order. A value that does not fit its column never stops the
collector: text is escaped until it fits, anything else is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa

from gatepost_observer.events import COLUMNS, Event, Type

ARROW: Final[dict[Type, pa.DataType]] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "real": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
    "flag": pa.bool_(),
}
# The same types as DuckDB and Spark SQL call them; both know these words.
SQL: Final[dict[Type, str]] = {
    "text": "VARCHAR",
    "whole": "BIGINT",
    "real": "DOUBLE",
    "time": "TIMESTAMP WITH TIME ZONE",
    "flag": "BOOLEAN",
}
FIELDS: Final = pa.schema([(name, ARROW[kind]) for name, kind in COLUMNS.items()])
LAST: Final = 253_402_300_799_999_999  # the end of 9999: no later time has a name for its day
WHOLE: Final = 2**63
GREATEST: Final = sys.float_info.max

_UNFIT = (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError)


def within_calendar(time: Any) -> int:
    """A time that a calendar can name; what is no time at all is 1970."""
    return min(max(time, 0), LAST) if type(time) is int else 0  # a bool is an int too, elsewhere


def _fitting(kind: Type, value: Any) -> Any:
    """The value, made to fit its column, or nothing."""
    match kind, value:
        case "text", str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case "flag", bool():
            return value
        case "whole", int() if -WHOLE <= value < WHOLE:
            return int(value)
        case "real", int() | float() if not abs(value) > GREATEST:
            return float(value)
        case "time", _:
            return within_calendar(value)
    return None


def _column(name: str, kind: Type, events: Sequence[Event]) -> pa.Array:
    values = [event.get(name) for event in events]
    if kind == "time":
        values = [within_calendar(value) for value in values]
    try:
        return pa.array(values, ARROW[kind])
    except _UNFIT:
        return pa.array([_fitting(kind, value) for value in values], ARROW[kind])


def table(events: Sequence[Event]) -> pa.Table:
    """The events as a table, one row each, in their order."""
    present = _names(events)
    columns = [
        _column(name, kind, events) if name in present else pa.nulls(len(events), ARROW[kind])
        for name, kind in COLUMNS.items()
    ]
    return pa.Table.from_arrays(columns, schema=FIELDS)


def _names(events: Iterable[Event]) -> set[str]:
    # "time" stands in every file, even should an event have come without one.
    names = {"time"}
    for event in events:
        names.update(event)
    return names


def conformed(rows: pa.Table) -> pa.Table:
    """A table of an older schema with the columns of today's: what came later is empty."""
    columns = [
        rows[name].cast(ARROW[kind]) if name in rows.column_names else pa.nulls(rows.num_rows, ARROW[kind])
        for name, kind in COLUMNS.items()
    ]
    return pa.Table.from_arrays(columns, schema=FIELDS)

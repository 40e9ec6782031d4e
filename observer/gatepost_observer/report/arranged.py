"""The pieces that a report is made of, before anybody decides how they look.

A table's cells are values; its columns say what kind of value they hold. A chart has a text that tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gatepost_observer.report import words

Unit = Literal["text", "count", "size", "seconds", "share", "change", "code", "word"]
Row = Mapping[str, Any]

SHOWN: dict[Unit, Callable[[Any], str]] = {
    "count": words.count,
    "size": words.size,
    "seconds": words.seconds,
    "share": words.share,
    "change": words.change,
}


@dataclass(frozen=True)
class Column:
    """A column: its heading, where its values stand in a row, and what they are."""

    heading: str
    key: str
    unit: Unit = "text"
    limit: int = words.LONGEST

    @property
    def number(self) -> bool:
        """Whether its values stand to the right."""
        return self.unit in SHOWN

    def cell(self, row: Row) -> str:
        """A cell as text."""
        value = row.get(self.key)
        if self.unit in SHOWN:
            return SHOWN[self.unit](value)
        if self.unit == "code":  # made here, not by a stranger
            return str(value)
        return "–" if value is None or value == "" else words.shown(value, self.limit)


@dataclass(frozen=True)
class Table:
    """A table with a title; `bar` names the column whose values are also drawn."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    bar: str | None = None
    note: str = ""
    empty: str = "None."
    wide: bool = False


@dataclass(frozen=True)
class Series:
    """A name and its values, one for each label of the chart."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Columns over time; `told` says in words what can be seen."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    told: str


@dataclass(frozen=True)
class Figure:
    """A number that everybody should see, and how it changed."""

    label: str
    value: str
    note: str
    change: float | None = None


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    id: str
    title: str
    lead: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """The whole, ready to be shown."""

    title: str
    organisation: str
    period: str
    scope: str
    headline: tuple[str, ...]
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    compared: str
    sections: tuple[Section, ...]

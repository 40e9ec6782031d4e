"""The report on a terminal, or as plain text in a pipe: 80 columns suffice.

In: a Report. Out: what rich prints, or text for the body of a mail. Colour and width are the console's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from gatepost_observer.report import words
from gatepost_observer.report.arranged import Chart, Column, Report, Section, Table

SPARKS: Final = " ▁▂▃▄▅▆▇█"
BAR: Final = 12
LONGEST: Final = 44


def show(report: Report, console: Console) -> None:
    """Print the report."""
    for piece in _pieces(report):
        console.print(piece, soft_wrap=False)


def text(report: Report, width: int = 78) -> str:
    """The report as plain text."""
    console = Console(file=StringIO(), width=width, no_color=True, highlight=False, emoji=False, markup=False)
    show(report, console)
    stream = console.file
    assert isinstance(stream, StringIO)  # noqa: S101 - it was made three lines above
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def _pieces(report: Report) -> Iterator[RenderableType]:
    yield Text(" · ".join(part for part in (report.title, report.organisation, report.period) if part), "bold")
    if report.scope:
        yield Text(report.scope, "dim")
    yield Text("")
    yield Text(" ".join(report.headline))
    for note in report.notes:
        yield Text(f"! {note}", "yellow")
    yield Text("")
    yield _figures(report)
    if report.compared:
        yield Text(f"▲ ▼ changes against {report.compared}", "dim")
    for section in report.sections:
        yield from _section(section)


def _figures(report: Report) -> Grid:
    grid = Grid.grid(padding=(0, 3, 0, 0))
    for figure in report.figures:
        change = "" if figure.change is None else words.change(figure.change)
        grid.add_row(Text(figure.label), Text(figure.value, "bold", justify="right"), Text(figure.note), Text(change))
    return grid


def _section(section: Section) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(section.title.upper(), "bold cyan")
    if section.lead:
        yield Text(section.lead, "dim")
    for chart in section.charts:
        yield Padding(_chart(chart), (1, 0, 0, 2))
    for table in section.tables:
        yield Padding(_table(table), (1, 0, 0, 2))


def spark(values: tuple[float, ...], most: float | None = None) -> str:
    """A line of small columns; what is not nothing is never drawn as nothing."""
    top = max(values, default=0) if most is None else most
    if top <= 0:
        return SPARKS[0] * len(values)
    return "".join(SPARKS[0 if v <= 0 else max(1, min(8, round(v / top * 8)))] for v in values)


def _chart(chart: Chart) -> Grid:
    most = max((max(series.values, default=0) for series in chart.series), default=0)
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_row(Text(chart.title, "bold"))
    for series in chart.series:
        grid.add_row(
            Text(series.name), Text(spark(series.values[-60:], most), "green"), Text(words.count(sum(series.values)))
        )
    if chart.labels:
        grid.add_row(Text(""), Text(f"{chart.labels[-60:][0]} to {chart.labels[-1]}", "dim"))
    return grid


def _table(table: Table) -> RenderableType:
    if not table.rows:
        return Text.assemble((table.title, "bold"), f": {table.empty}")
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        right = column.number or column.unit == "code"
        grid.add_column(Text(column.heading), justify="right" if right else "left", overflow="fold", no_wrap=right)
    if table.bar:
        grid.add_column("", no_wrap=True)
    most = max((row[table.bar] or 0 for row in table.rows), default=0) if table.bar else 0
    for row in table.rows:
        cells = [Text(_cell(column, row.get(column.key), column.cell(row))) for column in table.columns]
        if table.bar:
            cells.append(Text(_bar((row[table.bar] or 0) / most if most else 0), "blue"))
        grid.add_row(*cells)
    return Group(Text(table.title, "bold"), grid)


def _cell(column: Column, value: object, said: str) -> str:
    """A long address is cut in the middle; a text that somebody said is wrapped instead."""
    if column.limit == words.LONGEST and cell_len(said) > LONGEST and isinstance(value, str):
        return words.shown(value, LONGEST)
    return said


def _bar(part: float) -> str:
    eighths = max(1, round(part * BAR * 8)) if part > 0 else 0
    return "█" * (eighths // 8) + ("▏▎▍▌▋▊▉"[eighths % 8 - 1] if eighths % 8 else "")

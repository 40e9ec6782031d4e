"""How the last minutes look in a terminal of 80 columns or more.

In: a Pulse. Out: what rich shows; plain text in a pipe. Pure.
"""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gatepost_observer.report import words
from gatepost_observer.report.terminal import spark
from gatepost_observer.top.pulse import Pulse

_NAMES: Final = {
    "in": "taken in", "out": "delivered", "refused": "refused", "deferred": "deferred", "returned": "returned",
    "spam": "spam", "viruses": "viruses",
}  # fmt: skip
_COLOURS: Final = {"in": "green", "out": "green", "refused": "yellow", "deferred": "yellow", "returned": "red",
                   "spam": "magenta", "viruses": "red"}  # fmt: skip
_BOARDS: Final = (
    ("Refused, why", "refusals"), ("Refused, from", "refused-clients"), ("Found by the filter", "found"),
    ("Taken in, from", "clients"), ("Delivered to", "delivered"), ("Deferred by", "deferred"),
)  # fmt: skip


def screen(of: Pulse, *, paused: bool = False, keys: bool = False, rows: int = 6) -> RenderableType:
    """Everything, one below the other."""
    local = of.at.astimezone()
    title = Text.assemble(("gatepost top", "bold"), f"  {local:%Y-%m-%d %H:%M:%S}")
    if paused:
        title.append("  paused", "bold reverse")
    if keys:
        title.append("   q quit · p pause", "dim")
    notes = [Text(f"! {words.shown(note, 200)}", "yellow") for note in of.notes]
    return Group(title, *notes, Text(""), _rates(of), Text(""), _queues(of), Text(""), _boards(of, rows))


def _rates(of: Pulse) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    grid.add_column("a minute", justify="right", no_wrap=True)
    grid.add_column(f"the last {of.minutes} minutes", no_wrap=True)
    for name, label in _NAMES.items():
        number = words.count(of.last_minute[name])
        grid.add_row(Text(label), Text(number, "bold"), Text(spark(tuple(of.series[name])), _COLOURS[name]))
    return grid


def _queues(of: Pulse) -> RenderableType:
    """Estimates: what lay there before the log began is not known."""
    text = Text.assemble(("In the queues (estimated)  ", "dim"))
    if not of.queues:
        text.append("nothing")
    for row in of.queues[:8]:
        text.append(f"{words.shown(row['instance'] or '?', 30)}@{words.shown(row['host'] or '?', 30)} ")
        text.append(words.count(row["mails"]), "bold")
        text.append("   ")
    return text


def _boards(of: Pulse, rows: int) -> Grid:
    grid = Grid.grid(padding=(0, 2, 1, 0), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    for left, right in zip(_BOARDS[::2], _BOARDS[1::2], strict=True):
        grid.add_row(_board(left, of, rows), _board(right, of, rows))
    return grid


def _board(named: tuple[str, str], of: Pulse, rows: int) -> Grid:
    title, key = named
    grid = Grid(box=None, pad_edge=False, header_style="bold", expand=True)
    grid.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column("", justify="right", no_wrap=True)
    for row in of.boards[key][:rows] or [{"name": "–", "events": None}]:
        many = "" if row["events"] is None else words.count(row["events"])
        grid.add_row(Text(_name(key, row)), Text(many))
    return grid


def _name(key: str, row: dict[str, Any]) -> str:
    name = row["name"] or "–"
    return words.REFUSALS.get(name, words.shown(name, 60)) if key == "refusals" else words.shown(name, 60)

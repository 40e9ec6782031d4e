"""Where the events come from: the store, or log files that are read for this one report.

In: paths. Out: an engine with the view `events`, and what the reader did not understand. Log files go through a table
that spills to the disk, so that their size does not matter. Fails with StoreError and Unreadable; with
NothingThereError where a file is no log of a mail server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from gatepost_observer.lines import lines
from gatepost_observer.parse import Reader
from gatepost_observer.store.engine import DuckDB, Engine, with_quarter
from gatepost_observer.store.schema import table

_COUNTED: Final = {"count", "samples"}
AT_ONCE: Final = 50_000  # lines that become events before these go into the table

Unknown = dict[str, dict[str, Any]]


class NothingThereError(Exception):
    """A file in which there is nothing of a mail server; the message is one line."""


@dataclass
class Logs:
    """Log files as an engine, and what was not understood in them."""

    engine: Engine
    lines: int = 0
    events: int = 0
    unknown: Unknown = field(default_factory=dict)


@contextmanager
def read(paths: Sequence[str]) -> Iterator[Logs]:
    """An engine over these log files, until the block ends."""
    with DuckDB(None) as duck:
        duck.connection.register("batch", table([]))
        duck.connection.execute("CREATE TEMP TABLE told AS SELECT * FROM batch")
        duck.connection.execute("CREATE TEMP VIEW events AS " + with_quarter("SELECT * FROM told"))  # noqa: S608
        logs = Logs(duck)
        for path in paths:
            _take_in(duck, logs, path)
        yield logs


def _take_in(duck: DuckDB, logs: Logs, path: str) -> None:
    reader = Reader(reference=_written(path))
    stream = lines(path)
    found = 0
    while batch := list(islice(stream, AT_ONCE)):
        events = reader.read(batch)
        found += len(events)
        if events:
            duck.connection.register("batch", table(events))
            duck.connection.execute("INSERT INTO told SELECT * FROM batch")
    _judge(path, reader, found)
    logs.lines += reader.lines
    logs.events += found
    merge(logs.unknown, reader.unknown)


def _written(path: str) -> float | None:
    """When the file was last written: traditional time stamps have no year."""
    try:
        return None if path == "-" else Path(path).stat().st_mtime
    except OSError:
        return None  # reading it says why


def _judge(path: str, reader: Reader, found: int) -> None:
    name = "standard input" if path == "-" else path
    headless = reader.unknown.get("", {}).get("count", 0)
    if found or not reader.lines:
        return
    if headless and not reader.programs and len(reader.unknown) == 1:
        raise NothingThereError(f"{name}: is no log, expected lines as rsyslog or syslogd write them")
    if reader.programs and len(reader.unknown) <= bool(headless):
        others = ", ".join(program for program, _ in reader.programs.most_common(3))
        raise NothingThereError(f"{name}: is a log of {others}, expected the log of a mail server")


def merge(into: Unknown, more: Unknown) -> None:
    """Add up what two readers did not understand."""
    for program, entry in more.items():
        mine = into.setdefault(program, {"count": 0, "samples": []})
        mine["count"] += entry["count"]
        mine["samples"] = (mine["samples"] + entry["samples"])[:5]


def unknown_in(state: Any) -> Unknown:
    """What the collector did not understand, wherever its readers stand in its state."""
    found: Unknown = {}
    if isinstance(state, dict):
        for name, value in state.items():
            if name == "unknown" and isinstance(value, dict):
                merge(
                    found, {p: e for p, e in value.items() if isinstance(e, dict) and {"count", "samples"} <= e.keys()}
                )
            else:
                merge(found, unknown_in(value))
    elif isinstance(state, list):
        for value in state:
            merge(found, unknown_in(value))
    return found

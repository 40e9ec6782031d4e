"""`gatepost top`: the last minutes, live."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatepost_observer.cli.configured import ConfigOption, JsonOption, configured, store_of
from gatepost_observer.cli.console import Exit, fail, leave, print_json, readable, shown

if TYPE_CHECKING:
    from gatepost_observer.top.pulse import Pulse
    from gatepost_observer.top.sources import Source

EXAMPLES = """\b
Examples:
  gatepost top                                (from the store of this log host)
  gatepost top --log /var/log/mail.log        (straight from a log)
  gatepost top --once --json --log '/var/log/gatepost/*/mail.log'
Keys: q ends it, p stops and resumes it.
"""

LogOption = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="PATTERN", help="A log to follow instead of the store. Can be given several times."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="The store; else the one that the configuration names."),
]
OnceOption = Annotated[bool, typer.Option("--once", help="One look, then end; so it is in a pipe, too.")]
MinutesOption = Annotated[int, typer.Option(min=1, max=1440, help="So many minutes are looked at.")]
EveryOption = Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")]
ROWS = 6


def top(
    log: LogOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    once: OnceOption = False,
    minutes: MinutesOption = 15,
    every: EveryOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Watch the last minutes: rates, queues, what is refused and found, where mail goes.

    Exit 3: the store or the log could not be read.
    """
    from gatepost_observer.store import StoreError

    source = _source(log, store, config, as_json=as_json)
    try:
        if once or as_json or not sys.stdout.isatty():
            _print(source.look(datetime.now(UTC), minutes, ROWS), as_json=as_json)
        else:
            _watch(source, minutes, every)
    except StoreError as error:
        fail(shown(readable(" ".join(str(error).split())), 1000), Exit.UNKNOWN, as_json=as_json)
    except KeyboardInterrupt:
        leave(Exit.FINE)
    finally:
        source.close()
    leave(Exit.FINE)


def _source(log: list[str] | None, store: Path | None, config: Path | None, *, as_json: bool) -> Source:
    if log and store:
        raise typer.BadParameter("either logs or a store, not both", param_hint="--store")
    from gatepost_observer.store import Store
    from gatepost_observer.top.sources import Collected, Followed

    if log:
        missing = [pattern for pattern in log if _none(pattern)]
        if missing:
            fail(f"{shown(readable(missing[0]), 1000)}: no such log", Exit.UNKNOWN, as_json=as_json)
        return Followed(log)
    return Collected(Store(store_of(store, configured(config, as_json=as_json), as_json=as_json)))


def _none(pattern: str) -> bool:
    """Whether nothing that could be a log has this name. Patterns may match later."""
    from glob import has_magic

    return not has_magic(pattern) and not Path(pattern).exists()


def _print(pulse: Pulse, *, as_json: bool) -> None:
    if as_json:
        print_json(pulse.told())
        return
    import os

    from rich.console import Console

    from gatepost_observer.top.screen import screen

    terminal = sys.stdout.isatty()
    width = None if terminal else int(os.environ.get("COLUMNS") or 80)
    Console(width=width, highlight=False, emoji=False, markup=False).print(screen(pulse, rows=ROWS))


def _watch(source: Source, minutes: int, every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from gatepost_observer.top.keys import keys
    from gatepost_observer.top.screen import screen

    console = Console(highlight=False, emoji=False, markup=False)
    pulse, paused = source.look(datetime.now(UTC), minutes, ROWS), False
    with keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(pulse, paused=paused, keys=True, rows=ROWS), refresh=True)
            key = pressed(every).lower()
            if "q" in key:
                return
            paused ^= "p" in key
            if not paused:
                pulse = source.look(datetime.now(UTC), minutes, ROWS)

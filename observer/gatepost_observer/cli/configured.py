"""What the policy says for this log host, for the commands: `/etc/gatepost/observer.json`, or a file in its place.

In: `--config`, or nothing. Out: the Known; None where nothing was given and the usual file is not there, for a log host
that Gatepost does not manage. A file that cannot be used ends the command, like a store that nobody named.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatepost_observer.cli.console import Exit, fail, readable

if TYPE_CHECKING:
    from gatepost_observer.known import Known

USUAL: Final = Path("/etc/gatepost/observer.json")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help=f"What the policy says for this log host; {USUAL} where it is there."
    ),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="The store; else the one that the configuration names."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def configured(config: Path | None, *, as_json: bool = False) -> Known | None:
    """The configuration that was named, or the usual one, or none."""
    if config is None and not USUAL.exists():
        return None
    from gatepost_observer.known import Known, KnownError

    try:
        return Known.load(config or USUAL)
    except KnownError as error:
        problem = str(error)
    return fail(readable(problem), Exit.UNKNOWN, as_json=as_json)


def store_of(store: Path | None, known: Known | None, *, as_json: bool = False) -> Path:
    """The store that was named, or that of the configuration."""
    named = store or (Path(known.store) if known and known.store else None)
    if named is None:
        hint = f"name one with --store, or a configuration with --config (there is no {USUAL})"
        fail(f"no store: {hint}", Exit.USAGE, as_json=as_json)
    return named

"""The command line. Each command has a module of its own, loaded only when it is called.

Exit codes: 0 fine; 1 the answer is "no" (findings, a proof failed); 2 wrong usage; 3 could not tell.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, NoReturn

import typer

from gatepost import __version__
from gatepost.cli import check, explain, prove, render, schema
from gatepost.cli.console import Exit

app = typer.Typer(
    name="gatepost",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="One YAML policy becomes hardened mail servers: checked, rendered, decided and proven.",
)
app.command(name="check", epilog=check.EXAMPLES)(check.check)
app.command(name="explain", epilog=explain.EXAMPLES)(explain.explain)
app.command(name="prove", epilog=prove.EXAMPLES)(prove.prove)
app.command(name="render", epilog=render.EXAMPLES)(render.render)
app.command(name="schema", epilog=schema.EXAMPLES)(schema.schema)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gatepost {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """The entry point of the `gatepost` command."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None where the shell closed it
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except OSError as error:
        _cannot_print(error)
    except SystemExit as end:
        # The library takes a reader who leaves for a "no".
        if isinstance(end.__context__, BrokenPipeError):
            _cannot_print(end.__context__)
        raise


def _cannot_print(error: OSError) -> NoReturn:
    """A full disk behind standard output is told; a reader who has left (`| head -1`) is not."""
    if error.errno != errno.EPIPE and sys.stderr is not None:
        what = error.filename or "cannot print"
        os.write(sys.stderr.fileno(), f"gatepost: {what}: {error.strerror}\n".encode("utf-8", "backslashreplace"))
    # Python's own end would print what still lies in the buffers, and fail again.
    os._exit(Exit.UNKNOWN)

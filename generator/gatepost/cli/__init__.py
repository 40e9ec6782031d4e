"""The command line. Each command has a module of its own, loaded only when it is called.

Exit codes: 0 fine; 1 the answer is "no" (findings, a proof failed); 2 wrong usage; 3 could not tell.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Annotated, Any, Final, NoReturn

import typer
from gatepost_observer import cli as observer
from gatepost_observer.cli.console import Exit
from typer.core import TyperGroup

from gatepost import __version__

_HELP: Final = {"help_option_names": ["-h", "--help"]}

# Each in a module of its name, as a function of its name, with EXAMPLES beside it.
COMMANDS: Final = {
    **dict.fromkeys(("check", "explain", "probe", "prove", "render", "schema"), "gatepost.cli"),
    **dict.fromkeys(observer.COMMANDS, "gatepost_observer.cli"),
}


class OneByOne(TyperGroup):
    """The commands, of which only the one that is called is imported: a log is read before pydantic would be there."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, as `--help` and the shell's completion show them."""
        return sorted(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or nothing."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{COMMANDS[cmd_name]}.{cmd_name}")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(name=cmd_name, epilog=module.EXAMPLES, context_settings=_HELP)(getattr(module, cmd_name))
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=OneByOne,
    name="gatepost",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_HELP,
    help="One YAML policy becomes hardened mail servers: checked, rendered, decided and proven.",
)


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

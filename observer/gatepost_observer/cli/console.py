"""Everything that the commands print goes through here: colour on a terminal, plain text in a pipe.

What came from a log or a file's name is shown through `shown`: whatever it holds, it stays on its line and moves no
cursor.
"""

from __future__ import annotations

import json
import os
import sys
from enum import IntEnum
from typing import Any, NoReturn

import typer


class Exit(IntEnum):
    """What the exit codes mean."""

    FINE = 0
    NO = 1
    USAGE = 2
    UNKNOWN = 3


def leave(code: Exit) -> NoReturn:
    """End the command."""
    raise typer.Exit(int(code))


def fail(message: str, code: Exit, *, as_json: bool = False) -> NoReturn:
    """End the command with the reason."""
    if as_json:
        print_json({"error": message})
    else:
        typer.echo(message, err=True)
    leave(code)


def print_json(data: Any) -> None:
    """Machine-readable output, on standard output: valid JSON whatever the terminal's encoding is."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower() == "utf-8"
    typer.echo(readable(json.dumps(data, indent=2, ensure_ascii=not unicode, default=str)))


def readable(text: str) -> str:
    """A text without the halves of characters that arguments and file names in another encoding leave."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shown(value: object, limit: int = 60) -> str:
    """A value from outside as it may stand in a message: on one line, without control characters, not too long."""
    text = value if isinstance(value, str) else str(value)
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: limit + 1])
    return safe if len(text) <= limit else safe[:limit] + "…"


def styled(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """A piece of text in colour; `typer.echo` takes the colour out again in a pipe. See https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return text
    return typer.style(text, fg=colour, bold=bold or None, dim=dim or None)


def progress(text: str) -> None:
    """A line about long work, on standard error, at a terminal alone."""
    if sys.stderr.isatty():
        typer.echo(styled(text, dim=True), err=True)

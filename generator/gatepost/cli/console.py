"""Everything that the commands print goes through here: colour on a terminal, plain text in a pipe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

import typer

from gatepost.findings import Finding, errors, shown
from gatepost.load import load
from gatepost.policy import Model


class Exit(IntEnum):
    """What the exit codes mean."""

    FINE = 0
    NO = 1
    USAGE = 2
    UNKNOWN = 3


def leave(code: Exit) -> NoReturn:
    """End the command."""
    raise typer.Exit(int(code))


def print_json(data: Any) -> None:
    """Machine-readable output, on standard output: valid JSON whatever the terminal's encoding is."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower() == "utf-8"
    typer.echo(readable(json.dumps(data, indent=2, ensure_ascii=not unicode, default=str)))


def readable(text: str) -> str:
    """A text without the halves of characters that arguments and file names in another encoding leave."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def called(path: Path) -> str:
    """A path as it may stand in a line of output."""
    return shown(str(path), 1000)


def fail(message: str, code: Exit, *, as_json: bool = False) -> NoReturn:
    """End the command with the reason."""
    if as_json:
        print_json({"error": message})
    else:
        typer.echo(message, err=True)
    leave(code)


def styled(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """A piece of text in colour; `typer.echo` takes the colour out again in a pipe. See https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return text
    return typer.style(text, fg=colour, bold=bold or None, dim=dim or None)


def print_findings(findings: Iterable[Finding], *, to_stderr: bool = True) -> None:
    """Findings, one a paragraph: place, id, message, and an indented hint."""
    for finding in findings:
        mild = finding.severity == "warning"
        identity = styled(finding.id, "yellow" if mild else "red", bold=True)
        warning = "warning: " if mild else ""
        typer.echo(f"{styled(str(finding.place), bold=True)}: {warning}{identity}: {finding.message}", err=to_stderr)
        if finding.hint:
            typer.echo(f"    {styled(finding.hint, dim=True)}", err=to_stderr)


def leave_with(findings: Iterable[Finding], *, as_json: bool) -> NoReturn:
    """Print the findings that forbid to go on, and end the command."""
    if as_json:
        print_json({"findings": [f.as_dict() for f in findings]})
    else:
        print_findings(findings)
    leave(Exit.NO)


def count_of(findings: Iterable[Finding]) -> str:
    """How many: `2 errors, 1 warning`."""
    found = tuple(findings)
    wrong, mild = len(errors(found)), len(found) - len(errors(found))
    parts = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in ((wrong, "error"), (mild, "warning")) if n]
    return ", ".join(parts) or "no findings"


def model_or_leave(policy: Path, *, as_json: bool = False) -> Model:
    """The model of a policy; with errors, all findings are printed and the command ends."""
    loaded = load(policy, name=str(policy))
    if loaded.model is None:
        if as_json:
            print_json({"findings": [f.as_dict() for f in loaded.findings]})
        else:
            print_findings(loaded.findings)
            typer.echo(f"{called(policy)}: {count_of(loaded.findings)}", err=True)
        leave(Exit.NO)
    if loaded.findings and not as_json:
        print_findings(loaded.findings)
    return loaded.model


def progress(text: str) -> None:
    """A line about long work, on standard error, at a terminal alone."""
    if sys.stderr.isatty():
        typer.echo(styled(text, dim=True), err=True)

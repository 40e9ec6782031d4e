"""How findings, and commands that need a policy, print and end. The rest is as for the commands over logs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import typer
from gatepost_observer.cli.console import Exit, fail, leave, print_json, progress, readable, styled

from gatepost.findings import Finding, errors, shown
from gatepost.load import load
from gatepost.policy import Model

__all__ = [
    "Exit",
    "called",
    "count_of",
    "fail",
    "leave",
    "leave_with",
    "model_or_leave",
    "print_findings",
    "print_json",
    "progress",
    "readable",
    "styled",
]


def called(path: Path) -> str:
    """A path as it may stand in a line of output."""
    return shown(str(path), 1000)


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

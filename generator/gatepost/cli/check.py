"""`gatepost check`: is this policy good? All findings at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatepost.cli.console import Exit, called, count_of, leave, print_findings, print_json
from gatepost.findings import errors
from gatepost.load import load

EXAMPLES = """\b
Examples:
  gatepost check policy.yml
  gatepost check policy.yml --json
"""

PolicyArgument = Annotated[Path, typer.Argument(metavar="POLICY", help="The policy file.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Check a policy and its recipient files, and show every finding with its place.

    Exit 0: no errors (warnings may stand). Exit 1: errors.
    """
    loaded = load(policy, name=str(policy))
    if as_json:
        print_json(
            {"policy": str(policy), "ok": loaded.model is not None, "findings": [f.as_dict() for f in loaded.findings]}
        )
    else:
        print_findings(loaded.findings, to_stderr=False)
        good = loaded.model is not None
        typer.echo(f"{called(policy)}: {'good' if good and not loaded.findings else count_of(loaded.findings)}")
    leave(Exit.NO if errors(loaded.findings) else Exit.FINE)

"""`gatepost prove`: real mail to the running servers, and each answer beside the policy."""

from __future__ import annotations

import typer

from gatepost.cli.check import JsonOption, PolicyArgument
from gatepost.cli.console import Exit, leave, model_or_leave, print_json, progress, styled
from gatepost.cli.render import HostOption, InventoryOption, hosts_or_leave, inventory_or_leave

EXAMPLES = """\b
Examples:
  gatepost prove policy.yml --inventory inventories/lab
  gatepost prove policy.yml --inventory inventories/lab --host gate12 --json
"""
_COLOURS = {"bad": "red", "doubt": "yellow", "good": "green"}


def prove(
    policy: PolicyArgument,
    inventory: InventoryOption,
    host: HostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove a policy on running mail servers, with real mail from the inventory's vantage points.

    Each mail is marked, small, and removed again. With `proof:` in the policy only the mailboxes named there get mail.

    Exit 0: every proof agrees (lines that no probe speaks of are listed). 1: a proof failed. 3: could not tell.
    """
    from gatepost.prove.report import as_data, rows
    from gatepost.prove.run import prove as prove_policy

    model = model_or_leave(policy, as_json=as_json)
    known = inventory_or_leave(inventory, as_json=as_json)
    report = prove_policy(model, known, inventory, hosts_or_leave(known.hosts, host, as_json=as_json), progress)
    if as_json:
        print_json(as_data(model, report))
    else:
        for row in rows(model, report):
            typer.echo(styled(row.text, _COLOURS.get(row.style), bold=row.style == "head", dim=row.style == "dim"))
    leave(Exit.NO if report.count("differs") else Exit.UNKNOWN if report.count("unknown") else Exit.FINE)

"""`gatepost render`: the whole configuration of each mail server and log host, as a folder for each host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatepost.bundle import Bundle, write
from gatepost.checks.domains import no_loop_to_host
from gatepost.checks.logs import log_host_is_known
from gatepost.cli.check import JsonOption, PolicyArgument
from gatepost.cli.console import Exit, called, fail, leave_with, model_or_leave, print_json
from gatepost.findings import Finding, in_order, nearest, shown
from gatepost.inventory import Host, Inventory, read_inventory
from gatepost.policy import Model

EXAMPLES = """\b
Examples:
  gatepost render policy.yml --inventory inventories/example --out build
  gatepost render policy.yml -i inventories/example --out build --host mx1.example.org
"""

# What is the fault of the one who named the folder; a full disk is not.
_BADLY_NAMED = (FileExistsError, NotADirectoryError, PermissionError)

InventoryOption = Annotated[
    Path, typer.Option("--inventory", "-i", metavar="INVENTORY", help="Ansible's inventory.", show_default=False)
]
HostOption = Annotated[
    list[str] | None, typer.Option("--host", metavar="NAME", help="Only this host; may be repeated.")
]


def render(
    policy: PolicyArgument,
    inventory: InventoryOption,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the bundles go.", show_default=False)],
    host: HostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render a bundle for each mail server and each log host of the inventory.

    The same policy and inventory always give the same bytes. Nothing but DIR/<host> is touched,
    and that only where it is missing or a bundle of an earlier run.
    """
    from gatepost.render import render as render_bundle  # the templates' engine is loaded for this command alone

    model = model_or_leave(policy, as_json=as_json)
    known = inventory_or_leave(inventory, as_json=as_json)
    hosts = hosts_or_leave(known.all_hosts, host, as_json=as_json)
    found = of_both(model, known)
    if found:
        leave_with(found, as_json=as_json)
    bundles: list[Bundle] = []
    try:
        for chosen in hosts:
            bundles += [render_bundle(model, chosen)]
            write(bundles[-1:], out)
    except OSError as error:
        message = f"{called(Path(error.filename or out))}: cannot be written: {error.strerror}"
        fail(message, Exit.USAGE if isinstance(error, _BADLY_NAMED) else Exit.UNKNOWN, as_json=as_json)
    _report(bundles, out, as_json=as_json)


def _report(bundles: list[Bundle], out: Path, *, as_json: bool) -> None:
    told = [{"host": b.host, "files": len(b.files), "release": b.manifest["release"]} for b in bundles]
    if as_json:
        print_json({"out": str(out), "hosts": told})
        return
    for one in told:
        typer.echo(
            f"{one['host']}: {one['files']} files, release {one['release']}, in {called(out / str(one['host']))}"
        )


def inventory_or_leave(path: Path, *, as_json: bool = False) -> Inventory:
    """The inventory; with findings they are printed and the command ends."""
    known = read_inventory(path)
    if known.findings:
        leave_with(in_order(known.findings), as_json=as_json)
    return known


def hosts_or_leave(known: tuple[Host, ...], names: list[str] | None, *, as_json: bool = False) -> tuple[Host, ...]:
    """Of the hosts those that were asked for, or all; an unknown name is wrong usage."""
    called_so = {host.name for host in known}
    for name in names or ():
        if name not in called_so:
            message = f"--host {shown(name)}: no such host in the inventory; {nearest(name, called_so)}"
            fail(message, Exit.USAGE, as_json=as_json)
    return tuple(host for host in known if not names or host.name in names)


def of_both(model: Model, inventory: Inventory) -> tuple[Finding, ...]:
    """What is found only with the inventory at hand: a next hop that is one of the mail servers themselves, and a log
    host that does not exist."""
    found = [finding for host in inventory.hosts for finding in no_loop_to_host(model, host.names)]
    found += log_host_is_known(model, frozenset(host.fqdn for host in inventory.loghosts))
    return in_order(found)

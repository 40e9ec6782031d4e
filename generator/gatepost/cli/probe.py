"""`gatepost probe`: does a mail server that one does not manage from here relay for strangers?"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gatepost.cli.check import JsonOption
from gatepost.cli.console import Exit, called, fail, leave, print_findings, print_json, progress, styled

if TYPE_CHECKING:
    from gatepost.inventory import Inventory
    from gatepost.probe.admission import Admitted
    from gatepost.probe.mailbox import Mailbox
    from gatepost.probe.names import NameService
    from gatepost.probe.run import Asked, Report

EXAMPLES = """\b
Examples:
  gatepost probe mx1.example.org --inventory inventories/example --domain example.org
  gatepost probe mx.example.net --as audit@example.org --target someone@example.org --report mx.html
  gatepost probe mx.example.net --as audit@example.org --mailbox imaps://probe%40example.org@imap.example.org
"""
PASSWORD = "GATEPOST_MAILBOX_PASSWORD"  # noqa: S105 - the name of a variable
_COLOURS = {"bad": "red", "doubt": "yellow", "good": "green"}
# A domain that is kept for examples (RFC 2606): nobody is written to.
_NOBODY = "relay-test@example.com"


def probe(
    hosts: Annotated[list[str], typer.Argument(metavar="HOST...", help="Mail servers.", show_default=False)],
    inventory: Annotated[
        Path | None, typer.Option("--inventory", "-i", metavar="INVENTORY", help="Whose mailservers may be probed.")
    ] = None,
    prober: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Who you are: the name a TXT record allows.")
    ] = "",
    domain: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="A domain the server takes mail for; may be repeated.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="ADDRESS", help="Whom the envelopes are for.")] = _NOBODY,
    from_domain: Annotated[str, typer.Option(metavar="DOMAIN", help="The senders' domain; the target's if none.")] = "",
    helo: Annotated[str, typer.Option(metavar="NAME", help="The name to say; this machine's if none.")] = "",
    mailbox: Annotated[
        str, typer.Option(metavar="URL", help="imap[s]://user@host[:port]: send real mails there, and look for them.")
    ] = "",
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to look for the mails.")] = 120,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the front door.")] = 25,
    only: Annotated[str, typer.Option(metavar="ipv4|ipv6", help="Only the addresses of this kind.")] = "",
    pause: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="The pause before each envelope.")] = 0.5,
    at_most: Annotated[int, typer.Option(min=1, metavar="N", help="Envelopes for each host.")] = 600,
    time: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Time for each host.")] = 1800,
    patience: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for a reply.")] = 30,
    name_server: Annotated[str, typer.Option(metavar="ADDRESS", help="Ask this name server, not the system's.")] = "",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report: .html or .txt.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask mail servers whether they relay for strangers: slowly, with permission alone, and from here.

    A host may be probed if it stands in the inventory, or if its own domain has a TXT record that names you
    (docs/probe.md). Without --mailbox no mail is sent.

    Exit 0: closed. 1: open. 2: wrong usage, or no permission. 3: could not tell.
    """
    from gatepost.probe.data import as_data
    from gatepost.probe.pace import Pace
    from gatepost.probe.run import probe as probe_host

    box = _mailbox(mailbox, as_json)
    asked = _asked(prober, domain or [], target, from_domain, helo, box, port, wait, patience, as_json)
    _writable(report, as_json)
    known, names = _inventory(inventory, as_json), _names(name_server, as_json)
    admitted = [_admitted(host, known, asked, names, only, as_json) for host in hosts]
    found: list[Report] = []
    for one in admitted:
        pace = Pace(at_most, time, pause)
        found.append(probe_host(one, asked, pace, progress))
    if report is not None:
        _write(report, found, as_json)
    if as_json:
        print_json({"verdict": _worst(found), "hosts": [as_data(one) for one in found]})
    else:
        _print(found)
    leave({"open": Exit.NO, "closed": Exit.FINE}.get(_worst(found), Exit.UNKNOWN))


def _worst(found: list[Report]) -> str:
    said = {report.verdict for report in found}
    return next(verdict for verdict in ("open", "could not tell", "closed") if verdict in said)


def _usage(message: str, as_json: bool) -> NoReturn:
    fail(message, Exit.USAGE, as_json=as_json)


# --- what was asked for ----------------------------------------------------------------------------------------------


def _asked(
    prober: str,
    domains: list[str],
    target: str,
    from_domain: str,
    helo: str,
    box: Mailbox | None,
    port: int,
    wait: float,
    patience: float,
    as_json: bool,
) -> Asked:
    import socket

    from gatepost.policy.values import is_domain
    from gatepost.probe.run import Asked
    from gatepost.relaying import SENDER

    plain = tuple(dict.fromkeys(name.lower().rstrip(".") for name in domains))
    # A mailbox of the server's own shows what was smuggled; only one elsewhere shows what was relayed.
    inside = box is not None and box.address.rpartition("@")[2].lower() in plain
    if box and not inside and target != _NOBODY:
        _usage("--target: with --mailbox the target is the mailbox's own address", as_json)
    target = box.address if box and not inside else _target(target, as_json)
    own_name = socket.getfqdn()
    helo = helo or (own_name if "." in own_name and is_domain(own_name) else "")
    named = [("--domain", name) for name in plain] + [("--from-domain", from_domain), ("--helo", helo)]
    for option, name in named:
        if name and not is_domain(name):
            _usage(f"{option}: {called(Path(name))} is no domain", as_json)
    # With a mailbox the sender is its address, so that what is sent back comes there.
    sender = (
        f"{SENDER}@{from_domain}"
        if from_domain
        else target
        if box and not inside
        else f"{SENDER}@{target.rpartition('@')[2]}"
    )
    return Asked(
        prober, sender, target, helo, plain, port, patience=patience, mailbox=box, password=_password(box, as_json),
        wait=wait,
    )  # fmt: skip


def _target(text: str, as_json: bool) -> str:
    from gatepost.policy.values import address

    try:
        return str(address(text))
    except ValueError as error:
        _usage(f"--target: {error}", as_json)


def _mailbox(url: str, as_json: bool) -> Mailbox | None:
    from gatepost.probe.mailbox import BadMailboxError, mailbox_of

    try:
        return mailbox_of(url) if url else None
    except BadMailboxError as error:
        _usage(f"--mailbox: {error}", as_json)


def _password(box: Mailbox | None, as_json: bool) -> str:
    """From the environment or from the terminal; an argument could be read by everybody on this machine."""
    if box is None:
        return ""
    given = os.environ.get(PASSWORD)
    if given is None and not sys.stdin.isatty():
        _usage(f"--mailbox: the password was expected in {PASSWORD}, since there is no terminal to ask at", as_json)
    return given if given is not None else str(typer.prompt(f"Password of {box.user}", hide_input=True, err=True))


def _inventory(path: Path | None, as_json: bool) -> Inventory | None:
    """An inventory with findings permits nothing; and it is no answer about any server."""
    from gatepost.findings import in_order
    from gatepost.inventory import read_inventory

    if path is None:
        return None
    known = read_inventory(path)
    if known.findings:
        if as_json:
            print_json({"findings": [finding.as_dict() for finding in in_order(known.findings)]})
        else:
            print_findings(in_order(known.findings))
        leave(Exit.USAGE)
    return known


def _names(server: str, as_json: bool) -> NameService:
    import ipaddress

    from gatepost.probe.names import NameService

    try:
        return NameService(ipaddress.ip_address(server) if server else None)
    except ValueError:
        _usage(f"--name-server: {called(Path(server))} is no address", as_json)


def _admitted(
    host: str, known: Inventory | None, asked: Asked, names: NameService, only: str, as_json: bool
) -> Admitted:
    from gatepost.probe.admission import admit
    from gatepost.probe.permission import NotPermittedError
    from gatepost.probe.run import introduction

    if only not in ("", "ipv4", "ipv6"):
        _usage("--only: ipv4 or ipv6 was expected", as_json)
    try:
        found = admit(host, known, asked.prober, names, lambda address: introduction(address, asked))
    except NotPermittedError as error:
        _usage(str(error), as_json)
    _stop_at_own_domain(found, asked, names, as_json)
    return found.only(int(only[3:])) if only else found


def _stop_at_own_domain(found: Admitted, asked: Asked, names: NameService, as_json: bool) -> None:
    """A mail for a domain of the server itself is accepted by right, and would look like relaying."""
    from gatepost.probe.names import NameServiceError
    from gatepost.probe.run import domains_of

    foreign = asked.target.rpartition("@")[2].lower()
    own = foreign in (found.host, *domains_of(found, asked))
    with contextlib.suppress(NameServiceError):
        own = own or (asked.target != _NOBODY and found.host in names.exchangers(foreign))
    if own:
        message = f"{foreign} is a domain of {found.host} itself: mail for it is no relaying; name a foreign target"
        _usage(message, as_json)


# --- what is printed -------------------------------------------------------------------------------------------------


def _print(found: list[Report]) -> None:
    from gatepost.probe.text import lines

    for number, report in enumerate(found):
        if number:
            typer.echo("")
        for line in lines(report):
            typer.echo(styled(line.text, _COLOURS.get(line.style), bold=line.style == "head", dim=line.style == "dim"))


def _writable(path: Path | None, as_json: bool) -> None:
    """Said before anything is asked of anybody."""
    if path is None:
        return
    if path.suffix not in (".html", ".txt"):
        _usage(f"--report {called(path)}: .html or .txt was expected at the end", as_json)
    if path.is_dir() or not path.parent.is_dir():
        _usage(f"--report {called(path)}: there is no such folder, or it is one", as_json)


def _write(path: Path, found: list[Report], as_json: bool) -> None:
    from gatepost.probe.html import page
    from gatepost.probe.text import lines

    if path.suffix == ".html":
        text = page(found)
    else:
        text = "\n".join("\n".join(line.text for line in lines(report)) + "\n" for report in found)
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        fail(f"{called(path)}: cannot be written: {error.strerror}", Exit.UNKNOWN, as_json=as_json)

"""`gatepost explain`: what would happen to this mail, and which line of the policy says so?"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from gatepost.cli.check import JsonOption, PolicyArgument
from gatepost.cli.console import Exit, leave, model_or_leave, print_json, readable, styled
from gatepost.decide import Action, Attempt, Verdict, decide
from gatepost.decide.doors import SUBMISSION
from gatepost.findings import shown
from gatepost.policy.values import domain_name

EXAMPLES = """\b
Examples:
  gatepost explain policy.yml --client 203.0.113.9 --from a@b.example --to anna@example.org
  gatepost explain policy.yml --client 192.0.2.7 --from anna@example.org --to x@y.example --subject "Lunch?"
  gatepost explain policy.yml --client 203.0.113.9 --from "<>" --to info@example.org --virus Eicar --json
  gatepost explain policy.yml --client 203.0.113.9 --from a@b.example --to x@directory.example --no-such-recipient
  gatepost explain policy.yml --client 203.0.113.9 --login anna --from anna@example.org --to x@y.example
  gatepost explain policy.yml --client 203.0.113.9 --listed zen.example.org=127.0.0.4 --from a@b.example --to x@y.net
"""

_COLOURS: dict[Action, str] = {
    "accept": "green",
    "reject": "red",
    "defer": "yellow",
    "quarantine": "magenta",
    "discard": "magenta",
}


def _client(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise typer.BadParameter(f"{shown(text)} is no IP address, for example 203.0.113.9 or 2001:db8::9") from None


def _score(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter("a number was expected, for example 7.5")
    return value


def _port(value: int | None) -> int | None:
    if value not in (None, 25, *SUBMISSION):
        raise typer.BadParameter(f"{value} is none of the ports at which mail is taken: 25, 587, 465")
    return value


def _listings(told: list[str] | None) -> list[str] | None:
    for one in told or ():
        try:
            ipaddress.IPv4Address(one.partition("=")[2])
        except ValueError:
            raise typer.BadParameter(f"{shown(one)}: for example zen.example.org=127.0.0.2 was expected") from None
    return told


def explain(
    policy: PolicyArgument,
    client: Annotated[str, typer.Option("--client", callback=_client, metavar="ADDRESS", help="Who connects.")],
    sender: Annotated[str, typer.Option("--from", metavar="SENDER", help='MAIL FROM; "<>" for none.')],
    to: Annotated[list[str], typer.Option("--to", metavar="RECIPIENT", help="RCPT TO; may be repeated.")],
    authenticated: Annotated[bool, typer.Option("--authenticated", help="The client has logged in.")] = False,
    login: Annotated[
        str | None, typer.Option("--login", metavar="NAME", help="Who has logged in; implies port 587 and TLS.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", callback=_port, metavar="PORT", help="25, 587 or 465; 25 if not said.")
    ] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="Whether it is encrypted; yes at 465 and with --login.")
    ] = None,
    talks_early: Annotated[bool, typer.Option("--talks-early", help="The client talks before it is greeted.")] = False,
    listed: Annotated[
        list[str] | None,
        typer.Option(
            "--listed", callback=_listings, metavar="LIST=ANSWER", help="What a block list answers; may be repeated."
        ),
    ] = None,
    helo: Annotated[str, typer.Option("--helo", metavar="NAME", help="The name in HELO.")] = "client.example",
    subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="The Subject, as sent.")] = None,
    size: Annotated[int, typer.Option("--size", min=0, metavar="BYTES", help="The size of the mail.")] = 0,
    spam_score: Annotated[
        float, typer.Option("--spam-score", callback=_score, metavar="NUMBER", help="SpamAssassin's score.")
    ] = 0.0,
    virus: Annotated[str | None, typer.Option("--virus", metavar="NAME", help="What ClamAV finds.")] = None,
    attachment: Annotated[
        list[str] | None, typer.Option("--attachment", metavar="FILE", help="A file name; may be repeated.")
    ] = None,
    scanner_down: Annotated[bool, typer.Option("--scanner-down", help="A scanner cannot be reached.")] = False,
    exists: Annotated[
        bool | None,
        typer.Option(
            "--exists/--no-such-recipient", help="What the directory or the next hop says of the recipient, if asked."
        ),
    ] = None,
    source_down: Annotated[
        bool,
        typer.Option("--source-down", help="The directory or the next hop does not answer. With --exists: it did."),
    ] = False,
    locked_out: Annotated[
        bool, typer.Option("--locked-out", help="The client has guessed too many addresses.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what happens to a mail: verdict, reply, lane, next hop, and the policy line behind each step.

    Exit 0 whatever the verdict. Exit 1: the policy itself has errors. An internationalised domain may be written
    as people write it.
    """
    model = model_or_leave(policy, as_json=as_json)
    door = port or (587 if login is not None else 25)
    if door in SUBMISSION and model.policy.submission is None:
        raise typer.BadParameter("this policy has no submission: nobody listens at ports 587 and 465, nobody logs in")
    attempts = [
        Attempt(
            client=ipaddress.ip_address(client),
            sender=_as_sent(sender),
            recipient=_as_sent(recipient),
            authenticated=authenticated,
            helo=helo,
            subject=readable(subject) if subject is not None else None,
            size=size,
            spam_score=spam_score,
            virus=readable(virus) if virus is not None else None,
            attachments=tuple(map(readable, attachment or ())),
            scanner_down=scanner_down,
            recipient_exists=exists,
            source_down=source_down,
            port=door,
            tls=tls if tls is not None else door == 465 or login is not None or authenticated,
            login=readable(login) if login is not None else None,
            talks_early=talks_early,
            listings=tuple((name, answer) for name, _, answer in (one.partition("=") for one in listed or ())),
            locked_out=locked_out,
        )
        for recipient in to
    ]
    verdicts = [(attempt, decide(model, attempt)) for attempt in attempts]
    if as_json:
        print_json({"policy": str(policy), "verdicts": [_as_dict(*one) for one in verdicts]})
    else:
        typer.echo("\n\n".join("\n".join(_told(*one)) for one in verdicts))
    leave(Exit.FINE)


def _as_sent(address: str) -> str:
    """An address as a mail program sends it: an internationalised domain in A-labels."""
    text = readable(address)
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    local, at, domain = bare.rpartition("@")
    if not at or domain.isascii():
        return text
    try:
        return f"{local}@{domain_name(domain)}"
    except ValueError:
        return text


def _as_dict(attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    plain = {key: value for key, value in vars(verdict).items() if key != "steps"}
    return {"to": attempt.recipient, **plain, "line": verdict.line, "steps": [vars(step) for step in verdict.steps]}


def _told(attempt: Attempt, verdict: Verdict) -> Iterable[str]:
    """One verdict for people, line by line."""
    head = styled(verdict.action, _COLOURS[verdict.action], bold=True)
    yield f"{head}  {styled(shown(attempt.recipient, 100), bold=True)}"
    yield from _columns([(name, value) for name, value in _facts(verdict) if value])
    yield ""
    yield from _columns([(step.what, shown(step.outcome, 100), styled(step.line, dim=True)) for step in verdict.steps])


def _facts(verdict: Verdict) -> Iterable[tuple[str, str | None]]:
    yield "reply", f"{verdict.code} {verdict.enhanced} {shown(verdict.text, 400)}"
    yield "lane", verdict.lane
    yield "next hop", verdict.next_hop
    yield "mailbox", shown(verdict.recipient, 100) if verdict.recipient else None
    yield "carries", "the mark of spam" if verdict.marked else "the spam score" if verdict.tagged else None
    yield "because", verdict.line


def _columns(rows: list[tuple[str, ...]]) -> Iterable[str]:
    """Rows with their columns under each other; the last column is as wide as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  " + "  ".join([*cells, row[-1]])

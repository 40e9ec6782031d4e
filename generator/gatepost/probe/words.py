"""The words of a report that its page of text and its HTML share.

In: a report. Out: sentences and pairs. All texts of the server are printable since they were read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gatepost.probe.frontdoor import FrontDoor
from gatepost.probe.rows import Row
from gatepost.probe.run import Report


def summary(report: Report) -> str:
    """The answer, in one sentence."""
    tried = f"{len(report.rows)} tries"
    if report.verdict == "closed":
        return f"closed: {tried}, and none got through"
    if report.verdict == "could not tell":
        unknown = sum(row.verdict == "could not tell" for row in report.rows)
        return f"could not tell: {unknown} of {tried} gave no answer that counts; no answer is no refusal"
    return f"open: {sum(row.verdict == 'open' for row in report.rows)} of {tried} got through"


def meaning(report: Report) -> str:
    """How far the word "open" can be relied on."""
    if report.asked.mails_relay:
        return "accepted envelopes carried a real mail; relayed means that it arrived"
    return "open means accepted at RCPT, as far as RCPT tells: no mail was sent (--mailbox sends one and looks)"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """What one has to know of the run."""
    yield "host", f"{report.host} ({', '.join(map(str, report.addresses)) or 'no address'})"
    yield "when", f"{report.begun:%Y-%m-%d %H:%M:%S} UTC, {report.seconds:.0f} s"
    yield "permission", report.permission
    yield "prober", report.asked.prober or "not named (--as)"
    yield "envelopes", f"from {report.asked.sender} to {report.asked.target}"
    yield "stood for S", ", ".join(report.names)
    yield "seen as", seen_as(report)


def seen_as(report: Report) -> str:
    """Under which address the server saw us."""
    if report.client is None:
        return "could not tell: the server does not say under which address it sees us"
    ours = {door.client for door in report.doors}
    address = str(report.client.address)
    behind = "" if address in ours else f"; here it is {', '.join(sorted(filter(None, ours)))}, so something translates"
    return f"{address}, by {report.client.where}{behind}"


def of_door(door: FrontDoor, host: str) -> Iterator[tuple[str, str, bool | None]]:
    """What the front door told: a name, a text, and whether that is good."""
    if door.error:
        yield "could not tell", door.error, None
    if door.greeting:
        yield "greeting", door.greeting, None
        offered = ", ".join(f"{name} {value}".strip() for name, value in door.extensions)
        yield "extensions", offered or "none", None
        yield "TLS", _tls(door, host), not door.tls_error and bool(door.tls)
    if "AUTH" in dict(door.extensions):
        yield "login", "offered before STARTTLS: passwords may go in the clear", False
    for answer in door.answers:
        yield answer.asked, f"{answer.meaning}: {answer.answer}", answer.good


def _tls(door: FrontDoor, host: str) -> str:
    if door.tls_error:
        return f"could not tell: {door.tls_error}"
    if not door.tls:
        return "not offered"
    shown = door.certificate
    if shown is None:
        return f"{door.tls}, with a certificate that cannot be read"
    ended = " (over)" if shown.until < datetime.now(UTC) else ""
    speaks = "" if shown.speaks_for(host) or shown.speaks_for(door.name) else ", not this host's name"
    signed = ", signed by itself" if shown.self_signed else f", signed by {shown.issuer}"
    whose = f"certificate of {', '.join(shown.names) or 'nobody'}{speaks}"
    return f"{door.tls}, {whose}, until {shown.until:%Y-%m-%d}{ended}{signed}"


def of_row(row: Row) -> str:
    """What was said to a try, and what to think of it."""
    return ": ".join(part for part in (row.why, row.answer) if part)


def envelope_of(row: Row) -> str:
    """The envelope as it stood on the wire."""
    e = row.envelope
    return f"MAIL FROM:{e.wire_sender} RCPT TO:{e.wire_recipient}" if e else ""

"""What decide is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatepost.policy.values import IPAddress

Action = Literal["accept", "reject", "defer", "quarantine", "discard"]


@dataclass(frozen=True)
class Attempt:
    """One try to hand us a mail, as the gate sees it, and what the scanners say of it.

    `sender` is "" for the null sender. `subject` is the header's value as sent (perhaps with RFC 2047 encoded words).
    `attachments` are file names. `spam_score` is SpamAssassin's, before the allow list counts. `locked_out`: the client
    has guessed too many addresses of late. `server_addresses` are the server's own, where they are known: a recipient
    `x@[192.0.2.1]` at one of them is a recipient at the server.
    `sender` and `recipient` are what stands between < and >, or with both.

    Where a directory or the next hop alone knows who exists: `recipient_exists` is what it says (None: nobody asked it;
    the recipient is taken to exist), and `source_down` tells that it does not answer. A next hop's answer is
    remembered, so with `source_down` a recipient that is said to exist is one that is remembered.
    `login` is the name of who has logged in, where it is known; `listings` are block lists with what they answer about
    the client.
    """

    client: IPAddress
    sender: str
    recipient: str
    authenticated: bool = False
    helo: str = "client.example"
    subject: str | None = None
    size: int = 0
    spam_score: float = 0.0
    virus: str | None = None
    attachments: tuple[str, ...] = ()
    scanner_down: bool = False
    locked_out: bool = False
    server_addresses: frozenset[IPAddress] = frozenset()
    recipient_exists: bool | None = None
    source_down: bool = False
    port: int = 25
    tls: bool = False
    login: str | None = None
    talks_early: bool = False
    listings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """One step on the way to a verdict: what was asked, what came out, and the policy line that says so."""

    what: str
    outcome: str
    line: str


@dataclass(frozen=True)
class Verdict:
    """What must happen to an attempt.

    `code`, `enhanced` and `text` are the SMTP reply that the client sees (RFC 5321, RFC 3463): a mail that is accepted,
    quarantined, discarded or that waits for a scanner is answered 250. The server's reply names the address besides.
    `recipient` is where the mail is delivered in the end (aliases resolved). `marked` and `tagged` tell what a
    delivered mail carries. The last step holds the deciding policy line.
    """

    action: Action
    code: int
    enhanced: str
    text: str
    steps: tuple[Step, ...]
    lane: str | None = None
    next_hop: str | None = None
    recipient: str | None = None
    tagged: bool = False
    marked: bool = False

    @property
    def line(self) -> str:
        """The policy line that decided."""
        return self.steps[-1].line

"""The relay table: the envelopes by which a stranger may try to have a mail passed on to another stranger.

In: a foreign sender and target, and the names and the address of the server. Out: every envelope, each once.
How it fails: never. The table knows neither servers nor policies: `prove` and `probe` both ask it.

The letters are those of nmap's smtp-open-relay: F a sender, T a target, D the foreign domain, S a name of the server
or one of its own domains, I its address. `classic` are the sixteen forms of that script; the others are our own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gatepost.policy.values import IPAddress

SENDER = "gatepost-probe"
# Below a domain of ours, a name that nobody has.
BELOW = "gatepost-probe"
# Addresses of nobody (RFC 5737, RFC 3849), for recipients whose domain is an address.
_NOBODYS = {4: ("192.0.2.25", "198.51.100.25"), 6: ("2001:db8::25", "2001:db8::26")}


@dataclass(frozen=True)
class Envelope:
    """One try. `helo` is empty where the client names itself; `bracketless` stands without angle brackets."""

    form: str
    sender: str
    recipient: str
    helo: str = ""
    bracketless: bool = False
    classic: bool = False

    @property
    def wire_sender(self) -> str:
        """The argument of MAIL FROM."""
        return self.sender if self.bracketless else f"<{self.sender}>"

    @property
    def wire_recipient(self) -> str:
        """The argument of RCPT TO."""
        return self.recipient if self.bracketless else f"<{self.recipient}>"


@dataclass(frozen=True)
class Parties:
    """Who stands behind the letters."""

    sender: str
    target: str
    names: tuple[str, ...]
    address: IPAddress

    @cached_property
    def local(self) -> str:
        """T."""
        return self.target.rpartition("@")[0]

    @cached_property
    def domain(self) -> str:
        """D."""
        return self.target.rpartition("@")[2]

    @cached_property
    def literal(self) -> str:
        """[I]."""
        return literal(self.address)


def literal(address: IPAddress) -> str:
    """An address as it may stand in place of a domain."""
    return f"[{'IPv6:' if address.version == 6 else ''}{address}]"


def envelopes(parties: Parties) -> list[Envelope]:
    """The whole table; what comes out the same twice stands there once."""
    made = [*_of_nmap(parties), *_of_the_target(parties), *_through_itself(parties)]
    for name in parties.names:
        made += _through(parties, name)
    made += _as_ourselves(parties)
    # The sort is stable: those with the same HELO come together.
    return sorted(_once(made), key=lambda envelope: envelope.helo)


def _once(made: list[Envelope]) -> list[Envelope]:
    """The first of each. The same letters may come from two forms."""
    known = {(e.wire_sender, e.wire_recipient, e.helo): e for e in reversed(made)}
    return list(reversed(known.values()))


def _of_nmap(p: Parties) -> Iterator[Envelope]:
    """Those of the sixteen in which no S stands."""
    t, d, i = p.local, p.domain, p.literal
    itself = f"{SENDER}@{i}"
    yield Envelope("<> → T@D", "", p.target, classic=True)
    yield Envelope("F@D → T@D", p.sender, p.target, classic=True)
    yield Envelope("F@[I] → T@D", itself, p.target, classic=True)
    for form, recipient in (
        ("T%D@[I]", f"{t}%{d}@{i}"),
        ('"T@D"', f'"{t}@{d}"'),
        ('"T%D"', f'"{t}%{d}"'),
        ("T@D@[I]", f"{t}@{d}@{i}"),
        ('"T@D"@[I]', f'"{t}@{d}"@{i}'),
        ("@[I]:T@D", f"@{i}:{p.target}"),
        ("D!T", f"{d}!{t}"),
        ("D!T@[I]", f"{d}!{t}@{i}"),
    ):
        yield Envelope(f"F@[I] → {form}", itself, recipient, classic=True)


def _through(p: Parties, name: str) -> Iterator[Envelope]:
    """The forms with S: the server's own name, or a domain of ours."""
    t, d, itself = p.local, p.domain, f"{SENDER}@{p.literal}"
    yield Envelope("F@S → T@D", f"{SENDER}@{name}", p.target, classic=True)
    for form, recipient in (
        ("T%D@S", f"{t}%{d}@{name}"),
        ("T@D@S", f"{t}@{d}@{name}"),
        ("@S:T@D", f"@{name}:{p.target}"),
        ("D!T@S", f"{d}!{t}@{name}"),
    ):
        yield Envelope(f"F@[I] → {form}", itself, recipient, classic=True)
    for form, recipient in (
        ("T%D@S", f"{t}%{d}@{name}"),
        ('"T@D"@S', f'"{t}@{d}"@{name}'),
        ('"T%D"@S', f'"{t}%{d}"@{name}'),
        ("T%D@S.", f"{t}%{d}@{name}."),
        ("S!D!T", f"{name}!{d}!{t}"),
        ("@D,@S:T@D", f"@{d},@{name}:{p.target}"),
        ("T@sub.S", f"{t}@{BELOW}.{name}"),
    ):
        yield Envelope(f"F@D → {form}", p.sender, recipient)
    yield Envelope("F@sub.S → T@D", f"{SENDER}@{BELOW}.{name}", p.target)
    yield Envelope("HELO S: F@D → T@D", p.sender, p.target, helo=name)
    yield Envelope("HELO S: F@S → T@D", f"{SENDER}@{name}", p.target, helo=name)


def _of_the_target(p: Parties) -> Iterator[Envelope]:
    """The target alone, oddly written."""
    t, d = p.local, p.domain
    nobody = _nobodys(p.address)
    for form, recipient in (
        ("T@D.", f"{p.target}."),
        ("T%D", f"{t}%{d}"),
        ("@a,@b:T@D", f"@a.{BELOW}.invalid,@b.{BELOW}.invalid:{p.target}"),
        ("T@[J]", f"{t}@{literal(nobody)}"),
        ("T@J", f"{t}@{nobody}"),
        ('"T"@D', f'"{t}"@{d}'),
    ):
        yield Envelope(f"F@D → {form}", p.sender, recipient)
    yield Envelope("F@D → T@D, without angle brackets", p.sender, p.target, bracketless=True)


def _through_itself(p: Parties) -> Iterator[Envelope]:
    """By way of names that every server takes for itself."""
    t, d = p.local, p.domain
    for name in ("localhost", "[127.0.0.1]"):
        yield Envelope(f"F@D → T%D@{name}", p.sender, f"{t}%{d}@{name}")
        yield Envelope(f'F@D → "T@D"@{name}', p.sender, f'"{t}@{d}"@{name}')
        yield Envelope(f"F@D → @{name}:T@D", p.sender, f"@{name}:{p.target}")
        yield Envelope(f"F@D → D!T@{name}", p.sender, f"{d}!{t}@{name}")


def _as_ourselves(p: Parties) -> Iterator[Envelope]:
    """With a sender or a HELO that only the server itself could have."""
    for what, sender in (
        ("F", SENDER),
        ("root", "root"),
        ("F@localhost", f"{SENDER}@localhost"),
        ("F@[127.0.0.1]", f"{SENDER}@[127.0.0.1]"),
    ):
        yield Envelope(f"{what} → T@D", sender, p.target)
    for what, helo in (("localhost", "localhost"), ("[127.0.0.1]", "[127.0.0.1]"), ("[I]", p.literal)):
        yield Envelope(f"HELO {what}: F@D → T@D", p.sender, p.target, helo=helo)


def _nobodys(own: IPAddress) -> IPAddress:
    free = (ipaddress.ip_address(text) for text in _NOBODYS[own.version])
    return next(address for address in free if address != own)

"""The tables of what went wrong: refused, deferred, returned, warned of; each reason with how often.

In: what stands behind the verdict in a line. Out: nested dictionaries of bytes, as pflogsumm groups and shortens them,
so that the two reports can be laid side by side.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gatepost_observer.summary.pattern import REFUSED

Table = dict[bytes, dict[bytes, int]]
Refusals = dict[bytes, dict[bytes, dict[bytes, int]]]

# What a group of refusals is made of: the client's domain, the sender, the recipient, the client itself.
BY_CLIENT, BY_SENDER, BY_RECIPIENT, BY_ADDRESS = range(4)
_MANY: Final = 5_000
_REFUSED: Final = re.compile(REFUSED)
_TRIM: Final = 66
_HEADER: Final = 64
_LEADING: Final = re.compile(rb"^(\d{3} <).*?(>:)")
_PROTOCOL: Final = re.compile(rb"^(?:\d{3} \d\.\d\.\d )(Protocol error);.*$")
_RECIPIENT: Final = re.compile(rb"^(?:.*?[:;] )(?:\[[^\]]+\] )?([^;,]+)[;,].*$")
_ADDRESS: Final = re.compile(rb"^((?:Sender|Recipient) address rejected: [^:]+):.*$")
_BLOCKED: Final = re.compile(rb"(client|Client host|Sender address) .+? blocked")
_MAIL: Final = re.compile(rb"^\d{3} (?:<.+>: )?([^;:]+)[;:]?.*$")
_OTHER: Final = re.compile(rb"^(?:.*[:;] )?([^,]+).*$")
_SPECIAL: Final = (
    (re.compile(rb"^.*?\d{3} (Improper use of SMTP command pipelining);.*$"), b""),
    (re.compile(rb"^.*?\d{3} (Message size exceeds fixed limit);.*$"), b""),
    (re.compile(rb"^.*?\d{3} (Server configuration (?:error|problem));.*$"), b"(Local) "),
)
_TO: Final = (
    re.compile(rb"to=<([^>]+)>"),
    re.compile(rb"\d{3} <([^>]+)>: User unknown "),
    re.compile(rb"to=<(.*?)(?:[, ]|$)"),
)
_FROM: Final = re.compile(rb"from=<([^>]+)>")
_UNKNOWN: Final = re.compile(rb"^(?:Recipient address rejected:|User unknown(?: |$))")
_BEHIND: Final = re.compile(rb"( from \S+?)?; from=<.*$")
_SLASH: Final = re.compile(rb"(?i)([^/]*)/([0-9a-f.:]+)")
_ANY: Final = re.compile(rb"([^\[(/]*)[\[(/]([^\])]+)[\])]:?\d*$")
_SHORTER: Final = re.compile(rb"^(.*)\.([^.]+)\.([^.]{3}|[^.]{2,3}\.[^.]{2})$")
_CODE: Final = re.compile(rb"^\d{3} ")


class Details:
    """The tables, and how many of each kind."""

    def __init__(self) -> None:
        self.rejects: Refusals = {}
        self.warns: Refusals = {}
        self.holds: Refusals = {}
        self.discards: Refusals = {}
        self.deferrals: Table = {}
        self.bounces: Table = {}
        self.warnings: Table = {}
        self.fatals: Table = {}
        self.panics: Table = {}
        self.failures: Table = {}
        self.masters: dict[bytes, int] = {}
        self.memory: dict[bytes, tuple[int, dict[bytes, int]]] = {}
        self.hosts: dict[bytes, bytes] = {}

    def refused(self, rest: bytes) -> None:
        """`RCPT from name[address]: 550 5.1.1 …; from=<…> to=<…>`."""
        usual = _REFUSED.match(rest)
        if usual is None:
            self._verdict(self.rejects, rest)
            return
        client, why, parties = usual.groups()
        kind, entries = self.memory.get(why) or self.reason(why)
        add(entries, self.host(client) if kind == BY_CLIENT else self.party(kind, client, parties))

    def reason(self, why: bytes) -> tuple[int, dict[bytes, int]]:
        """How the refusals of a recipient with this reason are grouped, and the entries of that group."""
        kind, reason = _grouped(_shortened(why))
        known = kind, self.rejects.setdefault(b"RCPT", {}).setdefault(reason, {})
        if len(self.memory) < _MANY:
            self.memory[why] = known
        return known

    def party(self, kind: int, client: bytes, parties: bytes) -> bytes:
        """The sender or the recipient of `sender> to=<recipient`, or else the client."""
        sender, _, recipient = parties.partition(b"> to=<")
        return sender or b"<>" if kind == BY_SENDER else recipient if kind == BY_RECIPIENT else client

    def verdict(self, word: bytes, rest: bytes) -> bool:
        """A refusal, or a lesser word; False for one that is not counted."""
        if word == b"reject":
            self.refused(rest)
        elif word == b"reject_warning":
            self._verdict(self.warns, rest)
        elif word == b"hold":
            self._verdict(self.holds, rest)
        elif word == b"discard":
            self._verdict(self.discards, rest)
        else:
            return False
        return True

    def content(self, word: bytes, part: bytes, rest: bytes) -> None:
        """cleanup's word on a header, a body, or the whole mail."""
        shown = trimmed(_BEHIND.sub(b"", rest), _HEADER)
        if word.endswith(b"reject"):
            table = self.rejects
        elif word == b"warning":
            table = self.warns
        elif word.endswith(b"hold"):
            table = self.holds
        else:
            table = self.discards
        add(table.setdefault(b"cleanup", {}).setdefault(part, {}), shown)

    def _verdict(self, table: Refusals, rest: bytes) -> None:
        stop = rest.find(b": ")
        command, _, client = rest[:stop].partition(b" from ")
        text = rest[stop + 2 :]
        kind, reason = self._reason(command, text)
        if kind == BY_CLIENT:
            data = self.host(client)
        elif kind == BY_SENDER:
            found = _FROM.search(text)
            data = found[1] if found else b"<>"
        elif kind == BY_RECIPIENT:
            data = recipient_of(text)
        else:
            data = client
        reasons = table.get(command)
        if reasons is None:
            reasons = table[command] = {}
        entries = reasons.get(reason)
        if entries is None:
            entries = reasons[reason] = {}
        entries[data] = entries.get(data, 0) + 1

    def _reason(self, command: bytes, text: bytes) -> tuple[int, bytes]:
        """What the refusals are grouped by."""
        return _grouped(_reason_of(command, text))

    def host(self, client: bytes) -> bytes:
        """The domain of a client, or its address."""
        known = self.hosts.get(client)
        if known is None:
            known = domain_of(client)
            if len(self.hosts) < 10 * _MANY:
                self.hosts[client] = known
        return known

    def warned(self, daemon: bytes, word: bytes, said: bytes) -> None:
        """`warning: …`, `fatal: …`, `panic: …`."""
        table = self.warnings if word == b"warning" else self.fatals if word == b"fatal" else self.panics
        entries = table.get(daemon)
        if entries is None:
            entries = table[daemon] = {}
        said = trimmed(said, _TRIM)
        entries[said] = entries.get(said, 0) + 1

    def deferral(self, daemon: bytes, reply: bytes) -> None:
        """Why one recipient was put off."""
        said = said_trimmed(reply.partition(b")")[0], 65)
        said = _CODE.sub(b"", said)
        add(self.deferrals.setdefault(daemon, {}), said.removeprefix(b"connect to "))

    def bounce(self, relay: bytes, reply: bytes) -> None:
        """Why one recipient was given up."""
        said = said_trimmed(reply[: reply.rfind(b")")] if b")" in reply else reply, 66)
        add(self.bounces.setdefault(relay, {}), _CODE.sub(b"", said))

    def add(self, later: Details) -> None:
        """Add the tables of the lines that follow."""
        for name, theirs in later.__dict__.items():
            ours = getattr(self, name)
            if name in ("memory", "hosts"):
                continue
            merge(ours, theirs)


def add(table: dict[bytes, int], key: bytes) -> None:
    """One more."""
    table[key] = table.get(key, 0) + 1


def total(refusals: Refusals) -> int:
    """How many there are."""
    return sum(sum(entries.values()) for reasons in refusals.values() for entries in reasons.values())


def merge(ours: dict[bytes, Any], theirs: dict[bytes, Any]) -> None:
    """Add one nested table to another."""
    for key, value in theirs.items():
        if isinstance(value, dict):
            merge(ours.setdefault(key, {}), value)
        else:
            ours[key] = ours.get(key, 0) + value


def trimmed(text: bytes, most: int) -> bytes:
    """At most so long, with dots where it was longer."""
    return text if len(text) <= most else text[: most - 3] + b"..."


def said_trimmed(text: bytes, most: int) -> bytes:
    """A host's reply without what stands before it, as far as it takes to make it short enough."""
    while len(text) > most:
        if b" said: " in text:
            text = text.rpartition(b" said: ")[2]
        elif b":" in text:
            text = text.partition(b":")[2].lstrip(b" ")
        else:
            return text[: most - 3] + b"..."
    return text


def recipient_of(text: bytes) -> bytes:
    """The recipient of a refusal."""
    for pattern in _TO:
        found = pattern.search(text)
        if found:
            return found[1]
    return b"<>"


def domain_of(client: bytes) -> bytes:
    """`mail.example.org[192.0.2.1]` is example.org; a client without a name is its address."""
    domain, bracket, rest = client.partition(b"[")
    end = rest.find(b"]")
    if bracket and end > 0:
        address = rest[:end]
    else:
        found = _SLASH.match(client) or _ANY.match(client)
        if found is None:
            return client
        domain, address = found.groups()
    if domain in (b"", b"unknown"):
        return address
    if domain[-4:-3] != b"." and domain[-3:-2] != b".":
        return domain
    shorter = _SHORTER.match(domain)
    return shorter[2].lower() + b"." + shorter[3].lower() if shorter else domain


def _reason_of(command: bytes, text: bytes) -> bytes:
    if command in (b"RCPT", b"DATA", b"CONNECT"):
        text = _PROTOCOL.sub(rb"\1", _LEADING.sub(rb"\1\2", text))
        return _shortened(_RECIPIENT.sub(rb"\1", text))
    return (_MAIL if command == b"MAIL" else _OTHER).sub(rb"\1", text)


def _shortened(said: bytes) -> bytes:
    return _BLOCKED.sub(b"blocked", _ADDRESS.sub(rb"\1", said), count=1)


def _grouped(reason: bytes) -> tuple[int, bytes]:
    if reason.startswith(b"Sender address rejected:"):
        return BY_SENDER, reason
    if _UNKNOWN.match(reason):
        return BY_RECIPIENT, reason
    for number, (pattern, prefix) in enumerate(_SPECIAL):
        if pattern.match(reason):
            return (BY_CLIENT if number else BY_ADDRESS), prefix + pattern.sub(rb"\1", reason)
    return BY_CLIENT, reason

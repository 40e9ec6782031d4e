"""The tables of what went wrong: refused, deferred, returned, warned of; each reason with how often.

In: what stands behind the verdict in a line. Out: nested dictionaries of bytes, as pflogsumm groups and shortens them,
so that the two reports can be laid side by side.
"""

from __future__ import annotations

import re
from typing import Any, Final

Table = dict[bytes, dict[bytes, int]]
Refusals = dict[bytes, dict[bytes, dict[bytes, int]]]

_MANY: Final = 5_000
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
_SAID: Final = re.compile(rb"^.* said: ")
_COLON: Final = re.compile(rb"^.*?: *")
_CODE: Final = re.compile(rb"^\d{3} ")


class Details:
    """The tables, and how many of each kind."""

    def __init__(self) -> None:
        self.rejected = self.reject_warnings = self.held = self.discarded = 0
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
        """`RCPT from name[address]: 550 5.1.1 …; from=<…> to=<…>`; the usual forms without a pattern."""
        self.rejected += 1
        client = rest.find(b"]")
        if rest[:10] == b"RCPT from " and rest[client + 1 : client + 3] == b": ":
            start = client + 13
            if rest[start : start + 1] == b"<" and rest[client + 7 : client + 9] != b" <":
                quoted = rest.find(b">", start)
                start = quoted + 3 if rest[quoted + 1 : quoted + 3] == b": " else 0
            else:
                colon, start = rest.find(b":", start), rest.find(b";", start)
                start = start + 2 if colon < 0 or start < colon else colon + 2
            end = rest.find(b";", start)
            comma = rest.find(b",", start, end)
            said = rest[start : comma if comma > 0 else end]
            known = self.memory.get(said)
            if known is None and start > client + 12 and end > start:
                known = self._remembered(said)
            if known is not None and start > client + 12 and self._entered(rest, end, client, known):
                return
        self._verdict(self.rejects, rest)

    def _entered(self, rest: bytes, end: int, client: int, known: tuple[int, dict[bytes, int]]) -> bool:
        """Count it for the client, the sender or the recipient; False where those do not stand where they should."""
        kind, entries = known
        if kind == 0:
            data = self.host(rest[10 : client + 1])
        else:
            sender = rest.find(b">", end)
            if kind == 1:
                data = rest[end + 8 : sender] if rest[end : end + 8] == b"; from=<" else b""
            else:
                recipient = rest.find(b">", sender + 1)
                data = rest[sender + 6 : recipient] if rest[sender + 1 : sender + 6] == b" to=<" else b""
        if not data or kind == 3:
            return False
        entries[data] = entries.get(data, 0) + 1
        return True

    def _remembered(self, said: bytes) -> tuple[int, dict[bytes, int]]:
        """How this reason of a refused RCPT is grouped, and the entries of that group."""
        if said[:12] == b"Client host " and b" blocked" in said:  # with the address in it: no two are the same
            said = said[said.find(b" blocked") + 1 :]
        known = self.memory.get(said)
        if known is None:
            if not said or said[:1] == b"[":
                return 3, {}
            kind, reason = _grouped(_shortened(said))
            known = kind, self.rejects.setdefault(b"RCPT", {}).setdefault(reason, {})
            if len(self.memory) < _MANY:
                self.memory[said] = known
        return known

    def verdict(self, word: bytes, rest: bytes) -> bool:
        """A refusal, or a lesser word; False for one that is not counted."""
        if word == b"reject":
            self.refused(rest)
        elif word == b"reject_warning":
            self.reject_warnings += 1
            self._verdict(self.warns, rest)
        elif word == b"hold":
            self.held += 1
            self._verdict(self.holds, rest)
        elif word == b"discard":
            self.discarded += 1
            self._verdict(self.discards, rest)
        else:
            return False
        return True

    def content(self, word: bytes, part: bytes, rest: bytes) -> None:
        """cleanup's word on a header, a body, or the whole mail."""
        shown = trimmed(_BEHIND.sub(b"", rest), _HEADER)
        if word.endswith(b"reject"):
            self.rejected += 1
            table = self.rejects
        elif word == b"warning":
            self.reject_warnings += 1
            table = self.warns
        elif word.endswith(b"hold"):
            self.held += 1
            table = self.holds
        else:
            self.discarded += 1
            table = self.discards
        add(table.setdefault(b"cleanup", {}).setdefault(part, {}), shown)

    def _verdict(self, table: Refusals, rest: bytes) -> None:
        stop = rest.find(b": ")
        command, _, client = rest[:stop].partition(b" from ")
        text = rest[stop + 2 :]
        kind, reason = self._reason(command, text)
        if kind == 0:
            data = self.host(client)
        elif kind == 1:
            found = _FROM.search(text)
            data = found[1] if found else b"<>"
        elif kind == 2:
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
        """What the refusals are grouped by: 0 the client's domain, 1 the sender, 2 the recipient, 3 the client."""
        return _grouped(_reason_of(command, text))

    def host(self, client: bytes) -> bytes:
        """The domain of a client, or its address."""
        known = self.hosts.get(client)
        if known is None:
            known = domain_of(client)
            if len(self.hosts) < 4 * _MANY:
                self.hosts[client] = known
        return known

    def warned(self, daemon: bytes, text: bytes) -> None:
        """`warning: …`, `fatal: …`, `panic: …`."""
        word, _, said = text.partition(b": ")
        table = {b"warning": self.warnings, b"fatal": self.fatals, b"panic": self.panics}.get(word)
        if table is not None:
            add(table.setdefault(daemon, {}), trimmed(said, _TRIM))

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
            if isinstance(ours, int):
                setattr(self, name, ours + theirs)
            else:
                merge(ours, theirs)


def add(table: dict[bytes, int], key: bytes) -> None:
    """One more."""
    table[key] = table.get(key, 0) + 1


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
            text = _SAID.sub(b"", text)
        elif b":" in text:
            text = _COLON.sub(b"", text)
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
        return 1, reason
    if _UNKNOWN.match(reason):
        return 2, reason
    for number, (pattern, prefix) in enumerate(_SPECIAL):
        if pattern.match(reason):
            return (0 if number else 3), prefix + pattern.sub(rb"\1", reason)
    return 0, reason

"""What postscreen says: clients that were looked at before they may speak to smtpd.

In: its lines. Out: refusals, and an ended session for each client that never reached smtpd; one that passed is told of
by smtpd.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Kind, Refusal
from gatepost_observer.parse.envelope import envelope
from gatepost_observer.parse.refusals import dns_list, refusal
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.smtpd import client_address
from gatepost_observer.parse.text import shown

_PEER: Final = rb"\[([0-9A-Fa-f.:]+)\](?::\d+)?"
_REJECTED: Final = re.compile(rb"(?:NOQUEUE: )?reject: ([A-Z-]+) from " + _PEER + rb": ?")
_GONE: Final = re.compile(rb"DISCONNECT " + _PEER + rb"$")
_KNOWN: Final = re.compile(
    rb"(?:CONNECT from|PREGREET \d+ after|HANGUP after|DNSBL rank|PASS (?:NEW|OLD)|WHITELISTED|ALLOWLISTED|"
    rb"BLACKLISTED|DENYLISTED|(?:WHITE|ALLOW)LIST VETO|COMMAND (?:PIPELINING|TIME LIMIT|COUNT LIMIT|LENGTH LIMIT)|"
    rb"BARE NEWLINE|NON-SMTP COMMAND|DATA without|BDAT without|UNEXPECTED|READ ERROR|WRITE ERROR|NOQUEUE: |"
    rb"cache |close database |entering STRESS|leaving STRESS|reload|table .* has changed|"
    rb"addr |statistics|using backwards|lost connection|TLS|.*cleanup)"
)


def postscreen(said: Said) -> bool:
    """A line of postscreen; False where it is not known."""
    match = _REJECTED.match(said.message)
    if match:
        return _rejected(said, match)
    match = _GONE.match(said.message)
    if match:
        said.event(Kind.CONNECT, {"client": client_address(match[1])})
        return True
    return bool(_KNOWN.match(said.message))


def _rejected(said: Said, match: re.Match[bytes]) -> bool:
    told = envelope(said.message[match.end() :])
    kind = refusal(told.reason)
    if match[1] == b"CONNECT" and kind is Refusal.OTHER:
        kind = Refusal.RATE
    elif kind is Refusal.UNAVAILABLE and b"blocked" in told.reason:
        kind = Refusal.BLOCK_LIST
    said.event(
        Kind.REFUSED,
        {
            "reason": kind.value, "code": told.code, "status": told.status, "client": client_address(match[2]),
            "sender": told.sender, "recipient": told.recipient, "protocol": told.protocol, "helo": told.helo,
            "list": dns_list(told.reason) if kind is Refusal.BLOCK_LIST else None,
            "text": shown(told.text.rstrip()),
        },
    )  # fmt: skip
    return True

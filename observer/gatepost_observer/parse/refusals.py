"""Why was a client refused? The texts of Postfix, of milters and policy servers, and of our own policy.

In: the reply's text as it was logged, without the address that it quotes in front: that address was chosen by the
client. Out: one of Refusal; a text that nobody foresaw is OTHER.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Refusal

# The first that is found decides, so the special stands before the general.
_TEXTS: Final[tuple[tuple[bytes, Refusal], ...]] = (
    (b"locked out", Refusal.LOCKED_OUT),
    (b"blocked using", Refusal.BLOCK_LIST),
    (b"blocked by ", Refusal.BLOCK_LIST),
    (b"listed at ", Refusal.BLOCK_LIST),
    (b"listed by ", Refusal.BLOCK_LIST),
    (b"listed in ", Refusal.BLOCK_LIST),
    (b"relay access denied", Refusal.RELAY),
    (b"relaying denied", Refusal.RELAY),
    (b"relay not permitted", Refusal.RELAY),
    (b"not permitted to relay", Refusal.RELAY),
    (b"greylist", Refusal.GREYLISTED),
    (b"graylist", Refusal.GREYLISTED),
    (b"grey-list", Refusal.GREYLISTED),
    (b"greylisted", Refusal.GREYLISTED),
    (b"not owned by user", Refusal.SENDER_LOGIN),
    (b"not logged in", Refusal.SENDER_LOGIN),
    (b"user unknown", Refusal.UNKNOWN_RECIPIENT),
    (b"unknown user", Refusal.UNKNOWN_RECIPIENT),
    (b"no such user", Refusal.UNKNOWN_RECIPIENT),
    (b"no such recipient", Refusal.UNKNOWN_RECIPIENT),
    (b"recipient unknown", Refusal.UNKNOWN_RECIPIENT),
    (b"mailbox unavailable", Refusal.UNKNOWN_RECIPIENT),
    (b"unverified address", Refusal.UNVERIFIED),
    (b"undeliverable address", Refusal.UNVERIFIED),
    (b"address verification", Refusal.UNVERIFIED),
    (b"cannot find your", Refusal.UNKNOWN_CLIENT),
    (b"host not found", Refusal.UNKNOWN_DOMAIN),
    (b"domain not found", Refusal.UNKNOWN_DOMAIN),
    (b"does not accept mail", Refusal.UNKNOWN_DOMAIN),
    (b"nullmx", Refusal.UNKNOWN_DOMAIN),
    (b"malformed dns", Refusal.UNKNOWN_DOMAIN),
    (b"need fully-qualified", Refusal.BAD_ADDRESS),
    (b"fully qualified", Refusal.BAD_ADDRESS),
    (b"invalid name", Refusal.BAD_ADDRESS),
    (b"malformed", Refusal.BAD_ADDRESS),
    (b"address syntax", Refusal.BAD_ADDRESS),
    (b"mailbox syntax", Refusal.BAD_ADDRESS),
    (b"non-ascii", Refusal.BAD_ADDRESS),
    (b"smtputf8", Refusal.BAD_ADDRESS),
    (b"queue file size limit", Refusal.TOO_LARGE),
    (b"size exceeds", Refusal.TOO_LARGE),
    (b"file too big", Refusal.TOO_LARGE),
    (b"message too ", Refusal.TOO_LARGE),
    (b"size limit", Refusal.TOO_LARGE),
    (b"insufficient system storage", Refusal.NO_SPACE),
    (b"queue file write error", Refusal.NO_SPACE),
    (b"no space", Refusal.NO_SPACE),
    (b"starttls", Refusal.TLS),
    (b"encrypt", Refusal.TLS),
    (b"client certificate", Refusal.TLS),
    (b"tls", Refusal.TLS),
    (b"pipelining", Refusal.PROTOCOL),
    (b"protocol error", Refusal.PROTOCOL),
    (b"bare <lf>", Refusal.PROTOCOL),
    (b"bare newline", Refusal.PROTOCOL),
    (b"bare <cr>", Refusal.PROTOCOL),
    (b"multi-recipient bounce", Refusal.PROTOCOL),
    (b"send helo", Refusal.PROTOCOL),
    (b"need mail command", Refusal.PROTOCOL),
    (b"need rcpt", Refusal.PROTOCOL),
    (b"nested mail", Refusal.PROTOCOL),
    (b"sender already", Refusal.PROTOCOL),
    (b"command not", Refusal.PROTOCOL),
    (b"not implemented", Refusal.PROTOCOL),
    (b"no valid recipients", Refusal.PROTOCOL),
    (b"unsupported", Refusal.PROTOCOL),
    (b"syntax", Refusal.PROTOCOL),
    (b"too many", Refusal.RATE),
    (b"rate limit", Refusal.RATE),
    (b"rate exceeded", Refusal.RATE),
    (b"limit exceeded", Refusal.RATE),
    (b"quota", Refusal.NO_SPACE),
    (b"is full", Refusal.NO_SPACE),
    (b"server ports busy", Refusal.RATE),
    (b"server configuration", Refusal.UNAVAILABLE),
    (b"temporary lookup failure", Refusal.UNAVAILABLE),
    (b"service unavailable - try", Refusal.UNAVAILABLE),
    (b"service temporarily", Refusal.UNAVAILABLE),
    (b"temporary failure", Refusal.UNAVAILABLE),
    (b"system problem", Refusal.UNAVAILABLE),
    (b"internal error", Refusal.UNAVAILABLE),
    (b"virus", Refusal.CONTENT),
    (b"spam", Refusal.CONTENT),
    (b"infected", Refusal.CONTENT),
    (b"helo command rejected", Refusal.BLOCKED_HELO),
    (b"client host rejected", Refusal.BLOCKED_CLIENT),
    (b"sender address rejected", Refusal.BLOCKED_SENDER),
    (b"recipient address rejected", Refusal.BLOCKED_RECIPIENT),
    (b"data command rejected", Refusal.CONTENT),
    (b"end-of-data command rejected", Refusal.CONTENT),
    (b"try again later", Refusal.GREYLISTED),
    (b"service unavailable", Refusal.UNAVAILABLE),
    (b"access denied", Refusal.BLOCKED_CLIENT),
)
_LIST: Final = re.compile(rb"(?:blocked (?:using|by)|listed (?:at|by|in)) ([A-Za-z0-9._-]+[A-Za-z0-9])", re.I)


def refusal(text: bytes) -> Refusal:
    """The kind of a refusal, by its text."""
    low = text.lower()
    for known, kind in _TEXTS:
        if known in low:
            return kind
    return Refusal.OTHER


def dns_list(text: bytes) -> str | None:
    """The list in the DNS that spoke."""
    match = _LIST.search(text)
    return match[1].decode("ascii") if match else None

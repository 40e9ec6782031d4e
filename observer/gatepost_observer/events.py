"""The vocabulary: what can have happened, and with what it is told.

An event is a mapping of column names to values; a column that does not apply is left out. The same columns, in this
order, are the schema of the store. To widen it, add a kind or a column and raise SCHEMA: old files stay readable, their
rows have nothing in the new column.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal, get_args

SCHEMA: Final = 2

Event = dict[str, Any]


class Kind(StrEnum):
    """What happened."""

    CONNECT = "connect"
    """A client's session ended: its address, its last HELO, whether TLS was on (smtpd, postscreen)."""
    REFUSED = "refused"
    """A client was told 4xx or 5xx at SMTP time (`code`); nothing was taken from it. `reason` is one of Refusal."""
    ACCEPTED = "accepted"
    """A mail entered a queue: from a client, from the server itself (pickup), or from the filter (`inside`)."""
    FILTERED = "filtered"
    """The filter's word on a mail: `reason` is one of Finding, `action` one of Action."""
    DELIVERED = "delivered"
    """One recipient was handed on, to the next hop or, with `inside`, to the filter or an instance of ours."""
    DEFERRED = "deferred"
    """One recipient could not be handed on now; it will be tried again."""
    RETURNED = "returned"
    """One recipient was given up: refused by the next hop, or too old (`reason` expired)."""
    NOTICE = "notice"
    """A notice was made about a mail: `queued_as` is the notice's own queue id; `reason` says which kind."""
    CLOSED = "closed"
    """A mail left the queue for good."""
    LOGIN = "login"
    """An attempt to authenticate; `code` 235 or 535."""
    SIGNATURES = "signatures"
    """The virus signatures or the rules in use: `text` tells name, version and date; `action` loaded or failed."""
    WARNING = "warning"
    """A daemon's warning, error, fatal or panic: `reason` is that word, `text` what it says."""
    STARTED = "started"
    """A daemon started, stopped or was reloaded: `action` says which."""
    LOCK_OUT = "lock-out"
    """A client that guessed `recipients` addresses is locked out from now on (`action` started), its time is over
    (stopped), or somebody ended it (lifted)."""


class Refusal(StrEnum):
    """Why a client was refused, by what the administrator would look for."""

    UNKNOWN_RECIPIENT = "unknown-recipient"
    RELAY = "relay"
    BLOCKED_CLIENT = "blocked-client"
    BLOCKED_SENDER = "blocked-sender"
    BLOCKED_RECIPIENT = "blocked-recipient"
    BLOCKED_HELO = "blocked-helo"
    BLOCKED_TERM = "blocked-term"
    BLOCK_LIST = "block-list"
    """A list in the DNS (RBL)."""
    GREYLISTED = "greylisted"
    BAD_ADDRESS = "bad-address"
    """Not fully qualified, not syntactic, without a domain."""
    UNKNOWN_DOMAIN = "unknown-domain"
    """The domain of sender, recipient or HELO does not resolve."""
    UNKNOWN_CLIENT = "unknown-client"
    """The client's own name does not resolve."""
    UNVERIFIED = "unverified-address"
    SENDER_LOGIN = "sender-login"
    """A sender address that does not belong to the login."""
    PROTOCOL = "protocol"
    """Pipelining, commands out of order, no HELO, bare newlines, a pre-greet."""
    RATE = "rate"
    TOO_LARGE = "too-large"
    NO_SPACE = "no-space"
    CONTENT = "content"
    """header_checks, body_checks, a milter or a filter in front of the queue."""
    TLS = "tls"
    LOCKED_OUT = "locked-out"
    UNAVAILABLE = "unavailable"
    """A table, a policy server or a milter could not be asked."""
    OTHER = "other"


class Found(StrEnum):
    """What a filter found in a mail."""

    CLEAN = "clean"
    TAGGED = "tagged"
    """Between the tag's and the mark's threshold."""
    SPAM = "spam"
    VIRUS = "virus"
    ATTACHMENT = "attachment"
    BAD_HEADER = "bad-header"
    UNCHECKED = "unchecked"
    OVERSIZED = "oversized"
    OTHER = "other"


class Action(StrEnum):
    """What became of a mail that a filter looked at, of a daemon, and of a lock-out."""

    PASSED = "passed"
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    HELD = "held"
    LOADED = "loaded"
    FAILED = "failed"
    STARTED = "started"
    STOPPED = "stopped"
    RELOADED = "reloaded"
    LIFTED = "lifted"


Type = Literal["text", "whole", "real", "time", "flag"]

COLUMNS: Final[dict[str, Type]] = {
    # When and where it was said. `time` is UTC, in microseconds since 1970.
    "time": "time",
    "host": "text",
    "instance": "text",  # the syslog name in front of the slash: postfix, postfix-normal; else the program itself
    "program": "text",  # smtpd, qmgr, amavis, clamd, …
    "kind": "text",
    "reason": "text",
    "action": "text",
    # Which mail.
    "queue_id": "text",
    "queued_as": "text",  # the id under which the next queue knows it: the link from hop to hop
    "mail": "text",  # the queue id under which it first came in, as far as it is known
    "message_id": "text",  # without the angle brackets
    "subject_hash": "text",
    "sender": "text",  # of the envelope; empty for <>, left out where it is not known
    "recipient": "text",
    "original_recipient": "text",
    "size": "whole",  # bytes
    "recipients": "whole",
    "lane": "text",
    # From whom.
    "client": "text",  # its address: 203.0.113.9, 2001:db8::9
    "client_name": "text",
    "helo": "text",
    "user": "text",  # who authenticated
    "protocol": "text",  # ESMTP, SMTP, LMTP
    "tls": "text",  # TLSv1.3; left out in clear text
    # To where.
    "relay": "text",  # the next hop's name
    "relay_address": "text",
    "relay_port": "whole",
    "inside": "flag",  # a hop between parts of one server, so that nobody counts a mail twice
    "delay": "real",  # seconds since it came in
    "delay_before": "real",  # before the queue manager, as in Postfix's delays=a/b/c/d
    "delay_queue": "real",
    "delay_connect": "real",
    "delay_send": "real",
    # What was said.
    "code": "whole",  # the SMTP reply, 250
    "status": "text",  # the enhanced status code, 2.0.0
    "score": "real",
    "tests": "text",  # NAME=score, separated by commas
    "virus": "text",
    "attachment": "text",
    "quarantine": "text",
    "list": "text",  # the DNS list, or the table, that spoke
    "text": "text",  # the reply or the warning, as it was logged
}

# What an address of a person can stand in; logs.forget_addresses_after replaces these.
ADDRESSES: Final = ("sender", "recipient", "original_recipient", "user")

assert set(COLUMNS.values()) <= set(get_args(Type))  # noqa: S101 - a slip here would be a slip in every file

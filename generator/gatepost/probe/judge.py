"""What a reply to an envelope tells: that the door is closed, that it was accepted, or nothing.

In: the reply, and to which command it was given. Out: an outcome, and why where it is not plain.
How it fails: never. A refusal for a reason that has nothing to do with relaying is no proof against relaying.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gatepost.probe.channel import Channel
from gatepost.probe.replies import Reply

# closed: refused for good. accepted: 250, and nothing is known of the end. relayed: it came out on the other side.
# returned: the server itself sent it back. unknown: could not tell.
Outcome = Literal["closed", "accepted", "relayed", "returned", "unknown"]
Stage = Literal["HELO", "MAIL FROM", "RCPT TO", "DATA"]

# The sender's or the target's domain does not exist, takes no mail, or forbids us by SPF, DKIM, DMARC.
_SENDER = re.compile(r"5\.1\.8|5\.7\.2\d|5\.4\.4")
_TARGET = re.compile(r"5\.1\.2|5\.1\.10")
_DOMAIN_WORDS = re.compile(
    r"domain not found|domain (?:does not|doesn't) exist|unresolvable|null ?mx|no such domain", re.I
)
_POLICY_WORDS = re.compile(r"\bspf\b|\bdmarc\b", re.I)
# It is this client that is not wanted; another stranger may fare better.
_CLIENT_WORDS = re.compile(
    r"blocked (?:using|by)|block ?list|black ?list|\bdnsbl\b|\brbl\b|spamhaus|spamcop|barracuda"
    r"|client host rejected|cannot find your|reverse (?:dns|host)|\bptr\b|poor reputation|too many|rate limit"
    r"|locked out|banned",
    re.I,
)
_HELO_WORDS = re.compile(r"\b(?:helo|ehlo) (?:command )?(?:rejected|denied|refused)|invalid (?:helo|ehlo)", re.I)
# Debian's own Postfix defers a stranger who wants to relay (454), and would for ever.
_RELAY_DENIED = re.compile(r"relay(?:ing)?(?: access)? (?:denied|prohibited|not (?:allowed|permitted))", re.I)
_RELAY_WORDS = re.compile(r"\brelay(?:ing)?\b(?![.-])", re.I)


@dataclass(frozen=True)
class Judged:
    """An outcome, and the reason where one is needed."""

    outcome: Outcome
    why: str = ""


@dataclass(frozen=True)
class Asked:
    """What was asked, as far as it matters. Domains that we named ourselves may be refused for their own sake."""

    stage: Stage
    channel: Channel
    own_helo: bool = True
    foreign_sender: bool = True
    plain_target: bool = True


def judge(reply: Reply, asked: Asked) -> Judged:
    """What the decisive reply to an envelope tells."""
    if reply.code == 421:
        return Judged("unknown", "it does not serve us (421)")
    if 400 <= reply.code < 500 and _RELAY_DENIED.search(reply.text):
        return Judged("closed", "it refuses to relay, though with a code that lets a sender try again")
    if 400 <= reply.code < 500:
        return Judged("unknown", "it asks to come again later (greylisting, or something of its own is down)")
    if reply.is_refusal:
        return _refusal(reply, asked)
    if reply.is_good and asked.stage in ("RCPT TO", "DATA"):
        return Judged("accepted")
    return Judged("unknown", f"this is no answer to {asked.stage}")


def _refusal(reply: Reply, asked: Asked) -> Judged:
    if _RELAY_WORDS.search(reply.text):
        return Judged("closed")
    if asked.stage == "DATA":
        return Judged("unknown", "it accepted the recipient, and refused this mail")
    if asked.own_helo and _HELO_WORDS.search(reply.text):
        return Judged("unknown", "it refuses our HELO name: give one that exists (--helo)")
    if _CLIENT_WORDS.search(reply.text) and not asked.channel.is_submission:
        return Judged(
            "unknown", "it refuses this client for its own sake, whatever it asks: probe from another address"
        )
    words = bool(_DOMAIN_WORDS.search(reply.text))
    of_target = bool(_TARGET.fullmatch(reply.enhanced)) or (words and "recipient" in reply.text.lower())
    of_sender = not of_target and bool(words or _SENDER.fullmatch(reply.enhanced) or _POLICY_WORDS.search(reply.text))
    if of_target and asked.plain_target:
        return Judged("unknown", "it refuses the target's domain for its own sake: give a real recipient (--target)")
    if of_sender and asked.foreign_sender:
        return Judged("unknown", "it refuses the sender's domain: give one that may send from here (--from-domain)")
    return Judged("closed")

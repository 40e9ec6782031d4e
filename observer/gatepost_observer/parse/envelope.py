"""The end of a refusal's line: who wanted to write to whom, in Postfix's fixed order.

In: what stands behind the client's address. Out: the reply, and the fields behind it. All of them but the order were
chosen by a stranger: a HELO or an address may hold text that looks like the fields. Where more than one reading is
possible, and the reply does not tell which is right, sender, recipient and HELO are left out: a field is missing
rather than wrong.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gatepost_observer.parse.text import ADDRESS, shown, unquoted

_FIELDS: Final = re.compile(
    rb"; (?:from=<(?P<sender>" + ADDRESS + rb")>,? ?)?(?:to=<(?P<recipient>" + ADDRESS + rb")>,? ?)?"
    rb"proto=(?P<protocol>[A-Z]*)(?:,? helo=(?:<(?P<helo>.*)>)?)?$"
)
# Without protocol and HELO, as when a client is refused before it said anything.
_SHORT: Final = re.compile(rb"; from=<(?P<sender>" + ADDRESS + rb")>(?:,? to=<(?P<recipient>" + ADDRESS + rb")>)?$")
# Behind a header's text, where cleanup puts its reply last.
_BEHIND: Final = re.compile(
    rb"; from=<(?P<sender>" + ADDRESS + rb")>(?: to=<(?P<recipient>" + ADDRESS + rb")>)?"
    rb"(?: proto=(?P<protocol>[A-Z]*))?(?: helo=<(?P<helo>.*?)>)?(?:: (?P<reply>.*))?$"
)
_CODE: Final = re.compile(rb"(?:([245]\d\d)(?:[ -]|$))?(?:#?([245]\.\d{1,3}\.\d{1,3})(?: |$))?")


class Envelope(NamedTuple):
    """A refusal taken apart; `reason` is the reply's text without code and without the address that it quotes."""

    text: bytes
    reason: bytes
    code: int | None
    status: str | None
    sender: str | None
    recipient: str | None
    protocol: str | None
    helo: str | None


def envelope(rest: bytes) -> Envelope:
    """Take apart `554 5.7.1 <a@b>: Relay access denied; from=<…> to=<…> proto=ESMTP helo=<…>`."""
    fields, text = _fields(rest)
    code, status = _codes(text)
    sender, recipient, protocol, helo = fields
    reason = _reason(text, fields)
    return Envelope(text, reason, code, status, sender, recipient, protocol, helo)


def content(rest: bytes) -> Envelope:
    """Take apart `Subject: … from name[address]; from=<…> to=<…> proto=ESMTP helo=<…>: 5.7.1 reply`.

    The header's text is the sender's: should it look like the fields, none of them is believed.
    """
    match = _BEHIND.match(rest, rest.find(b"; from=<")) if rest.count(b"; from=<") == 1 else None
    if match is None:
        return Envelope(rest, b"", 550, None, None, None, None, None)
    reply = match["reply"] or b""
    code, status = _codes(reply)
    told = _CODE.match(reply)
    return Envelope(rest, reply[told.end() :] if told else reply, code or 550, status, *_read(match))


Fields = tuple[str | None, str | None, str | None, str | None]
_NONE: Final[Fields] = (None, None, None, None)


def _fields(rest: bytes) -> tuple[Fields, bytes]:
    """Sender, recipient, protocol, HELO; and the text in front of them."""
    start = rest.find(b"; from=<")
    if start < 0:
        start = rest.find(b"; proto=")
        if start < 0:
            start = rest.find(b"; helo=")
            return _NONE, rest if start < 0 else rest[:start]
    if rest.find(b"; from=<", start + 1) < 0 and rest.count(b"proto=") <= 1:
        match = _FIELDS.match(rest, start) or _SHORT.match(rest, start)
        return (_read(match), rest[:start]) if match else (_NONE, rest[:start])
    return _doubtful(rest)


def _doubtful(rest: bytes) -> tuple[Fields, bytes]:
    """Several places look like the fields: the one that the reply confirms, if it is the only one."""
    confirmed = []
    start = rest.find(b"; from=<")
    while start >= 0:
        match = _FIELDS.match(rest, start)
        if match:
            fields = _read(match)
            quoted = _quoted(rest[:start], fields)
            if quoted:
                confirmed.append((fields, rest[:start]))
        start = rest.find(b"; from=<", start + 1)
    return confirmed[0] if len(confirmed) == 1 else (_NONE, rest)


def _read(match: re.Match[bytes]) -> Fields:
    groups = match.groupdict()
    sender, recipient, protocol, helo = (groups.get(n) for n in ("sender", "recipient", "protocol", "helo"))
    return (
        None if sender is None else shown(sender),
        shown(recipient) if recipient else None,
        shown(protocol) if protocol else None,
        shown(helo) if helo else None,
    )


def _quoted(text: bytes, fields: Fields) -> bytes | None:
    """The reply's beginning up to the end of the address that it quotes, where that is one of the fields."""
    match = _CODE.match(text)
    said = text[match.end() :] if match else text
    if not said.startswith(b"<"):
        return None
    for field in (fields[1], fields[0], fields[3]):
        if field:
            head = b"<" + unquoted(field).encode() + b">: "
            if said.startswith(head):
                return head
    return None


def _reason(text: bytes, fields: Fields) -> bytes:
    match = _CODE.match(text)
    said = text[match.end() :] if match else text
    if not said.startswith(b"<"):
        return said
    head = _quoted(text, fields)
    if head:
        return said[len(head) :]
    # The last one: what stands in the brackets may hold any text, what Postfix says behind them does not.
    return said[said.rfind(b">: ") + 3 :] if b">: " in said else said


def _codes(text: bytes) -> tuple[int | None, str | None]:
    match = _CODE.match(text)
    if match is None:
        return None, None
    code, status = match.groups()
    said = status.decode("ascii") if status else None
    if code:
        return int(code), said
    # cleanup tells the enhanced code alone; the reply to the client begins with 550 or 450.
    return ({"5": 550, "4": 450}.get(said[0]) if said else None), said

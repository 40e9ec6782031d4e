"""What the delivery agents, the queue manager and the makers of notices say about one mail.

In: lines of smtp, lmtp, local, virtual, pipe, error, discard, qmgr, pickup, bounce, postsuper. Out: events for what was
accepted, delivered, deferred, returned, closed, and for notices.

A delivery's fields stand in a fixed order. Recipients come in their external form (quoted, where they hold anything
unusual), and the next hop's reply comes last, so neither can shift a field.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gatepost_observer.events import Kind
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.smtpd import QUEUE_ID
from gatepost_observer.parse.text import ADDRESS, shown
from gatepost_observer.parse.trail import Mail

_OLD_ADDRESS: Final = rb"(?:" + ADDRESS + rb"|[^>]*)"  # before 3.5: in its internal form, with blanks and all
_DELIVERY: Final = re.compile(
    rb"(" + QUEUE_ID + rb"): to=<(" + _OLD_ADDRESS + rb")>, (?:orig_to=<(" + _OLD_ADDRESS + rb")>, )?"
    rb"relay=([^,]*), (?:conn_use=\d+, )?delay=([\d.]+), (?:delays=([\d./]+), )?(?:dsn=(\d\.\d+\.\d+), )?"
    rb"status=([A-Za-z-]+)(?: \((.*)\))?"
)
_RELAY: Final = re.compile(rb"([^\[\]]*)\[([^\[\]]*)\](?::(\d+))?$")
_ACTIVE: Final = re.compile(
    rb"(" + QUEUE_ID + rb"): from=<(" + _OLD_ADDRESS + rb")>, size=(\d+)(?:, class=\w+)?, nrcpt=(\d+)"
)
_EXPIRED: Final = re.compile(
    rb"(" + QUEUE_ID + rb"): from=<(" + _OLD_ADDRESS + rb")>, status=(force-)?expired, returned"
)
_REMOVED: Final = re.compile(rb"(" + QUEUE_ID + rb"): removed$")
_PICKED_UP: Final = re.compile(rb"(" + QUEUE_ID + rb"): (?:uid=\d+ from=<|sender=)")
_NOTICE: Final = re.compile(
    rb"(" + QUEUE_ID + rb"): (sender|postmaster|owner|recipient) (non-delivery|delay|delivery status) notification: "
    rb"(" + QUEUE_ID + rb")$"
)
_QUEUED: Final = re.compile(rb"(?:queued as|forwarded as|queued mail for delivery as) ([0-9A-Za-z]+)$")
_REPLY: Final = re.compile(rb"(?:host \S+ (?:said|refused to talk to me): )?(\d{3})[ -]")
_FILTER: Final = re.compile(rb"^250 .*(?:from MTA\(|queued as |, id=\d{5}-\d\d)|^250 2\.[67]\.\d Ok, (?:discarded|id=)")
_SECURED: Final = re.compile(
    rb"(?:" + QUEUE_ID + rb": )?(?:Anonymous|Untrusted|Trusted|Verified|Enforced) TLS connection "
    rb"(?:established|reused) to ([^\s\[\]]*\[[^\s\[\]]*\](?::\d+)?)(?:[^:]*)?: (TLSv[\d.]+|SSLv\d)"
)
_NOISE: Final = re.compile(
    rb"(?:" + QUEUE_ID + rb": )?(?:connect to |host \S+ |lost connection with |conversation with |enabling |"
    rb"disabling |Server certificate |server certificate |certificate |Untrusted |Trusted |Verified |"
    rb"SSL_connect error |TLS |uses |breaking line |passing |table .* has changed|reload|skipped|using backwards|"
    rb"setting up TLS|Cannot start TLS|Host offered|fingerprint|smtp_|sender|message |refreshing|"
    rb"mail for |TLSRPT|status=|statistics:|requested|dropping|warning|\S+\[\S*\]:?\d*: |"
    rb"initializing the client-side|subject_CN=|private key|replacing|dict_|retry|xsasl|deadline|"
    rb"tlsmgr|posttls|client TLS|DANE|mta-sts|looking for session|save session)"
)

_KINDS: Final = {
    b"sent": Kind.DELIVERED,
    b"deferred": Kind.DEFERRED,
    b"SOFTBOUNCE": Kind.DEFERRED,
    b"bounced": Kind.RETURNED,
}
_OTHER_STATUS: Final = (b"deliverable", b"undeliverable", b"expanded", b"expired", b"undefined")


def delivery(said: Said) -> bool:
    """A line of a delivery agent; False where it is not known."""
    match = _DELIVERY.match(said.message)
    if match:
        return _handed_on(said, match)
    match = _SECURED.match(said.message)
    if match:
        said.trail.outgoing[said.session] = (shown(match[1]), match[2].decode("ascii"))
        if len(said.trail.outgoing) > 5_000:
            del said.trail.outgoing[next(iter(said.trail.outgoing))]
        return True
    return bool(_NOISE.match(said.message))


def qmgr(said: Said) -> bool:
    """A line of the queue manager; False where it is not known."""
    match = _ACTIVE.match(said.message)
    if match:
        return _active(said, match)
    match = _REMOVED.match(said.message)
    if match:
        return _removed(said, match[1].decode("ascii"))
    match = _EXPIRED.match(said.message)
    if match:
        queue_id = match[1].decode("ascii")
        mail = said.mail(queue_id)
        said.event(
            Kind.RETURNED,
            {**_of(mail, queue_id), "sender": shown(match[2]), "reason": "expired", "recipients": mail.recipients},
        )
        return True
    return delivery(said)


def _active(said: Said, match: re.Match[bytes]) -> bool:
    raw_id, sender, size, recipients = match.groups()
    queue_id = raw_id.decode("ascii")
    mail = said.mail(queue_id)
    mail.sender, mail.size = shown(sender), int(size)
    if mail.fresh:
        mail.fresh = False
        mail.recipients = int(recipients)
        said.event(
            Kind.ACCEPTED,
            {**_of(mail, queue_id), "recipients": mail.recipients, "client_name": mail.client_name,
             "user": mail.user, "tls": mail.tls, "protocol": mail.protocol, "helo": mail.helo},
        )  # fmt: skip
    return True


def _of(mail: Mail, queue_id: str) -> dict[str, Any]:
    """What every event about a mail tells of it."""
    return {
        "queue_id": queue_id, "mail": mail.mail, "message_id": mail.message_id, "sender": mail.sender,
        "size": mail.size, "client": mail.client, "inside": True if mail.inside else None,
    }  # fmt: skip


def _removed(said: Said, queue_id: str) -> bool:
    mail = said.trail.gone(said.key(queue_id)) or Mail(queue_id)
    said.event(Kind.CLOSED, _of(mail, queue_id))
    return True


def _handed_on(said: Said, match: re.Match[bytes]) -> bool:
    raw_id, recipient, original, relay, delay, delays, dsn, status, reply = match.groups()
    kind = _KINDS.get(status)
    if kind is None:
        return status in _OTHER_STATUS
    queue_id = raw_id.decode("ascii")
    mail = said.mail(queue_id)
    reply = reply or b""
    columns = _of(mail, queue_id)
    columns["recipient"] = shown(recipient)
    if original is not None and original:
        columns["original_recipient"] = shown(original)
    columns["delay"] = float(delay)
    if delays:
        parts = delays.split(b"/")
        if len(parts) == 4:
            names = ("delay_before", "delay_queue", "delay_connect", "delay_send")
            columns.update(zip(names, map(float, parts), strict=True))
    columns["status"] = dsn.decode("ascii") if dsn else None
    columns["text"] = shown(reply)
    code = _REPLY.match(reply)
    columns["code"] = int(code[1]) if code else None
    address = _relay(said, relay, columns)
    columns["inside"] = None
    if kind is Kind.DELIVERED:
        _onwards(said, mail, reply, address, columns)
    said.event(kind, columns)
    return True


def _relay(said: Said, relay: bytes, columns: dict[str, Any]) -> str | None:
    """The next hop's columns; its address."""
    match = _RELAY.match(relay)
    if match is None:
        columns["relay"] = shown(relay) if relay != b"none" else None
        return None
    name, address, port = match.groups()
    columns["relay"] = shown(name)
    columns["relay_address"] = shown(address)
    columns["relay_port"] = int(port) if port else None
    secured = said.trail.outgoing.get(said.session)
    # The process tells of TLS when it connects, and of each delivery over that connection afterwards.
    columns["tls"] = secured[1] if secured and secured[0] == shown(relay) else None
    return shown(address)


def _onwards(said: Said, mail: Mail, reply: bytes, address: str | None, columns: dict[str, Any]) -> None:
    """Where the mail goes on inside this server: to the filter, to the next instance, to a forwarding address."""
    queued = _QUEUED.search(reply)
    queued_as = queued[1].decode("ascii") if queued else None
    columns["queued_as"] = queued_as
    at_home = address is not None and (address.startswith("127.") or address == "::1" or "/" in address)
    if reply.startswith(b"forwarded as ") or (at_home and _FILTER.search(reply)):
        columns["inside"] = True
        if queued_as:
            said.trail.became(said.host, mail, queued_as, said.time)


def pickup(said: Said) -> bool:
    """A mail that was written on the server itself."""
    match = _PICKED_UP.match(said.message)
    if match:
        said.trail.arrive(said.key(match[1].decode("ascii")), said.time)
    return bool(match) or bool(_NOISE.match(said.message))


def bounce(said: Said) -> bool:
    """A notice was made."""
    match = _NOTICE.match(said.message)
    if match is None:
        return delivery(said)
    queue_id, notice = match[1].decode("ascii"), match[4].decode("ascii")
    mail = said.mail(queue_id)
    reason = match[3].decode("ascii").replace(" ", "-")
    said.event(Kind.NOTICE, {**_of(mail, queue_id), "queued_as": notice, "reason": reason, "text": shown(match[2])})
    return True


_SUPER: Final = re.compile(
    rb"(?:" + QUEUE_ID + rb": (?:released from hold|placed on hold|requeued|expired|removed)|"
    rb"(?:Deleted|Requeued|Placed on hold|Released from hold|Expired|Renamed[\w ]*): \d+ messages?|"
    rb"fatal|.*scanning|.*queue)"
)


def postsuper(said: Said) -> bool:
    """The administrator's hand in the queue."""
    match = _REMOVED.match(said.message)
    return _removed(said, match[1].decode("ascii")) if match else bool(_SUPER.match(said.message))

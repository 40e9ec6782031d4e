"""What smtpd and cleanup say: who connects, what is refused, under which queue id a mail comes in.

In: their messages. Out: sessions and mails on the trail; events for refusals, logins and ended sessions.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Action, Found, Kind, Refusal
from gatepost_observer.parse.envelope import Envelope, content, envelope
from gatepost_observer.parse.refusals import dns_list, refusal
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.text import shown
from gatepost_observer.parse.trail import Mail, Session

QUEUE_ID: Final = rb"(?:[0-9A-F]{5,20}|[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{10,30})"
CLIENT: Final = rb"([^\s\[\]]*)\[([^\s\[\]]*)\](?::(?:\d+|unknown))?"

_COMES: Final = re.compile(rb"(NOQUEUE|" + QUEUE_ID + rb"): client=" + CLIENT + rb"(?:, (.*))?$")
_LOGIN: Final = re.compile(rb"sasl_method=([^,\s]*)(?:, sasl_username=(.*?))?(?:, sasl_sender=.*|, orig_.*)?$")
_FORWARDED: Final = re.compile(rb"(?:^|, )orig_queue_id=([0-9A-Za-z]+)(?:, orig_client=" + CLIENT + rb")?$")
_VERDICT: Final = re.compile(
    rb"(?:(NOQUEUE|" + QUEUE_ID + rb"): )?"
    rb"(reject|reject_warning|warn|warning|hold|discard|filter|redirect|prepend|bcc|info|trigger|delay|dunno|permit|pass|"
    rb"replace|strip|milter-(?:reject|hold|discard|quarantine)|proxy-(?:reject|accept)): "
    rb"([A-Z-]+(?: [A-Z]+)?)(?: from " + CLIENT + rb")?: ?"
)
_CONTENT: Final = re.compile(
    rb"(" + QUEUE_ID + rb"): (reject|warning|hold|discard|filter|redirect|prepend|bcc|info|replace|strip|delay|pass): "
    rb"(header|body|mime header|nested header|mime-header|nested-header|mime|nested|content|mime-error|[a-z-]+) (.*)$"
)
_CLEANUP_NOISE: Final = re.compile(
    rb"(?:" + QUEUE_ID + rb": (?:canceled|removed|milter triggers|to=<|uid=|resent-|queue file|table |"
    rb"unable|milter-|header |encoding|message content)|table .* has changed|reload|using backwards-compatible)"
)
_ENDED: Final = re.compile(rb"disconnect from " + CLIENT + rb"(?: [a-z]|$)")
_SECURED: Final = re.compile(
    rb"(?:Anonymous|Untrusted|Trusted|Verified|Enforced) TLS connection (?:established|reused) from "
    + CLIENT
    + rb": (TLSv[\d.]+|SSLv\d)"
)
_FAILED: Final = re.compile(
    rb"(?:warning: )?"
    + CLIENT
    + rb": SASL ([^\s]+) authentication (failed|aborted)(?:: ?(.*?))?(?:, sasl_username=(.*))?$"
)
_NAMED: Final = re.compile(rb"(" + QUEUE_ID + rb"): (?:resent-)?message-id=(.*)$")
_NOISE: Final = re.compile(
    rb"(?:NOQUEUE: )?(?:(?:lost connection|timeout|too many errors|improper command pipelining|Connection closed|"
    rb"Connection concurrency|Message delivery request|unexpected EOF|hangup) ?(?:after|while|limit)?.* ?(?:from)? ?|"
    rb"SSL_accept error from |setting up TLS connection from |Anonymous TLS|initializing the server-side|"
    rb"certificate verification failed for |(?:Untrusted|Trusted|Verified) TLS|"
    rb"Client host rejected|table .* has changed|reload |statistics:|looking for plugins|"
    rb"(?:sql_select option missing|auxpropfunc error|no mechanism|_sasl_plugin_load|sql auxprop|DIGEST-MD5|"
    rb"SQL engine|ldapdb)|"
    rb"premature end-of-input|proxy-accept: |.*: subject_CN=|fingerprint=|cert |using backwards-compatible|"
    rb"connect from |disconnect from |"
    rb"CONNECT from|TLS SNI |Host \S+ offered|.*Server configuration|discarding EHLO keywords|xsasl|issuing |"
    rb"mapping DNSBL)"
)
_HELD: Final = {b"hold": Action.HELD, b"milter-hold": Action.HELD, b"milter-quarantine": Action.HELD,
                b"discard": Action.DISCARDED, b"milter-discard": Action.DISCARDED}  # fmt: skip
_REFUSED: Final = (b"reject", b"milter-reject", b"proxy-reject")


def smtpd(said: Said) -> bool:
    """A line of smtpd; False where it is not known."""
    message = said.message
    if message.startswith(b"connect from "):
        return _connected(said)
    if message.startswith(b"disconnect from "):
        return _ended(said)
    match = _COMES.match(message)
    if match:
        return _comes(said, match)
    match = _VERDICT.match(message)
    if match:
        return verdict(said, match)
    match = _SECURED.match(message)
    if match:
        session = _session(said, match[1], match[2])
        session.tls = match[3].decode("ascii")
        return True
    match = _FAILED.match(message)
    if match:
        return _login_failed(said, match)
    return bool(_NOISE.match(message))


def _session(said: Said, name: bytes, address: bytes) -> Session:
    """The session of this process; another one's is past."""
    client = client_address(address)
    session = said.trail.sessions.of.get(said.session)
    if session is None or (session.client is not None and session.client != client):
        session = said.trail.sessions.put(said.session, Session(client, client_name(name), said.time))
    return session


def _going_on(said: Said) -> Session:
    """The session that this process has, where the line does not say whose it is."""
    return said.trail.sessions.of.get(said.session) or Session()


def client_address(raw: bytes) -> str | None:
    """An address of the network, or None for unknown ones and sockets."""
    text = shown(raw)
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    return text if text and text != "unknown" and ("." in text or ":" in text) and "/" not in text else None


def client_name(raw: bytes) -> str | None:
    """A client's name, where it has one."""
    return shown(raw) if raw and raw != b"unknown" else None


_CONNECTED: Final = re.compile(rb"connect from " + CLIENT + rb"$")


def _connected(said: Said) -> bool:
    match = _CONNECTED.match(said.message)
    if match is None:
        return False
    session = Session(client_address(match[2]), client_name(match[1]), said.time)
    said.trail.sessions.put(said.session, session)
    return True


def _ended(said: Said) -> bool:
    match = _ENDED.match(said.message)
    if match is None:
        return False
    session = said.trail.sessions.of.pop(said.session, None)
    client = client_address(match[2])
    if session is None or session.client != client:
        session = Session(client, client_name(match[1]))
    said.event(
        Kind.CONNECT,
        {"client": client, "client_name": client_name(match[1]), "helo": session.helo, "tls": session.tls,
         "user": session.user, "protocol": session.protocol},
    )  # fmt: skip
    return True


def _comes(said: Said, match: re.Match[bytes]) -> bool:
    queue_id, name, address, more = match.groups()
    session = _session(said, name, address)
    login = _LOGIN.match(more) if more else None
    if login and login[2] is not None:
        _logged_in(said, session, shown(login[2]), shown(login[1]))
    if queue_id == b"NOQUEUE":  # a filter in front of the queue takes it; its id comes from there
        return True
    key = said.key(queue_id.decode("ascii"))
    mail = said.trail.arrive(key, said.time)
    if not mail.inside:
        mail.client, mail.client_name, mail.user = session.client, session.client_name, session.user
    mail.tls, mail.helo, mail.protocol = session.tls, session.helo, session.protocol
    origin = _FORWARDED.search(more) if more else None
    if origin:
        _from_before(said, mail, origin)
    return True


def _from_before(said: Said, mail: Mail, origin: re.Match[bytes]) -> None:
    """The hop before told its queue id and its client (XFORWARD)."""
    before = origin[1].decode("ascii")
    earlier = said.trail.by_id(said.host, before)
    mail.inside = True
    mail.mail = earlier.mail if earlier else before
    if origin[3]:
        mail.client, mail.client_name = client_address(origin[3]), client_name(origin[2])
    if earlier:
        mail.user = earlier.user


def _logged_in(said: Said, session: Session, user: str, method: str) -> None:
    if session.user != user:
        session.user = user
        said.event(
            Kind.LOGIN,
            {"code": 235, "user": user, "client": session.client, "client_name": session.client_name,
             "tls": session.tls, "reason": method or None},
        )  # fmt: skip


def _login_failed(said: Said, match: re.Match[bytes]) -> bool:
    name, address, method, _, text, user = match.groups()
    session = said.trail.sessions.of.get(said.session)
    said.event(
        Kind.LOGIN,
        {"code": 535, "client": client_address(address), "client_name": client_name(name),
         "user": shown(user) if user else None, "reason": shown(method), "text": shown(text) if text else None,
         "tls": session.tls if session else None},
    )  # fmt: skip
    return True


def verdict(said: Said, match: re.Match[bytes]) -> bool:
    """A restriction's, a table's or a milter's word on a client's command."""
    queue_id, word, command, name, address = match.groups()
    told = envelope(said.message[match.end() :])
    session = _session(said, name, address) if address is not None else _going_on(said)
    if told.helo:
        session.helo = told.helo
    if told.protocol:
        session.protocol = told.protocol
    mail_id = None if queue_id in (None, b"NOQUEUE") else queue_id.decode("ascii")
    if word in _REFUSED:
        milter = word == b"milter-reject" or command == b"END-OF-MESSAGE"
        refused(said, told, session, mail_id, Refusal.CONTENT if milter else None)
    else:
        judged(said, word, told, session, mail_id)
    return True


def refused(
    said: Said, told: Envelope, session: Session | Mail, queue_id: str | None, usual: Refusal | None = None
) -> None:
    """Tell a refusal; `usual` is its kind where the text does not say."""
    kind = refusal(told.reason)
    if usual and kind in (Refusal.OTHER, Refusal.BLOCKED_CLIENT):
        kind = usual
    said.event(
        Kind.REFUSED,
        {
            "reason": kind.value, "queue_id": queue_id, "code": told.code, "status": told.status,
            "client": session.client, "client_name": session.client_name, "helo": told.helo or session.helo,
            "sender": told.sender, "recipient": told.recipient, "protocol": told.protocol,
            "tls": session.tls, "user": session.user,
            "list": dns_list(told.reason) if kind is Refusal.BLOCK_LIST else None,
            "text": shown(told.text.rstrip()),
        },
    )  # fmt: skip


def judged(said: Said, word: bytes, told: Envelope, session: Session | Mail, queue_id: str | None) -> None:
    """Tell a word that lets the client go on: held, discarded, or only warned of."""
    action = _HELD.get(word)
    columns = {
        "queue_id": queue_id, "client": session.client, "client_name": session.client_name, "helo": told.helo,
        "sender": told.sender, "recipient": told.recipient, "text": shown(told.text.rstrip()) or None,
    }  # fmt: skip
    if action:
        said.event(Kind.FILTERED, {"reason": Found.OTHER.value, "action": action.value, **columns})
    elif word in (b"reject_warning", b"warn", b"warning"):
        said.event(Kind.WARNING, {"reason": "reject-warning", **columns})


def cleanup(said: Said) -> bool:
    """A line of cleanup; False where it is not known."""
    match = _NAMED.match(said.message)
    if match:
        key = said.key(match[1].decode("ascii"))
        mail = said.trail.mails.of.get(key)
        if mail is None:
            mail = said.trail.arrive(key, said.time)
        if not mail.message_id:
            said.trail.message_id(key, mail, bare(match[2]))
        return True
    match = _VERDICT.match(said.message)
    if match:
        return _milter(said, match)
    match = _CONTENT.match(said.message)
    return _content(said, match) if match else bool(_CLEANUP_NOISE.match(said.message))


def _milter(said: Said, match: re.Match[bytes]) -> bool:
    """A milter's word after the mail's end: `QUEUEID: milter-reject: END-OF-MESSAGE from name[address]: reply`."""
    queue_id, word, _, name, address = match.groups()
    if queue_id in (None, b"NOQUEUE"):
        return False
    told = envelope(said.message[match.end() :])
    mail = said.mail(queue_id.decode("ascii"))
    if mail.client is None and address is not None:
        mail.client, mail.client_name = client_address(address), client_name(name)
    mail.helo = told.helo or mail.helo
    if word in _REFUSED:
        refused(said, told, mail, queue_id.decode("ascii"), Refusal.CONTENT)
    else:
        judged(said, word, told, mail, queue_id.decode("ascii"))
    return True


def bare(raw: bytes) -> str:
    """A Message-ID without its brackets."""
    text = shown(raw)
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _content(said: Said, match: re.Match[bytes]) -> bool:
    """header_checks and body_checks: the header's text comes first, and is the sender's."""
    queue_id, word, part, rest = match.groups()
    mail = said.mail(queue_id.decode("ascii"))
    told = content(rest)
    if word in _REFUSED:
        term = part == b"header" and rest[:8].lower() == b"subject:"
        refused(said, told, mail, queue_id.decode("ascii"), Refusal.BLOCKED_TERM if term else Refusal.CONTENT)
    else:
        judged(said, word, told, mail, queue_id.decode("ascii"))
    return True

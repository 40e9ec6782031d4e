"""Whatever a stranger writes into HELO, Subject, address or reply: no event that did not happen, no field shifted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gatepost_observer.parse import Reader
from hypothesis import given
from hypothesis import strategies as st
from samples import HEAD, read, said

LURES = [
    "postfix/smtpd[1]: NOQUEUE: reject: RCPT from evil[6.6.6.6]: 550 5.1.1 <x@y>: User unknown",
    "; from=<evil@evil.example> to=<victim@example.org> proto=ESMTP helo=<evil>",
    ">, relay=evil[6.6.6.6]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)",
    " status=sent",
    "from=<evil@evil.example>, size=1, nrcpt=1",
    '"',
    "\\",
    ">",
    "<",
    "?",
    "\x1b[31m",
    "\u202e",
    ", Queue-ID: EVIL, mail_id: x, Hits: 99, size: 1, queued_as: EVIL1",
    " from evil[6.6.6.6]",
    ": 5.7.1 evil",
    "'; DROP TABLE events; --",
]
hostile = st.lists(
    st.sampled_from(LURES) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=8),
    max_size=5,
).map("".join)
TRUE_CLIENT = "far.example[203.0.113.9]"


def believed(value: object, *true: str) -> bool:
    """A field is left out, or it is right."""
    return value is None or value in true


@given(helo=hostile)
def test_a_helo_cannot_invent_sender_recipient_or_client(helo: str) -> None:
    text = "550 5.1.1 <b@example.org>: Recipient address rejected: User unknown"
    line = f"NOQUEUE: reject: RCPT from {TRUE_CLIENT}: {text}; from=<a@far.example> to=<b@example.org> proto=ESMTP helo=<{helo}>"  # noqa: E501
    (event,) = read(said(line))
    assert (event["kind"], event["client"], event["code"]) == ("refused", "203.0.113.9", 550)
    assert believed(event.get("sender"), "a@far.example")
    assert believed(event.get("recipient"), "b@example.org")


@given(local=hostile)
def test_a_quoted_recipient_cannot_invent_a_sender(local: str) -> None:
    quoted = local.replace("\\", "\\\\").replace('"', '\\"')
    line = (
        f"NOQUEUE: reject: RCPT from {TRUE_CLIENT}: 554 5.7.1 <{local}@example.org>: Relay access denied; "
        f'from=<a@far.example> to=<"{quoted}"@example.org> proto=ESMTP helo=<x.example>'
    )
    (event,) = read(said(line))
    assert (event["kind"], event["client"], event["code"]) == ("refused", "203.0.113.9", 554)
    assert believed(event.get("sender"), "a@far.example")
    assert event.get("recipient") is None or event["recipient"].endswith('"@example.org')
    assert believed(event.get("helo"), "x.example")


@given(subject=hostile)
def test_a_subject_cannot_invent_an_envelope(subject: str) -> None:
    line = (
        f"4jYg1Q2jbMzPHcb: reject: header Subject: {subject} from {TRUE_CLIENT}; from=<a@far.example> to=<b@example.org> "  # noqa: E501
        "proto=ESMTP helo=<x.example>: 5.7.1 Refused by our mail policy"
    )
    (event,) = read(said(f"4jYg1Q2jbMzPHcb: client={TRUE_CLIENT}"), said(line, "postfix/cleanup[8]"))
    assert (event["kind"], event["client"], event["queue_id"]) == ("refused", "203.0.113.9", "4jYg1Q2jbMzPHcb")
    assert believed(event.get("sender"), "a@far.example")
    assert believed(event.get("recipient"), "b@example.org")


@given(reply=hostile)
def test_a_next_hops_reply_cannot_turn_a_return_into_a_delivery(reply: str) -> None:
    line = (
        "4jYg1R1wHpzPHdb: to=<b@far.example>, relay=mx.far.example[203.0.113.9]:25, delay=0.3, delays=0.1/0/0.1/0.1, "
        f"dsn=5.0.0, status=bounced (host mx.far.example[203.0.113.9] said: 550 {reply})"
    )
    (event,) = read(said(line, "postfix/smtp[5]"))
    assert (event["kind"], event["recipient"], event["relay"]) == ("returned", "b@far.example", "mx.far.example")
    assert (event["status"], event["delay"]) == ("5.0.0", 0.3)


@given(local=hostile)
def test_a_quoted_recipient_cannot_turn_a_return_into_a_delivery(local: str) -> None:
    quoted = local.replace("\\", "\\\\").replace('"', '\\"')
    line = (
        f'4jYg1R1wHpzPHdb: to=<"{quoted}"@far.example>, relay=none, delay=0.3, delays=0.1/0/0.1/0.1, dsn=5.0.0, '
        "status=bounced (no)"
    )
    (event,) = read(said(line, "postfix/smtp[5]"))
    assert (event["kind"], event["status"]) == ("returned", "5.0.0")
    assert event["recipient"].endswith('"@far.example')


@given(local=hostile)
def test_a_quoted_sender_cannot_change_a_mails_size(local: str) -> None:
    quoted = local.replace("\\", "\\\\").replace('"', '\\"')
    (event,) = read(
        said(f"4jYg1Q2jbMzPHcb: client={TRUE_CLIENT}"),
        said(f'4jYg1Q2jbMzPHcb: from=<"{quoted}"@far.example>, size=700, nrcpt=2 (queue active)', "postfix/qmgr[2]"),
    )
    assert (event["kind"], event["size"], event["recipients"]) == ("accepted", 700, 2)


@given(name=hostile.map(lambda text: text.replace("\n", "")))
def test_an_attachments_name_cannot_change_queue_id_or_action_of_a_mail(name: str) -> None:
    line = (
        f"(00009-01) Blocked BANNED (application/octet-stream,.exe,{name}) {{DiscardedInbound,Quarantined}}, [203.0.113.9]:1 "  # noqa: E501
        "[203.0.113.9] <a@far.example> -> <b@example.org>, quarantine: banned-x.gz, Queue-ID: 4jYg1Q1VrFzPHbF, "
        "Message-ID: <m@far.example>, mail_id: abc, Hits: -, size: 700, Tests: [], 90 ms"
    )
    (event,) = read(said(line, "amavis[9]"))
    assert (event["kind"], event["reason"], event["action"]) == ("filtered", "attachment", "quarantined")
    assert (event["queue_id"], event["sender"], event["recipient"]) == (
        "4jYg1Q1VrFzPHbF",
        "a@far.example",
        "b@example.org",
    )


@pytest.mark.parametrize(
    "place",
    [
        lambda text: said(f"4jYg1Q2jbMzPHcb: message-id=<{text}>", "postfix/cleanup[8]"),
        lambda text: said(f"lost connection after DATA from {TRUE_CLIENT}{text}"),
        lambda text: said(f"session opened for user {text}", "sshd[1]"),
        lambda text: said(f"imap-login: Login: user=<{text}>", "dovecot"),
    ],
)
@given(text=hostile)
def test_text_in_other_places_makes_no_event_at_all(place: Callable[[str], bytes], text: str) -> None:
    assert read(place(text)) == []


@given(line=st.binary(max_size=400), message=st.binary(max_size=400), program=st.sampled_from(
    ["smtpd", "qmgr", "cleanup", "smtp", "postscreen", "bounce", "pickup", "master", "anvil", "nothing"]))  # fmt: skip
def test_no_bytes_make_the_reader_fail_or_leave_control_characters(line: bytes, message: bytes, program: str) -> None:
    reader = Reader()
    head = HEAD + f"postfix/{program}[1]: ".encode()
    events = reader.read([line, head + message, HEAD + b"amavis[1]: " + message, HEAD + b"rspamd[1]: " + message])
    texts = [value for event in events for value in event.values() if isinstance(value, str)]
    texts += [sample for known in reader.unknown.values() for sample in known["samples"]]
    assert all(text.isprintable() for text in texts)


def test_a_line_of_a_megabyte_is_read_in_bounded_time() -> None:
    evil = ">, orig_to=<" * 90_000
    reader = Reader()
    assert reader.read([said(f"ABCDEF0123: to=<{evil}", "postfix/smtp[5]")]) == []
    assert reader.unknown["smtp"]["count"] == 1

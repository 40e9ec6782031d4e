"""The way of one mail through one server, and what each daemon's line becomes."""

from __future__ import annotations

import pytest
from gatepost_observer.parse import Reader
from gatepost_observer.subjects import subject_hash
from samples import one, read, said

AMAVIS = "amavis[9]"
SUBJECT = 'Überweisung, Tests: [X=9], "90 ms"'


def test_a_subject_is_kept_as_its_hash_whatever_stands_in_it() -> None:
    found = [event for event in Reader().read(way()) if event["kind"] == "filtered"]
    assert [event["subject_hash"] for event in found] == [subject_hash(SUBJECT.upper())]
    assert found[0]["tests"] == "A=1,B=0.5"


def way() -> list[bytes]:
    """A mail that comes in, goes through amavis, and leaves by the instance behind it."""
    behind = "postfix-normal/"
    passed = (
        "(00009-01) Passed CLEAN {RelayedInbound}, [203.0.113.9]:4711 [203.0.113.9] <a@far.example> -> <b@example.org>, "  # noqa: E501
        "Queue-ID: 4jYg1Q1VrFzPHbF, Message-ID: <m@far.example>, mail_id: abc-D_1+e, Hits: 1.5, size: 700, "
        f"queued_as: 4jYg1R1wHpzPHdb, Tests: [A=1,B=0.5], Subject: {SUBJECT.encode().hex()}, 90 ms"
    )
    to_amavis = (
        "4jYg1Q1VrFzPHbF: to=<b@example.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=1.1, delays=0.03/0.03/0.01/1.1, "
        "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4jYg1R1wHpzPHdb)"
    )
    onwards = (
        "4jYg1R1wHpzPHdb: to=<b@example.org>, relay=store.example.org[192.0.2.20]:25, delay=0.3, delays=0.1/0/0.1/0.1, "
        "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 882D32B8075)"
    )
    return [
        said("connect from far.example[203.0.113.9]"),
        said(
            "Anonymous TLS connection established from far.example[203.0.113.9]: TLSv1.3 with cipher X (256/256 bits)"
        ),
        said("4jYg1Q1VrFzPHbF: client=far.example[203.0.113.9]"),
        said("4jYg1Q1VrFzPHbF: message-id=<m@far.example>", "postfix/cleanup[8]"),
        said("4jYg1Q1VrFzPHbF: from=<a@far.example>, size=700, nrcpt=1 (queue active)", "postfix/qmgr[2]"),
        said("disconnect from far.example[203.0.113.9] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
        said("connect from localhost[127.0.0.1]", behind + "smtpd[70]"),
        said("4jYg1R1wHpzPHdb: client=localhost[127.0.0.1]", behind + "smtpd[70]"),
        said("4jYg1R1wHpzPHdb: message-id=<m@far.example>", behind + "cleanup[80]"),
        said("4jYg1R1wHpzPHdb: from=<a@far.example>, size=1100, nrcpt=1 (queue active)", behind + "qmgr[20]"),
        said(passed, AMAVIS),
        said(to_amavis, "postfix/lmtp[5]"),
        said("4jYg1Q1VrFzPHbF: removed", "postfix/qmgr[2]"),
        said(onwards, behind + "smtp[50]"),
        said("4jYg1R1wHpzPHdb: removed", behind + "qmgr[20]"),
    ]


def test_one_mail_keeps_its_first_queue_id_and_its_client_on_its_whole_way() -> None:
    mails = [event for event in read(*way()) if event["kind"] in ("accepted", "filtered", "delivered", "closed")]
    assert {event["mail"] for event in mails} == {"4jYg1Q1VrFzPHbF"}
    assert {event["client"] for event in mails} == {"203.0.113.9"}


def test_hops_between_the_parts_of_one_server_are_marked_as_inside() -> None:
    events = read(*way())
    assert [e.get("inside", False) for e in events if e["kind"] == "accepted"] == [False, True]
    assert [e.get("inside", False) for e in events if e["kind"] == "delivered"] == [True, False]


def test_a_mail_that_came_encrypted_says_so_and_the_session_too() -> None:
    events = read(*way())
    assert next(e for e in events if e["kind"] == "accepted")["tls"] == "TLSv1.3"
    assert next(e for e in events if e["kind"] == "connect")["tls"] == "TLSv1.3"


def test_the_filters_word_has_score_tests_size_and_both_queue_ids() -> None:
    event = next(e for e in read(*way()) if e["kind"] == "filtered")
    assert (event["reason"], event["action"], event["score"]) == ("clean", "passed", 1.5)
    assert (event["tests"], event["size"], event["queued_as"]) == ("A=1,B=0.5", 700, "4jYg1R1wHpzPHdb")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("550 5.1.1 <b@example.org>: Recipient address rejected: User unknown", "unknown-recipient"),
        ("554 5.7.1 <b@example.org>: Relay access denied", "relay"),
        ("554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.example; see x", "block-list"),
        ("450 4.2.0 <b@example.org>: Recipient address rejected: Greylisted, see x", "greylisted"),
        ("504 5.5.2 <a>: Sender address rejected: need fully-qualified address", "bad-address"),
        ("450 4.1.8 <a@far.example>: Sender address rejected: Domain not found", "unknown-domain"),
        ("450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.9]", "unknown-client"),
        ("450 4.1.1 <b@example.org>: Recipient address rejected: unverified address: x", "unverified-address"),
        ("553 5.7.1 <a@far.example>: Sender address rejected: not owned by user u", "sender-login"),
        ("554 5.7.1 <far.example[203.0.113.9]>: Client host rejected: Refused by our mail policy", "blocked-client"),
        ("554 5.7.1 <a@far.example>: Sender address rejected: Refused by our mail policy", "blocked-sender"),
        ("554 5.7.1 <b@example.org>: Recipient address rejected: Refused by our mail policy", "blocked-recipient"),
        ("550 5.7.1 <x.example>: Helo command rejected: Access denied", "blocked-helo"),
        ("552 5.3.4 Message size exceeds fixed limit", "too-large"),
        ("452 4.3.1 Insufficient system storage", "no-space"),
        ("451 4.3.0 <b@example.org>: Temporary lookup failure", "unavailable"),
        ("530 5.7.0 Must issue a STARTTLS command first", "tls"),
        ("503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining", "protocol"),
        ("450 4.7.1 <far.example[203.0.113.9]>: Client host rejected: too many connections", "rate"),
        ("550 5.0.0 something that nobody foresaw", "other"),
    ],
)
def test_a_refusal_is_filed_under_what_the_administrator_would_look_for(text: str, reason: str) -> None:
    tail = "from=<a@far.example> to=<b@example.org> proto=ESMTP helo=<x.example>"
    event = one(said(f"NOQUEUE: reject: RCPT from far.example[203.0.113.9]: {text}; {tail}"), kind="refused")
    assert event["reason"] == reason
    assert event["code"] == int(text[:3])
    assert (event["sender"], event["recipient"], event["helo"]) == ("a@far.example", "b@example.org", "x.example")
    assert event["text"] == text


def test_a_forbidden_term_in_the_subject_is_a_refusal_with_client_and_addresses() -> None:
    line = (
        "4jYg1Q2jbMzPHcb: reject: header Subject: urgent bank transfer from far.example[203.0.113.9]; from=<a@far.example> "  # noqa: E501
        "to=<b@example.org> proto=ESMTP helo=<x.example>: 5.7.1 Refused by our mail policy"
    )
    event = one(
        said("4jYg1Q2jbMzPHcb: client=far.example[203.0.113.9]"), said(line, "postfix/cleanup[8]"), kind="refused"
    )
    assert (event["reason"], event["code"], event["sender"]) == ("blocked-term", 550, "a@far.example")
    assert event["client"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("line", "reason", "action"),
    [
        ("Blocked SPAM {DiscardedInbound,Quarantined}, [203.0.113.9] <a@b.c> -> <d@e.f>, quarantine: s.gz, Hits: 12.3", "spam",  # noqa: E501
         "quarantined"),
        ("Passed SPAMMY {RelayedTaggedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: 6", "spam", "passed"),
        ("Blocked INFECTED (Eicar) {RejectedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: -", "virus", "rejected"),
        ("Blocked BANNED (.exe,x.exe) {BouncedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: -", "attachment", "bounced"),  # noqa: E501
        ("Passed BAD-HEADER-2 {RelayedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: 0", "bad-header", "passed"),
        ("Passed UNCHECKED-ENCRYPTED {RelayedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: 0", "unchecked", "passed"),  # noqa: E501
        ("Blocked MTA-BLOCKED {TempFailedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: 0", "other", "deferred"),
        ("Blocked CC_VIRUS {DiscardedInbound}, [203.0.113.9] <a@b.c> -> <d@e.f>, Hits: 0", "virus", "discarded"),
    ],
)  # fmt: skip
def test_each_word_of_amavis_has_its_finding_and_its_action(line: str, reason: str, action: str) -> None:
    event = one(said(f"(00009-01) {line}, 90 ms", AMAVIS), kind="filtered")
    assert (event["reason"], event["action"], event["recipient"]) == (reason, action, "d@e.f")


def test_an_expired_mail_is_returned_and_its_notice_is_told_with_both_ids() -> None:
    events = read(
        said("ABCDEF0123: from=<a@b.c>, status=expired, returned to sender", "postfix/qmgr[2]"),
        said("ABCDEF0123: sender non-delivery notification: ABCDEF0125", "postfix/bounce[3]"),
    )
    assert [(e["kind"], e["reason"]) for e in events] == [("returned", "expired"), ("notice", "non-delivery")]
    assert events[1]["queued_as"] == "ABCDEF0125"


def test_a_line_that_syslog_folded_counts_as_often_as_it_came() -> None:
    line = "message repeated 3 times: [ NOQUEUE: reject: RCPT from x[203.0.113.9]: 554 5.7.1 <d@e.f>: Relay access denied; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>]"  # noqa: E501
    assert [e["kind"] for e in read(said(line))] == ["refused"] * 3


def test_failed_and_good_logins_are_told_with_the_user() -> None:
    failed = one(
        said("warning: x[203.0.113.9]: SASL LOGIN authentication failed: UGFz, sasl_username=eve"), kind="login"
    )
    assert (failed["code"], failed["user"], failed["client"]) == (535, "eve", "203.0.113.9")
    good = one(
        said("ABCDEF0123: client=x[203.0.113.9], sasl_method=PLAIN, sasl_username=anna@example.org"), kind="login"
    )
    assert (good["code"], good["user"]) == (235, "anna@example.org")


def test_rspamd_tells_score_tests_and_queue_id() -> None:
    line = (
        "<8ae27d>; proxy; rspamd_task_write_log: id: <m@b.c>, qid: <ABCDEF0123>, ip: 203.0.113.9, from: <a@b.c>, "
        "(default: T (reject): [16.20/15.00] [BAYES_SPAM(5.10){100.00%;},X(1.00){}]), len: 2048, time: 1ms, rcpts: <d@e.f>"  # noqa: E501
    )
    event = one(said(line, "rspamd[4]"), kind="filtered")
    assert (event["reason"], event["action"], event["score"], event["queue_id"]) == (
        "spam",
        "rejected",
        16.2,
        "ABCDEF0123",
    )
    assert (event["tests"], event["recipient"]) == ("BAYES_SPAM=5.10,X=1.00", "d@e.f")


def test_postscreen_tells_the_list_and_the_client() -> None:
    line = (
        "NOQUEUE: reject: RCPT from [203.0.113.9]:21574: 550 5.7.1 Service unavailable; client [203.0.113.9] blocked using "  # noqa: E501
        "zen.example; from=<a@b.c>, to=<d@e.f>, proto=ESMTP, helo=<x>"
    )
    event = one(said(line, "postfix/postscreen[4]"), kind="refused")
    assert (event["reason"], event["list"], event["client"]) == ("block-list", "zen.example", "203.0.113.9")
    assert (event["sender"], event["recipient"], event["helo"]) == ("a@b.c", "d@e.f", "x")

"""What a reply tells about relaying."""

from __future__ import annotations

import pytest
from gatepost.probe.channel import Channel
from gatepost.probe.judge import Asked, judge
from gatepost.probe.replies import Reply
from gatepost.probe.rows import Row, verdict_of
from hypothesis import given
from hypothesis import strategies as st
from loopback import LOOPBACK

FRONT = Channel(LOOPBACK, 25)


def said(code: int, text: str, asked: Asked | None = None) -> str:
    return judge(Reply(code, (text,)), asked or Asked("RCPT TO", FRONT)).outcome


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (250, "2.1.5 Ok", "accepted"),
        (251, "will forward", "accepted"),
        (550, "no", "closed"),
        (554, "5.7.1 <t@d>: Relay access denied", "closed"),
        (550, "5.1.1 User unknown", "closed"),
        (501, "5.1.3 Bad recipient address syntax", "closed"),
        (454, "4.7.1 Relay access denied", "closed"),
        (450, "4.2.0 Greylisted, come back in 300 seconds", "unknown"),
        (451, "4.3.0 Temporary lookup failure", "unknown"),
        (421, "4.7.0 too many errors", "unknown"),
        (354, "go on", "unknown"),
        (550, "5.1.8 Sender address rejected: Domain not found", "unknown"),
        (550, "5.7.27 Sender address rejected: Domain does not accept mail (nullMX)", "unknown"),
        (550, "5.7.23 SPF fail", "unknown"),
        (556, "5.1.10 Recipient address rejected: Domain does not accept mail (nullMX)", "unknown"),
        (550, "5.1.2 Recipient address rejected: Domain not found", "unknown"),
        (554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using dnsbl.example", "unknown"),
        (554, "5.7.1 Client host rejected: Access denied", "unknown"),
        (504, "5.5.2 <x>: Helo command rejected: need fully-qualified hostname", "unknown"),
    ],
)
def test_only_a_refusal_to_relay_is_closed(code: int, text: str, outcome: str) -> None:
    assert said(code, text) == outcome


@given(st.integers(400, 499), st.text(st.characters(codec="ascii"), max_size=40))
def test_a_temporary_refusal_is_closed_only_when_it_says_that_relaying_is_denied(code: int, text: str) -> None:
    assert said(code, text) == "unknown" or "relay" in text.lower()


@given(st.integers(500, 599), st.text(max_size=60))
def test_a_refusal_is_never_taken_for_accepted(code: int, text: str) -> None:
    assert said(code, text) in ("closed", "unknown")


def test_a_sender_made_of_the_servers_own_names_may_be_refused_for_its_own_sake() -> None:
    own = Asked("MAIL FROM", FRONT, foreign_sender=False)
    assert said(550, "5.1.8 Sender address rejected: Domain not found", own) == "closed"


def test_where_people_log_in_a_refused_client_is_a_closed_door() -> None:
    submission = Asked("RCPT TO", Channel(LOOPBACK, 587))
    assert said(554, "5.7.1 Client host rejected: Access denied", submission) == "closed"


def test_a_good_reply_to_a_command_before_rcpt_is_no_acceptance() -> None:
    assert said(250, "ok", Asked("MAIL FROM", FRONT)) == "unknown"


def test_a_mail_refused_after_its_recipient_was_accepted_proves_nothing() -> None:
    assert said(554, "5.7.1 looks like spam", Asked("DATA", FRONT)) == "unknown"


def row(outcome: str, mark: str = "") -> Row:
    return Row("relay", FRONT, "", outcome, mark=mark)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], "could not tell"),
        ([row("closed")], "closed"),
        ([row("closed"), row("returned")], "closed"),
        ([row("closed"), row("unknown")], "could not tell"),
        ([row("closed"), row("accepted", "sent.1")], "could not tell"),
        ([row("closed"), row("unknown"), row("accepted")], "open"),
        ([row("closed"), row("relayed", "sent.1")], "open"),
    ],
)
def test_one_open_row_decides_and_nothing_tried_is_nothing_told(rows: list[Row], verdict: str) -> None:
    assert verdict_of(rows) == verdict

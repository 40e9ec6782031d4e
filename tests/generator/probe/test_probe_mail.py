"""Accepted and relayed, told apart by a mailbox."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gatepost.probe import run as running
from gatepost.probe.arrival import with_arrivals
from gatepost.probe.channel import Channel
from gatepost.probe.mailbox import Arrived, BadMailboxError, Mailbox, MailboxError, arrivals, mailbox_of
from gatepost.probe.rows import Row
from hypothesis import given
from hypothesis import strategies as st
from loopback import LOOPBACK, Server, probed

BOX = Mailbox(False, "t@foreign.test", "127.0.0.1", 143)
SENT = Row("relay", Channel(LOOPBACK, 25), "", "accepted", mark="run.1")
NOTICE = b"""From: <>
Subject: Undelivered
Content-Type: multipart/report; boundary=b

--b
Content-Type: message/delivery-status

Action: %s
%s
--b
X-Gatepost-Probe: run.1
--b--
"""


def ended(*arrived: Arrived) -> str:
    return with_arrivals([SENT], arrived, "t@foreign.test")[0].outcome


def test_a_mail_that_arrived_was_relayed() -> None:
    assert ended(Arrived("run.1", False)) == "relayed"


def test_a_mail_that_the_server_itself_sent_back_was_not() -> None:
    assert ended(*arrivals(NOTICE % (b"failed", b""), "run")) == "returned"


def test_a_mail_that_the_targets_own_server_refused_was_relayed_to_it() -> None:
    assert ended(*arrivals(NOTICE % (b"failed", b"Remote-MTA: dns; mx.foreign.test"), "run")) == "relayed"


def test_a_mail_that_came_back_from_somewhere_behind_could_not_be_told() -> None:
    assert ended(*arrivals(NOTICE % (b"failed", b"Remote-MTA: dns; store.inside"), "run")) == "unknown"


def test_a_mail_that_is_only_delayed_could_not_be_told() -> None:
    assert ended(*arrivals(NOTICE % (b"delayed", b""), "run")) == "unknown"


def test_a_mail_that_never_turned_up_could_not_be_told() -> None:
    (row,) = with_arrivals([SENT], [], "t@foreign.test")
    assert (row.outcome, row.verdict) == ("accepted", "could not tell")


def test_the_mail_of_another_row_proves_nothing_about_this_one() -> None:
    assert ended(Arrived("run.11", False)) == "accepted"


@given(st.binary(max_size=400))
def test_whatever_lies_in_the_mailbox_is_no_mail_of_ours(raw: bytes) -> None:
    assert arrivals(raw, "run-that-nobody-guesses") == []


class Box:
    """Stands for the login: what the server was given arrives, as far as a test lets it."""

    server: Server
    through: bool = True
    cleaned: list[str]

    def __init__(self, mailbox: Mailbox, password: str) -> None:
        pass

    def look(self, run: str) -> list[Arrived]:
        mails = self.server.mails if self.through else []
        return [Arrived(m[0].decode(), False) for raw in mails if (m := re.search(rf"{run}\.\d+".encode(), raw))]

    def clean(self, run: str) -> None:
        self.cleaned.append(run)

    def close(self) -> None:
        pass


@pytest.fixture
def box(server: Server, monkeypatch: pytest.MonkeyPatch) -> type[Box]:
    chosen = type("Chosen", (Box,), {"server": server, "cleaned": []})
    monkeypatch.setattr(running, "Reading", chosen)
    return chosen


def mailed(server: Server, **changes: Any) -> Any:
    return probed(server, mailbox=BOX, wait=0, sender="t@foreign.test", **changes)


def test_each_accepted_envelope_carries_a_mail_of_its_own_and_they_are_removed(server: Server, box: type[Box]) -> None:
    server.answers["RCPT TO"] = "250 ok"
    report = mailed(server)
    marks = [row.mark for row in report.rows if row.mark]
    assert len(marks) == len(set(marks)) == len(server.mails) > 50
    assert {row.outcome for row in report.rows if row.mark} == {"relayed"}
    assert box.cleaned == [report.run]


def test_what_was_accepted_and_did_not_arrive_could_not_be_told(server: Server, box: type[Box]) -> None:
    server.answers["RCPT TO"] = "250 ok"
    box.through = False
    report = mailed(server)
    assert report.verdict == "could not tell"
    assert "accepted" in {row.outcome for row in report.rows}


def test_a_refused_envelope_carries_no_mail(server: Server, box: type[Box]) -> None:
    assert mailed(server).verdict == "closed"
    assert server.mails == []


def test_no_more_mails_are_sent_than_allowed_and_the_rest_could_not_be_told(server: Server, box: type[Box]) -> None:
    server.answers["RCPT TO"] = "250 ok"
    report = mailed(server, most_mails=3)
    assert len(server.mails) == 3
    assert any("enough mails" in row.why and row.outcome == "unknown" for row in report.rows)


def test_a_connection_lost_after_the_mail_is_no_second_mail(server: Server, box: type[Box]) -> None:
    server.answers |= {"RCPT TO": "250 ok", ".": None}
    box.through = False
    report = mailed(server)
    assert report.verdict == "could not tell"
    marks = [m[0] for raw in server.mails if (m := re.search(rb"X-Gatepost-Probe: \S+", raw))]
    assert len(marks) == len(set(marks)) <= 3


def test_a_mailbox_that_cannot_be_read_leaves_it_open_what_became_of_the_mails(
    server: Server, box: type[Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise MailboxError("the mailbox cannot be read: wrong password")

    server.answers["RCPT TO"] = "250 ok"
    monkeypatch.setattr(running, "Reading", refuses)
    report = mailed(server)
    assert report.verdict == "could not tell"
    assert any("wrong password" in note for note in report.notes)


# --- smuggling -------------------------------------------------------------------------------------------------------

INSIDE = Mailbox(False, "anna@test.example", "127.0.0.1", 143)


def to_inside(said: str) -> str:
    return "250 ok" if "anna@test.example" in said else "554 5.7.1 Relay access denied"


def smuggled(server: Server) -> Any:
    server.answers["RCPT TO"] = to_inside
    report = probed(server, mailbox=INSIDE, wait=0)
    return report, [row for row in report.rows if row.kind == "smuggling"]


def test_a_second_mail_that_stays_a_part_of_the_first_was_not_smuggled(server: Server, box: type[Box]) -> None:
    report, rows = smuggled(server)
    assert len(rows) == 7
    assert {row.outcome for row in rows} == {"closed"}
    assert report.verdict == "closed"
    assert not any(row.mark for row in report.rows if row.kind == "relay")


def test_a_second_mail_that_arrives_was_smuggled(
    server: Server, box: type[Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_marks(self: Box, run: str) -> list[Arrived]:
        marks = [mark for raw in self.server.mails for mark in re.findall(rf"Probe: ({run}\.\d+)".encode(), raw)]
        return [Arrived(mark.decode(), False) for mark in marks]

    monkeypatch.setattr(box, "look", all_marks)
    report, rows = smuggled(server)
    assert {row.outcome for row in rows} == {"relayed"}
    assert report.verdict == "open"


def test_a_server_that_refuses_the_odd_end_is_closed(server: Server, box: type[Box]) -> None:
    server.answers["."] = "521 5.5.2 bare <LF> received"
    _, rows = smuggled(server)
    assert {row.outcome for row in rows} == {"closed"}


def test_a_mail_that_never_arrived_shows_nothing_of_smuggling(server: Server, box: type[Box]) -> None:
    box.through = False
    report, rows = smuggled(server)
    assert {row.verdict for row in rows} == {"could not tell"}
    assert report.verdict == "could not tell"


@pytest.mark.parametrize(
    ("url", "user", "address", "port"),
    [
        ("imap://probe%40example.org@imap.example.net", "probe@example.org", "probe@example.org", 143),
        ("imaps://probe@example.org:9993/Tests", "probe", "probe@example.org", 9993),
        ("imaps://probe%40example.org@[::1]", "probe@example.org", "probe@example.org", 993),
    ],
)
def test_a_mailbox_is_named_by_its_url(url: str, user: str, address: str, port: int) -> None:
    found = mailbox_of(url)
    assert (found.user, found.address, found.port) == (user, address, port)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("imap://probe:secret@example.org", "no password"),
        ("http://probe@example.org", "was expected"),
        ("imap://example.org", "was expected"),
        ("imap://probe@example.org:99999", "ort"),
        ("imap://probe%0d%0aX@example.org", "no mail address"),
        ("imap://probe%40example.org@host/a%22b", "no folder"),
        ("probe@example.org", "was expected"),
        ("imap://[", "nvalid"),
    ],
)
def test_what_is_no_mailbox_is_said(url: str, why: str) -> None:
    with pytest.raises(BadMailboxError, match=why):
        mailbox_of(url)

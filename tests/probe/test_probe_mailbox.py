"""Reading mailboxes, against a scripted IMAP server on loopback."""

from __future__ import annotations

from typing import Any

from probe.mailbox import look
from scripted import Mailboxes

RUN = "0123abcd"


def mail(mark: str, body: str = "hello") -> bytes:
    return f"Subject: a\r\n probe\r\nX-Gatepost-Probe: {mark}\r\n\r\n{body}\r\n".encode()


def looked(boxes: Mailboxes, user: str, *wanted: str, deadline: float = 3, password: str = "lab") -> dict[str, Any]:
    work = {"run": RUN, "deadline": deadline, "mailboxes": [{"user": user, "login": user, "wait_for": list(wanted)}]}
    answer: dict[str, Any] = look(work, {"host": "127.0.0.1", "port": boxes.port, "password": password})
    box: dict[str, Any] = answer["mailboxes"][user]
    return box


def test_a_probe_is_found_by_its_mark_and_deleted(boxes: Mailboxes) -> None:
    boxes.mails["anna@example.org"] = [mail(f"{RUN}.gate-0001")]
    found = looked(boxes, "anna@example.org", f"{RUN}.gate-0001")
    assert [m["mark"] for m in found["mails"]] == [f"{RUN}.gate-0001"]
    assert ["Subject", "a probe"] in found["mails"][0]["headers"]
    assert boxes.deleted == {"anna@example.org": ["1"]}


def test_other_peoples_mail_is_neither_read_nor_deleted(boxes: Mailboxes) -> None:
    boxes.mails["anna@example.org"] = [b"Subject: private\r\n\r\nhello\r\n"]
    assert looked(boxes, "anna@example.org")["mails"] == []
    assert boxes.deleted == {}


def test_a_late_mail_is_waited_for(boxes: Mailboxes) -> None:
    boxes.late["anna@example.org"] = [mail(f"{RUN}.gate-0001")]
    assert len(looked(boxes, "anna@example.org", f"{RUN}.gate-0001")["mails"]) == 1


def test_a_mail_that_never_comes_is_waited_for_until_the_deadline_alone(boxes: Mailboxes) -> None:
    assert looked(boxes, "anna@example.org", f"{RUN}.gate-0001", deadline=0.3) == {"error": None, "mails": []}


def test_a_notice_names_the_probes_that_it_is_about(boxes: Mailboxes) -> None:
    body = f"Message-ID: <{RUN}.gate-0007@b.example>\r\nX-Gatepost-Probe: {RUN}.gate-0007\r\n"
    boxes.mails["a@b.example"] = [f"Subject: Undelivered\r\n\r\n{body}".encode()]
    found = looked(boxes, "a@b.example")["mails"]
    assert [(m["mark"], m["about"]) for m in found] == [("", [f"{RUN}.gate-0007"])]


def test_a_user_with_odd_characters_logs_in(boxes: Mailboxes) -> None:
    user = '"odd \\" name"@example.org'
    boxes.mails[user] = [mail(f"{RUN}.gate-0001")]
    assert len(looked(boxes, user, f"{RUN}.gate-0001")["mails"]) == 1


def test_a_wrong_password_is_an_error_of_that_mailbox(boxes: Mailboxes) -> None:
    found = looked(boxes, "anna@example.org", password="wrong")
    assert found["error"]
    assert "wrong" not in found["error"]

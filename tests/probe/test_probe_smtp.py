"""Sending probes, against a scripted server on loopback."""

from __future__ import annotations

import socket
from typing import Any

from probe.smtp import send
from scripted import MailServer

MAIL = "Subject: hello\r\n\r\n.a line with a dot\r\nend\r\n"


def group(gate: MailServer, *attempts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "target": "127.0.0.1",
        "port": gate.port,
        "source": None,
        "helo": "client.example",
        "attempts": attempts,
    } | more


def attempt(identity: str = "1", to: str = "<anna@example.org>", mail: str | None = None) -> dict[str, Any]:
    return {"mail_from": "<a@b.example>", "recipients": [{"id": identity, "rcpt_to": to}], "mail": mail}


def sent(*groups: dict[str, Any], deadline: float = 5) -> dict[str, Any]:
    answers: dict[str, Any] = send({"deadline": deadline, "groups": groups})["attempts"]
    return answers


def last(answer: dict[str, Any]) -> tuple[str, str]:
    command, reply = answer["said"][-1]
    return command, reply[-1]


def test_a_mail_is_sent_whole_with_its_dots_doubled(gate: MailServer) -> None:
    answer = sent(group(gate, attempt(mail=MAIL)))["1"]
    assert last(answer) == (".", "250 2.0.0 Ok")
    assert gate.mails == [b"Subject: hello\r\n\r\n..a line with a dot\r\nend\r\n"]


def test_asking_for_a_recipient_sends_no_mail(gate: MailServer) -> None:
    answer = sent(group(gate, attempt()))["1"]
    assert last(answer) == ("RCPT TO:<anna@example.org>", "250 2.0.0 Ok")
    assert "DATA" not in gate.heard
    assert "RSET" in gate.heard


def test_every_line_of_a_refusal_is_kept_and_nothing_is_sent_after_it(gate: MailServer) -> None:
    gate.answers = {"RCPT": "550-5.1.1 User unknown\r\n550 5.1.1 Check the spelling"}
    answer = sent(group(gate, attempt(mail=MAIL)))["1"]
    assert answer["said"][-1][1] == ["550-5.1.1 User unknown", "550 5.1.1 Check the spelling"]
    assert gate.mails == []


def test_a_refusal_at_mail_from_ends_the_attempt_there(gate: MailServer) -> None:
    gate.answers = {"MAIL": "552 5.3.4 too large"}
    assert last(sent(group(gate, attempt()))["1"])[0] == "MAIL FROM:<a@b.example>"


def test_several_attempts_share_one_connection(gate: MailServer) -> None:
    answers = sent(group(gate, *(attempt(str(n)) for n in range(5))))
    assert len(answers) == 5
    assert len(gate.clients) == 1


def test_a_probe_comes_from_the_address_that_it_asks_for(gate: MailServer) -> None:
    answer = sent(group(gate, attempt(), source="127.0.0.77"))["1"]
    assert answer["client"] == "127.0.0.77"
    assert gate.clients == ["127.0.0.77"]


def test_an_address_that_the_host_has_not_is_an_error_and_no_answer(gate: MailServer) -> None:
    answer = sent(group(gate, attempt(), source="::1"))["1"]
    assert answer["error"]
    assert answer["said"] == []


def test_a_server_that_is_not_there_is_an_error(gate: MailServer) -> None:
    gate.end()
    answer = sent(group(gate, attempt()))["1"]
    assert "refused" in answer["error"]


def test_a_server_that_says_nothing_is_an_error_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        work = {"target": "127.0.0.1", "port": port, "source": None, "helo": "x", "attempts": [attempt()]}
        assert sent(work, deadline=0.4)["1"]["error"]


def test_a_server_that_hangs_up_between_attempts_is_connected_to_anew(gate: MailServer) -> None:
    gate.answers = {"RCPT TO:<again": "421 too many errors", "RSET": "250 2.0.0 Ok"}
    answers = sent(group(gate, attempt("1"), attempt("2", "<again@example.org>"), attempt("3")))
    assert last(answers["2"])[1].startswith("421")
    assert last(answers["3"])[1].startswith("250")
    assert len(gate.clients) == 3


def test_a_server_that_always_closes_is_not_asked_for_ever(gate: MailServer) -> None:
    gate.answers = {"MAIL": None}
    answers = sent(group(gate, attempt("1"), attempt("2")))
    assert all("closed" in answer["error"] for answer in answers.values())
    assert len(gate.clients) == 2


def test_one_mail_goes_to_several_recipients_and_each_has_an_answer_of_its_own(gate: MailServer) -> None:
    gate.answers = {"RCPT TO:<nobody": "550 5.1.1 User unknown"}
    several = attempt("1", mail=MAIL) | {
        "recipients": [
            {"id": str(n), "rcpt_to": f"<{name}@example.org>"} for n, name in enumerate(("a", "nobody", "b"))
        ]
    }
    answers = sent(group(gate, several))
    assert [last(answers[n])[1][:3] for n in "012"] == ["250", "550", "250"]
    assert [last(answers[n])[0] for n in "02"] == [".", "."]
    assert len(gate.mails) == 1


def test_a_mail_that_nobody_gets_is_not_sent(gate: MailServer) -> None:
    gate.answers = {"RCPT": "550 5.1.1 User unknown"}
    sent(group(gate, attempt(mail=MAIL)))
    assert "DATA" not in gate.heard


def test_a_server_that_hangs_up_after_a_refusal_has_refused(gate: MailServer) -> None:
    gate.answers = {"RCPT": "550 5.1.1 no", "RSET": None}
    answers = sent(group(gate, attempt("1"), attempt("2")))
    assert [answers[n]["error"] for n in "12"] == [None, None]
    assert len(gate.clients) == 2


def test_a_refusal_at_the_door_is_the_answer(gate: MailServer) -> None:
    gate.answers = {"": "554 go away"}
    assert last(sent(group(gate, attempt()))["1"]) == ("", "554 go away")


def test_nonsense_is_an_error_and_no_refusal(gate: MailServer) -> None:
    gate.answers = {"RCPT": "hello there"}
    assert "no SMTP reply" in sent(group(gate, attempt()))["1"]["error"]


def test_conversations_are_had_at_the_same_time(gate: MailServer) -> None:
    answers = sent(*(group(gate, attempt(str(n))) for n in range(20)))
    assert len(answers) == 20
    assert not any(answer["error"] for answer in answers.values())


def test_a_login_is_said_before_the_first_mail_and_its_password_is_not_told(gate: MailServer) -> None:
    gate.answers = {"AUTH": "235 2.7.0 Welcome"}
    answer = sent(group(gate, attempt(), login=["anna", "s3cret"]))["1"]
    assert last(answer) == ("RCPT TO:<anna@example.org>", "250 2.0.0 Ok")
    assert gate.heard.index("AUTH PLAIN AGFubmEAczNjcmV0") < gate.heard.index("MAIL FROM:<a@b.example>")
    assert "AGFubmEA" not in str(answer)


def test_a_refused_login_is_the_answer_to_all_that_follows(gate: MailServer) -> None:
    gate.answers = {"AUTH": "535 5.7.8 authentication failed"}
    answer = sent(group(gate, attempt(), login=["anna", "wrong"]))["1"]
    assert last(answer) == ("AUTH PLAIN (as anna)", "535 5.7.8 authentication failed")
    assert not any(heard.startswith("MAIL") for heard in gate.heard)


def test_a_refused_starttls_is_an_answer_and_nothing_is_said_in_the_clear(gate: MailServer) -> None:
    gate.answers = {"STARTTLS": "454 4.7.0 not now"}
    answer = sent(group(gate, attempt(), tls="starttls", login=["anna", "lab"]))["1"]
    assert last(answer) == ("STARTTLS", "454 4.7.0 not now")
    assert not any(heard.startswith(("AUTH", "MAIL")) for heard in gate.heard)


def test_a_server_that_speaks_no_tls_where_it_is_expected_is_no_answer(gate: MailServer) -> None:
    answer = sent(group(gate, attempt(), tls="wrapped"), deadline=2)["1"]
    assert "TLS" in answer["error"]


def test_who_talks_before_the_greeting_has_said_ehlo_and_goes_on(gate: MailServer) -> None:
    answer = sent(group(gate, attempt(), early=True))["1"]
    assert last(answer) == ("RCPT TO:<anna@example.org>", "250 2.0.0 Ok")
    assert gate.heard[:3] == ["", "EHLO client.example", "MAIL FROM:<a@b.example>"]

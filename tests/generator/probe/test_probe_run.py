"""A whole probe of servers on loopback, good ones and odd ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from gatepost.probe.rows import Row
from loopback import Server, probed, quickly

OPEN = "250 2.1.5 Ok"


def relay_rows(rows: tuple[Row, ...]) -> list[Row]:
    return [row for row in rows if row.kind == "relay"]


def test_a_server_that_refuses_every_envelope_is_closed(server: Server) -> None:
    report = probed(server)
    assert report.verdict == "closed"
    assert {row.outcome for row in report.rows} == {"closed"}
    assert len(relay_rows(report.rows)) > 50


def test_a_server_that_accepts_every_envelope_is_open(server: Server) -> None:
    server.answers["RCPT TO"] = OPEN
    report = probed(server)
    assert report.verdict == "open"
    assert {row.outcome for row in relay_rows(report.rows)} == {"accepted"}


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("RCPT TO:<T%FOREIGN.TEST@TEST.EXAMPLE>", "T%D@S"),
        ("RCPT TO:T@FOREIGN.TEST", "without angle brackets"),
        ("RCPT TO:<@TEST.EXAMPLE:", "@S:T@D"),
        ("RCPT TO:<FOREIGN.TEST!T>", "D!T"),
    ],
)
def test_a_server_that_lets_one_form_through_is_open(server: Server, command: str, form: str) -> None:
    def rcpt(said: str) -> str:
        return OPEN if said.upper().startswith(command) else "554 5.7.1 Relay access denied"

    server.answers["RCPT TO"] = rcpt
    report = probed(server)
    assert report.verdict == "open"
    assert all(form in row.what for row in report.rows if row.verdict == "open")


def test_a_helo_that_is_trusted_is_found(server: Server) -> None:
    helo: list[str] = [""]

    def ehlo(said: str) -> str:
        helo[0] = said.partition(" ")[2]
        return "250 mx.test.example"

    server.answers["EHLO"] = ehlo
    server.answers["RCPT TO"] = lambda _: OPEN if helo[0] == "test.example" else "554 Relay access denied"
    opened = [row for row in probed(server).rows if row.verdict == "open"]
    assert {row.envelope.helo for row in opened if row.envelope} == {"test.example"}


def test_no_mail_is_sent_and_every_recipient_is_taken_back(server: Server) -> None:
    server.answers["RCPT TO"] = OPEN
    probed(server)
    assert server.mails == []
    assert not any(said.startswith("DATA") for said in server.heard)
    after = [server.heard[n + 1] for n, said in enumerate(server.heard) if said.startswith("RCPT TO")]
    assert set(after) == {"RSET"}


def test_there_is_one_connection_at_a_time_and_few_envelopes_in_each(server: Server) -> None:
    report = probed(server)
    assert server.most_at_once == 1
    assert server.connections >= len(relay_rows(report.rows)) / 8


def test_xclient_from_a_stranger_is_an_open_door(server: Server) -> None:
    server.answers["XCLIENT"] = "220 mx.test.example ESMTP"
    report = probed(server)
    assert report.verdict == "open"
    assert [row.what for row in report.rows if row.verdict == "open"] == ["XCLIENT, to pass for the server itself"]


def test_a_login_with_any_password_is_an_open_door(server: Server) -> None:
    server.answers |= {"EHLO": "250-mx.test.example\r\n250 AUTH PLAIN LOGIN", "AUTH": "235 2.7.0 welcome"}
    opened = [row.kind for row in probed(server).rows if row.verdict == "open"]
    assert opened == ["login"]


def test_relaying_after_a_failed_login_is_found(server: Server) -> None:
    failed = [False]

    def auth(_: str) -> str:
        failed[0] = True
        return "535 5.7.8 no"

    def greeted(_: str) -> str:
        failed[0] = False
        return "250-mx.test.example\r\n250 AUTH PLAIN"

    server.answers |= {"EHLO": greeted, "AUTH": auth}
    server.answers["RCPT TO"] = lambda _: OPEN if failed[0] else "554 Relay access denied"
    opened = [row.what for row in probed(server).rows if row.verdict == "open"]
    assert opened == ["after the failed login: F@D → T@D"]


# --- could not tell --------------------------------------------------------------------------------------------------


def nothing(_: str) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "closed the connection"),
        (nothing, "no answer within"),
        ("450 4.2.0 Greylisted, come back later", "later"),
        ("421 4.7.0 go away", "421"),
        (b"\xff\xfe\x00 what\r\n", "no SMTP reply"),
        (b"250-more\r\n" * 200, "does not end"),
        (b"2" * 5000, "does not end"),
        ("250-one\r\n550 two", "at once"),
        ("354 go on", "no answer to RCPT TO"),
        ("550 5.1.8 Sender address rejected: Domain not found", "--from-domain"),
        ("554 5.7.1 Client host [192.0.2.9] blocked using dnsbl.example", "another address"),
    ],
)
def test_an_answer_that_is_none_is_never_closed(
    server: Server, answer: bytes | str | Callable[[str], Any] | None, why: str
) -> None:
    server.answers["RCPT TO"] = answer
    report = probed(server, patience=0.2)
    plain = next(row for row in report.rows if row.what == "F@D → T@D")
    assert report.verdict == "could not tell"
    assert plain.outcome == "unknown"
    assert any(why in f"{row.why} {row.answer}" for row in report.rows)


def test_an_answer_given_before_it_was_asked_for_counts_for_nothing(server: Server) -> None:
    server.answers["MAIL FROM"] = b"250 ok\r\n554 5.7.1 Relay access denied\r\n"
    rows = relay_rows(probed(server).rows)
    assert {row.outcome for row in rows} == {"unknown"}
    assert any("before it is asked" in row.why for row in rows)


@pytest.mark.parametrize(
    "greeting", [None, nothing, "554 no service", "421 too busy", b"\x00\x00\r\n", b"SSH-2.0-x\r\n"]
)
def test_a_server_that_does_not_greet_could_not_be_told(server: Server, greeting: Any) -> None:
    server.greeting = greeting
    report = probed(server, patience=0.2)
    assert report.verdict == "could not tell"
    assert server.heard in ([], ["QUIT"])


def test_a_port_where_nobody_listens_could_not_be_told() -> None:
    with Server() as gone:
        pass
    report = probed(gone)
    assert report.verdict == "could not tell"
    assert report.rows[0].why == "connection refused"


def test_a_host_without_an_address_could_not_be_told(server: Server) -> None:
    from gatepost.probe.admission import Admitted
    from gatepost.probe.run import probe
    from loopback import asked

    report = probe(Admitted("mx.test.example", "a test", ()), asked(server.port), quickly(), lambda _: None)
    assert report.verdict == "could not tell"


def test_a_lock_out_ends_the_probe_and_all_that_was_not_asked_could_not_be_told(server: Server) -> None:
    asked = [0]

    def rcpt(_: str) -> str | None:
        asked[0] += 1
        if asked[0] > 20:
            server.greeting = "421 4.7.0 locked out"
            return "421 4.7.0 locked out"
        return "550 5.1.1 User unknown"

    server.answers["RCPT TO"] = rcpt
    report = probed(server)
    rows = relay_rows(report.rows)
    assert report.verdict == "could not tell"
    assert sum(row.outcome == "closed" for row in rows) < 20
    assert "locked out" in rows[-1].why
    assert server.connections < 15


def test_a_421_after_many_errors_costs_one_more_connection_and_no_answer(server: Server) -> None:
    errors = [0]

    def rcpt(_: str) -> str:
        errors[0] = (errors[0] + 1) % 5
        return "421 4.7.0 too many errors" if errors[0] == 0 else "554 5.7.1 Relay access denied"

    server.answers["RCPT TO"] = rcpt
    assert {row.outcome for row in relay_rows(probed(server).rows)} == {"closed"}


def test_the_limit_of_envelopes_is_kept_and_the_rest_could_not_be_told(server: Server) -> None:
    report = probed(server, quickly(envelopes=10))
    assert sum(said.startswith("RCPT TO") for said in server.heard) <= 10
    assert report.verdict == "could not tell"
    assert "--at-most" in report.rows[-1].why


def test_the_limit_of_time_is_kept_and_the_rest_could_not_be_told(server: Server) -> None:
    times = iter(range(100_000))
    pace = replace(quickly(seconds=20), clock=lambda: float(next(times)))
    report = probed(server, pace)
    assert sum(said.startswith("RCPT TO") for said in server.heard) <= 20
    assert "--time" in report.rows[-1].why


def test_there_is_a_pause_before_each_envelope(server: Server) -> None:
    pauses: list[float] = []
    probed(server, replace(quickly(), sleep=pauses.append))
    assert len(pauses) >= sum(said.startswith("RCPT TO") for said in server.heard)
    assert set(pauses) == {1.0}


# --- the front door --------------------------------------------------------------------------------------------------


def test_a_person_who_does_not_exist_and_is_accepted_is_a_warning(server: Server) -> None:
    server.answers["RCPT TO"] = OPEN
    (door,) = probed(server).doors
    nobody = next(answer for answer in door.answers if "gatepost-probe-" in answer.asked)
    assert nobody.good is False
    assert "backscatter" in nobody.meaning


def test_vrfy_that_tells_who_exists_is_a_warning_and_252_is_none(server: Server) -> None:
    server.answers |= {"VRFY": "250 <postmaster@test.example>", "EXPN": "252 try it"}
    (door,) = probed(server).doors
    good = {answer.asked.partition(" ")[0]: answer.good for answer in door.answers}
    assert (good["VRFY"], good["EXPN"]) == (False, True)


def test_a_server_that_says_under_which_address_it_sees_us_is_quoted(server: Server) -> None:
    server.answers["EHLO"] = "250 mx.test.example Hello probe.test [192.0.2.77], pleased to meet you"
    report = probed(server)
    assert report.client is not None
    assert (str(report.client.address), report.client.where) == ("192.0.2.77", "its answer to EHLO")


def test_an_address_that_only_repeats_what_we_wrote_is_no_news(server: Server) -> None:
    server.answers["RCPT TO"] = lambda said: f"554 5.7.1 {said.partition(':')[2]}: Relay access denied"
    assert probed(server).client is None


def test_the_name_that_a_server_greets_with_stands_for_s_too(server: Server) -> None:
    server.greeting = "220 other.name.example ESMTP"
    probed(server)
    assert any("@other.name.example:t@foreign.test" in said for said in server.heard)


def test_starttls_that_is_offered_and_fails_could_not_be_told(server: Server) -> None:
    server.answers |= {"EHLO": "250-mx.test.example\r\n250 STARTTLS", "STARTTLS": "454 TLS not available"}
    report = probed(server)
    assert report.verdict == "could not tell"
    assert {row.channel.tls for row in report.rows if row.outcome == "unknown"} == {"starttls"}


def test_words_in_the_clear_after_starttls_are_not_taken_for_an_answer(server: Server) -> None:
    server.answers |= {
        "EHLO": "250-mx.test.example\r\n250 STARTTLS",
        "STARTTLS": b"220 go on\r\n250 smuggled\r\n",
    }
    report = probed(server)
    assert any("in the clear" in row.why for row in report.rows)

"""How much a user may send in an hour."""

from __future__ import annotations

import pytest
from gatepost_mx.sending import HOUR, Ledger, Limits, SendingError, answer, limits_of, request_of, restore, saved

NOW = 1_800_000_000.0


def ledger(mails: int = 3, recipients: int = 10) -> Ledger:
    return Ledger(Limits(mails, recipients, "Too much mail this hour"))


def ask(known: Ledger, user: str = "anna", recipients: int = 1, now: float = NOW) -> str:
    """The action for one mail."""
    lines = [b"request=smtpd_access_policy\n", b"protocol_state=DATA\n", f"sasl_username={user}\n".encode()]
    return answer(known, request_of([*lines, f"recipient_count={recipients}\n".encode()]), now)[0]


def test_a_user_may_send_so_many_mails_in_an_hour_and_then_waits() -> None:
    known = ledger()
    assert [ask(known)[:5] for _ in range(5)] == ["DUNNO"] * 3 + ["450 4"] * 2
    assert ask(known, "bert") == "DUNNO"
    assert ask(known, now=NOW + HOUR) == "DUNNO"


def test_recipients_count_too_and_a_mail_that_waits_does_not() -> None:
    known = ledger()
    assert ask(known, recipients=8) == "DUNNO"
    assert ask(known, recipients=3).startswith("450")
    assert ask(known, recipients=2) == "DUNNO"


def test_however_a_name_is_written_it_is_one_user() -> None:
    known = ledger(1)
    assert [ask(known, name)[:3] for name in ("anna", "ANNA")] == ["DUN", "450"]


def test_one_alarm_is_enough_until_the_user_may_send_again() -> None:
    known = ledger(1)
    request = {"sasl_username": "anna", "protocol_state": "DATA", "recipient_count": "1"}
    alarms = [bool(answer(known, request, NOW + step)[1]) for step in (0, 1, 2, HOUR + 3, HOUR + 4)]
    assert alarms == [False, True, False, False, True]


@pytest.mark.parametrize("lines", [[], [b"x"], [b"sasl_username=anna\n"], [b"protocol_state=DATA\n", b"\xff\xfe=\n"]])
def test_what_is_no_question_about_a_user_is_let_pass(lines: list[bytes]) -> None:
    assert answer(ledger(0), request_of(lines), NOW) == ("DUNNO", "")


def test_what_was_sent_survives_a_restart_and_what_is_damaged_counts_nothing() -> None:
    before, after = ledger(1), ledger(1)
    ask(before)
    restore(after, saved(before))
    assert ask(after).startswith("450")
    for text in ("", "[]", '{"anna": 1}', '{"anna": [["x", 1]]}'):
        fresh = ledger(1)
        restore(fresh, text)
        assert ask(fresh) == "DUNNO"


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    known = ledger(1)
    ask(known, now=NOW + 86400)
    assert ask(known, now=NOW) == "DUNNO"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"version": 2}', '{"version": 1, "mails": "x", "recipients": 1, "text": ""}']
)
def test_a_damaged_config_is_one_error(text: str) -> None:
    with pytest.raises(SendingError):
        limits_of(text)

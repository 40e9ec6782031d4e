"""What gatepost-mx and Postfix say of a client that guesses, as events."""

from __future__ import annotations

import syslog
from pathlib import Path

import pytest
from gatepost_mx import sayings
from gatepost_mx.counting import LockOut
from gatepost_observer.events import Event
from gatepost_observer.parse import Reader
from samples import one, read, said

MX = "gatepost-mx[123]"
FOUR = LockOut("203.0.113.9", 100, 86500, 2, 20, 3600)
SIX = LockOut("2001:db8:5::/64", 100, 86500, 1, 20, 3600)


def events(*lines: sayings.Line) -> list[Event]:
    """The events of these lines, as the program itself writes them."""
    return read(*(said(text, MX) for _, text in lines))


def test_a_lock_out_tells_the_client_and_how_many_addresses_it_asked_for() -> None:
    (event,) = events(sayings.locked(FOUR))
    told = {column: event[column] for column in ("kind", "program", "action", "client", "recipients")}
    assert told == {
        "kind": "lock-out",
        "program": "gatepost-mx",
        "action": "started",
        "client": "203.0.113.9",
        "recipients": 20,
    }
    assert event["text"] == "lock-out: client=203.0.113.9 addresses=20 window=3600 for=86400 times=2"


def test_a_lock_out_ends_by_itself_or_is_lifted() -> None:
    found = events(sayings.ended(FOUR), sayings.lifted(FOUR, 200))
    assert [(e["kind"], e["action"], e["client"]) for e in found] == [
        ("lock-out", "stopped", "203.0.113.9"),
        ("lock-out", "lifted", "203.0.113.9"),
    ]


def test_of_ipv6_the_first_address_stands_for_the_64_and_the_text_says_so() -> None:
    (event,) = events(sayings.locked(SIX))
    assert event["client"] == "2001:db8:5::"
    assert "client=2001:db8:5::/64 " in event["text"]


def test_words_that_a_later_version_adds_do_no_harm() -> None:
    (event,) = read(said("lock-out: lane=normal client=203.0.113.9 why=guessing addresses=7 and words", MX))
    assert (event["client"], event["recipients"]) == ("203.0.113.9", 7)


def test_what_the_program_sums_up_is_not_counted_twice() -> None:
    assert events(*sayings.refused({"203.0.113.9": 57, "203.0.113.10": 3}, 60)) == []


def test_the_refusal_itself_is_postfixs_word() -> None:
    line = (
        "NOQUEUE: milter-reject: CONNECT from unknown[203.0.113.9]: 421 4.7.0 You are locked out: too many unknown "
        "addresses; https://www.example.org/mail; proto=SMTP"
    )
    event = one(said(line), kind="refused")
    told = {column: event[column] for column in ("reason", "code", "status", "client")}
    assert told == {"reason": "locked-out", "code": 421, "status": "4.7.0", "client": "203.0.113.9"}


def test_the_program_tells_when_it_starts_is_reloaded_and_stops() -> None:
    found = events(sayings.started("1", 3, 17), sayings.reloaded(Path("/etc/gatepost/mx.json")), sayings.stopped())
    assert [(e["kind"], e["action"]) for e in found] == [
        ("started", "started"),
        ("started", "reloaded"),
        ("started", "stopped"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (sayings.firewall("nft: Operation not permitted"), "warning"),
        (sayings.state("disk I/O error"), "error"),
        (sayings.damaged("/var/lib/… is damaged"), "error"),
    ],
)
def test_what_goes_wrong_is_a_warning_and_what_goes_well_is_none(line: sayings.Line, reason: str) -> None:
    (event,) = events(line)
    assert (event["kind"], event["reason"]) == ("warning", reason)
    assert line[0] in (syslog.LOG_WARNING, syslog.LOG_ERR)
    assert events(sayings.firewall(None), sayings.state(None)) == []


def test_a_client_that_is_no_address_makes_the_line_an_unknown_one() -> None:
    reader = Reader()
    assert reader.read([said("lock-out: client=<script> addresses=20", MX), said("lock-out: addresses=20", MX)]) == []
    assert reader.unknown["gatepost-mx"]["count"] == 2

"""At the doors: what decide says of STARTTLS, logins, sender addresses, and of clients before they may speak."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from gatepost.decide import Verdict
from test_doors_policy import SUBMISSION
from written import OUTSIDE, verdict

ABROAD = "x@foreign.example"
ANNA = replace(OUTSIDE, port=587, tls=True, login="anna", sender="anna@example.org", recipient=ABROAD)
LISTS = """\
front_door:
  refuse_at: 3
  block_lists:
    - {name: zen.example.org, answers: ["127.0.0.2..11"], weight: 3}
    - {name: b.example.org, answers: ["127.0.0.2", "127.0.0.4", "127.0.1.9"]}
filtering: {allow: [{client: 203.0.113.77}]}
"""


def reply(found: Verdict) -> tuple[int, str]:
    """Its two codes."""
    return found.code, found.enhanced


@pytest.mark.parametrize("port", [587, 465])
def test_who_logs_in_may_send_to_the_world_from_anywhere(port: int) -> None:
    found = verdict(SUBMISSION, ANNA, port=port)
    assert (found.action, found.next_hop) == ("accept", "smtp:foreign.example")
    assert any(step.line.endswith("submission.users.anna") for step in found.steps)


@pytest.mark.parametrize(
    "sender", ["o'brien@example.org", "nobody@example.org", "a@b.example", "anna@example.org.evil.test"]
)
def test_an_address_of_somebody_else_is_refused(sender: str) -> None:
    found = verdict(SUBMISSION, ANNA, sender=sender)
    assert reply(found) == (553, "5.7.1")
    assert "not owned by user anna" in found.text


@pytest.mark.parametrize("sender", ["", "ANNA@Example.org", '"anna"@example.org'])
def test_the_null_sender_and_other_ways_to_write_an_own_address_are_taken(sender: str) -> None:
    assert verdict(SUBMISSION, ANNA, sender=sender).action == "accept"


def test_nothing_is_heard_before_starttls_and_nobody_without_a_login() -> None:
    assert reply(verdict(SUBMISSION, ANNA, tls=False)) == (530, "5.7.0")
    for client in ("203.0.113.9", "192.0.2.7"):
        found = verdict(SUBMISSION, ANNA, login=None, client=ipaddress.ip_address(client), recipient="anna@example.org")
        assert (reply(found), found.text) == ((530, "5.7.0"), "Authentication required")


def test_a_password_without_a_line_of_the_policy_is_worth_nothing() -> None:
    assert reply(verdict(SUBMISSION, ANNA, login="stranger", sender="")) == (530, "5.7.0")


def test_a_closed_port_gives_no_answer() -> None:
    assert verdict("", ANNA).code == 0
    assert verdict(SUBMISSION, ANNA, port=465, tls=False).code == 0


def test_who_logs_in_still_reaches_nobody_who_does_not_exist_and_no_blocked_destination() -> None:
    assert reply(verdict(SUBMISSION, ANNA, recipient="nobody@example.org")) == (550, "5.1.1")
    more = SUBMISSION + "filtering: {block: [{destination: foreign.example}]}\n"
    assert reply(verdict(more, ANNA)) == (554, "5.7.1")


def test_starttls_at_port_25_changes_nothing_for_a_stranger() -> None:
    assert reply(verdict(SUBMISSION, OUTSIDE, tls=True, recipient=ABROAD)) == (554, "5.7.1")


def test_who_talks_early_is_refused_unless_he_is_known() -> None:
    assert reply(verdict("", talks_early=True)) == (550, "5.5.1")
    for client in ("192.0.2.7", "127.0.0.1", "203.0.113.77"):
        assert verdict(LISTS, talks_early=True, client=ipaddress.ip_address(client)).action == "accept"


@pytest.mark.parametrize(
    ("listings", "refused"),
    [
        ((("zen.example.org", "127.0.0.11"),), True),
        ((("zen.example.org", "127.0.0.12"),), False),
        ((("zen.example.org", "127.255.255.254"),), False),
        ((("unknown.example.org", "127.0.0.2"),), False),
        ((("b.example.org", "127.0.0.2"), ("b.example.org", "127.0.0.4"), ("b.example.org", "127.0.1.9")), False),
        ((("ZEN.example.org", "127.0.0.2"), ("b.example.org", "127.0.0.2")), True),
    ],
)
def test_only_listed_answers_count_and_a_list_once_for_each_network(
    listings: tuple[tuple[str, str], ...], refused: bool
) -> None:
    found = verdict(LISTS, listings=listings)
    assert (found.code == 550) is refused
    if refused:
        assert found.text == "Service unavailable; client [203.0.113.9] blocked using zen.example.org"


def test_a_listed_client_that_is_known_passes() -> None:
    known = replace(OUTSIDE, client=ipaddress.ip_address("203.0.113.77"))
    assert verdict(LISTS, known, listings=(("zen.example.org", "127.0.0.2"),)).action == "accept"

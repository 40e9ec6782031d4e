"""The gate's steps, in the order of docs/how-mail-is-decided.md."""

from __future__ import annotations

import ipaddress

import pytest
from gatepost.decide import decide
from written import INSIDE, OUTSIDE, TEN_LINES, verdict, written

LISTS = """\
filtering:
  allow:
    - {client: 203.0.113.70}
    - {sender: good@scam.example}
    - {recipient: "anna@example.org"}
    - {destination: partner.example}
    - {term: council minutes}
  block:
    - {client: 203.0.113.64/27}
    - {client: "2001:db8:bad::/48"}
    - {sender: "@scam.example"}
    - {recipient: "@example.org"}
    - {destination: typo.example}
    - {destination: partner.example.org}
    - {term: urgent bank transfer}
"""


def test_a_mail_for_a_listed_recipient_is_taken_from_anyone_and_goes_to_the_store() -> None:
    found = verdict()
    assert (found.action, found.code, found.enhanced) == ("accept", 250, "2.0.0")
    assert (found.lane, found.next_hop) == ("normal", "smtp:[mailstore.example.org]:25")
    assert found.recipient == "anna@example.org"
    assert found.line == "policy.yml:7 domains.example.org.deliver_to"


def test_every_step_names_a_line_of_the_policy_or_a_standard() -> None:
    for step in verdict(LISTS, subject="hello").steps:
        assert step.line.startswith("policy.yml") or "RFC" in step.line


def test_a_mail_that_is_too_large_is_refused_before_all_else() -> None:
    found = verdict("limits: {message_size: 100k}\n", size=102401, recipient="nobody@example.org")
    assert (found.code, found.enhanced, found.line) == (552, "5.3.4", "policy.yml:11 limits.message_size")


def test_a_mail_of_exactly_the_limit_is_taken() -> None:
    assert verdict("limits: {message_size: 100k}\n", size=102400).code == 250


def test_a_blocked_client_is_refused_for_any_recipient() -> None:
    client = ipaddress.ip_address("203.0.113.65")
    found = verdict(LISTS, client=client, recipient="nobody@example.org")
    assert (found.action, found.code, found.enhanced) == ("reject", 554, "5.7.1")
    assert found.line == "policy.yml:19 filtering.block.0.client"


def test_a_blocked_client_over_ipv6_is_refused() -> None:
    assert verdict(LISTS, client=ipaddress.ip_address("2001:db8:bad::1")).code == 554


def test_an_ipv4_client_that_is_written_as_ipv6_is_the_same_client() -> None:
    assert verdict(LISTS, client=ipaddress.ip_address("::ffff:203.0.113.65")).code == 554
    assert verdict(client=ipaddress.ip_address("::ffff:192.0.2.7"), recipient="x@y.example").code == 250


def test_an_allowed_client_is_spared_a_wider_block() -> None:
    assert verdict(LISTS, client=ipaddress.ip_address("203.0.113.70")).code == 250


def test_a_refusal_by_the_lists_tells_where_to_ask_and_not_which_entry_it_was() -> None:
    assert verdict(LISTS, sender="x@scam.example").text == "Refused by our mail policy; ask anna@example.org"


def test_an_incomplete_sender_is_refused() -> None:
    found = verdict(sender="root")
    assert (found.code, found.enhanced) == (504, "5.5.2")


@pytest.mark.parametrize("sender", ["x@scam.example", "X@SCAM.example.", '"a b"@scam.example', "@a:x@scam.example"])
def test_everyone_in_a_blocked_domain_is_refused_however_it_is_written(sender: str) -> None:
    assert verdict(LISTS, sender=sender).line == "policy.yml:21 filtering.block.2.sender"


def test_a_blocked_domain_does_not_block_its_subdomains() -> None:
    assert verdict(LISTS, sender="x@sub.scam.example").code == 250


def test_an_allowed_sender_is_spared_a_blocked_domain() -> None:
    assert verdict(LISTS, sender="Good@scam.example").code == 250


def test_the_null_sender_is_not_blocked_by_a_list_of_senders() -> None:
    assert verdict(LISTS, sender="<>").code == 250


def test_the_bare_postmaster_is_reached_past_every_list() -> None:
    client = ipaddress.ip_address("203.0.113.65")
    found = verdict(LISTS, client=client, sender="x@scam.example", recipient="postmaster")
    assert (found.code, found.recipient) == (250, "anna@example.org")
    assert found.next_hop == "smtp:[mailstore.example.org]:25"


def test_the_postmaster_of_a_domain_that_does_not_list_him_is_the_organisations() -> None:
    assert verdict(recipient="Postmaster@example.org").recipient == "anna@example.org"


def test_a_listed_postmaster_gets_his_own_mail() -> None:
    base = TEN_LINES.replace("[anna@example.org,", "[anna@example.org, postmaster@example.org,")
    model = written(base=base)
    found = decide(model, OUTSIDE.__class__(OUTSIDE.client, "a@b.example", "postmaster@example.org"))
    assert found.recipient == "postmaster@example.org"


def test_a_foreign_postmaster_is_reached_by_his_mx_records() -> None:
    base = TEN_LINES.replace("postmaster: anna@example.org", "postmaster: mail@provider.example")
    model = written(base=base)
    found = decide(model, OUTSIDE.__class__(OUTSIDE.client, "a@b.example", "postmaster"))
    assert (found.recipient, found.next_hop) == ("mail@provider.example", "smtp:provider.example")


def test_relaying_from_outside_is_refused() -> None:
    found = verdict(recipient="x@foreign.example")
    assert (found.code, found.enhanced, found.text) == (554, "5.7.1", "Relay access denied")
    assert found.line == "policy.yml:10 networks.internal"


@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8:1::7", "127.0.0.1", "::1"])
def test_internal_clients_and_the_server_itself_may_send_to_anyone(client: str) -> None:
    found = verdict(client=ipaddress.ip_address(client), recipient="x@foreign.example")
    assert (found.code, found.next_hop) == (250, "smtp:foreign.example")


def test_whoever_has_logged_in_may_send_to_anyone() -> None:
    assert verdict(authenticated=True, recipient="x@foreign.example").code == 250


def test_a_destination_in_brackets_is_that_very_host() -> None:
    assert verdict(attempt=INSIDE, recipient="x@[198.51.100.1]").next_hop == "smtp:[198.51.100.1]"


def test_an_unknown_recipient_is_refused_with_the_help_text() -> None:
    found = verdict(
        'unknown_recipients: {text: "{recipient} is unknown, ask {postmaster}"}\n', recipient="Ana@example.org"
    )
    assert (found.code, found.enhanced) == (550, "5.1.1")
    assert found.text == "Ana@example.org is unknown, ask anna@example.org"
    assert found.line == "policy.yml:8 domains.example.org.recipients"


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ("Ana@Example.ORG.", "Ana@Example.ORG."),
        ('"ana b"@example.org', "ana b@example.org"),
        ("$ana@example.org", "the address"),
        ('"a\\\\b"@example.org', "the address"),
    ],
)
def test_an_unknown_recipient_is_repeated_as_written_or_not_at_all(recipient: str, told: str) -> None:
    assert verdict('unknown_recipients: {text: "{recipient}!"}\n', recipient=recipient).text == f"{told}!"


def test_an_unknown_recipient_is_refused_to_internal_clients_too() -> None:
    assert verdict(attempt=INSIDE, recipient="nobody@example.org").code == 550


def test_an_extension_behind_a_plus_is_another_address() -> None:
    assert verdict(recipient="anna+x@example.org").code == 550


def test_a_blocked_recipient_is_refused_only_when_he_exists() -> None:
    blocked = verdict(LISTS, recipient="o'brien@example.org")
    assert (blocked.code, blocked.line) == (554, "policy.yml:22 filtering.block.3.recipient")
    assert verdict(LISTS, recipient="nobody@example.org").code == 550


def test_a_blocked_destination_is_refused_to_those_who_may_send_there() -> None:
    found = verdict(LISTS, attempt=INSIDE, recipient="x@typo.example")
    assert (found.code, found.line) == (554, "policy.yml:23 filtering.block.4.destination")


SUBJECTS = [
    ("urgent bank transfer", True),
    ("Re: URGENT  Bank\ttransfer!", True),
    ("urgent\r\n bank\r\n\ttransfer", True),
    ("urgent-bank-transfer", False),
    ("insurgent bank transfer", False),
    ("urgent bank transfers", False),
    ("transfer bank urgent", False),
    ("", False),
]


@pytest.mark.parametrize(("subject", "hit"), SUBJECTS)
def test_a_term_is_found_as_whole_words_in_any_case_over_any_blanks(subject: str, hit: bool) -> None:
    found = verdict(LISTS, subject=subject)
    assert (found.code, found.action) == ((550, "reject") if hit else (250, "accept"))


def test_an_allowed_term_spares_the_mail_every_blocked_one() -> None:
    assert verdict(LISTS, subject="Council Minutes: urgent bank transfer").code == 250


@pytest.mark.parametrize("term", ["[free] (50%)", "a.b*c+d?", "$$$", "^x|y$", "back\\\\slash"])
def test_a_term_is_no_regular_expression(term: str) -> None:
    more = f"filtering:\n  block:\n    - {{term: '{term}'}}\n"
    assert verdict(more, subject=f"now: {term}, today").code == 550
    assert verdict(more, subject="free aXbbcd x y").code == 250

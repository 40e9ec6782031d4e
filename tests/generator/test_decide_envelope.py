"""How the gate reads envelope addresses. The replies are those of two running servers, Postfix 3.7 and 3.10."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from gatepost.decide import decide
from gatepost.decide.envelope import read_path
from written import INSIDE, OUTSIDE, TEN_LINES, verdict, written

# Recipient, the reply to a client outside, the reply to one inside (250: taken).
RECIPIENTS = [
    ("<anna@example.org>", 250, 250),
    ("<ANNA@EXAMPLE.ORG>", 250, 250),
    ("<anna@example.org.>", 250, 250),
    ("<anna@example.org..>", 501, 501),
    ("<nobody@example.org>", 550, 550),
    ("<anna@sub.example.org>", 554, 250),
    ("<x@foreign.example>", 554, 250),
    ("<user%x@example.org>", 554, 550),
    ("<foreign.example!user@example.org>", 554, 550),
    ('<"a@b"@example.org>', 554, 550),
    ('<"user@foreign.example"@example.org>', 554, 550),
    ("<anna@@example.org>", 554, 550),
    ("<anna@foreign.example@example.org>", 554, 550),
    ("<anna@example.org@foreign.example>", 554, 250),
    ("<@a:b@c>", 554, 504),
    ("<@example.org:x@foreign.example>", 554, 250),
    ("<@a,@b:anna@example.org>", 250, 250),
    ("<postmaster>", 250, 250),
    ("<Postmaster>", 250, 250),
    ("<anna>", 554, 504),
    ('<"anna">', 554, 504),
    ('<"anna@example.org">', 250, 250),
    ("<anna\\@example.org>", 250, 250),
    ("<foreign.example!user>", 554, 504),
    ("<user%foreign.example>", 554, 504),
    ("<anna@example>", 554, 504),
    ("<anna@localhost>", 554, 504),
    ("<x@[192.0.2.1]>", 554, 250),
    ("<x@[IPv6:2001:db8::1]>", 554, 250),
    ("<x@[127.0.0.1]>", 550, 550),
    ("<x%foreign.example@[127.0.0.1]>", 554, 550),
    ("<anna@example.org@[127.0.0.1]>", 250, 250),
    ('<"x@foreign.example"@[127.0.0.1]>', 554, 250),
    ("<x@[127.1.2.3]>", 554, 250),
    ("<x@192.0.2.1>", 501, 501),
    ("<x@[bad]>", 501, 501),
    ("<anna@#12345>", 501, 501),
    ("<>", 501, 501),
    ("<anna@>", 501, 501),
    ("<@example.org>", 501, 501),
    ('<""@example.org>', 501, 501),
    ('<"john doe"@example.org>', 250, 250),
    ('<"john\\ doe"@example.org>', 250, 250),
    ("<john doe@example.org>", 501, 501),
    ('<"anna"@example.org>', 250, 250),
    ('<anna@"example.org">', 250, 250),
    ("<anna @ example.org>", 250, 250),
    ("<o'brien@example.org>", 250, 250),
    ('<an"n"a@example.org>', 501, 501),
    ('<"anna"x@example.org>', 501, 501),
    ('<"unterminated@example.org>', 501, 501),
    ("<anna.@example.org>", 550, 550),
    ("<an..na@example.org>", 550, 550),
    ("<an:na@example.org>", 550, 550),
    ("<anna@exa_mple.org>", 554, 250),
    ("<anna@-example.org>", 501, 501),
    ("<anna@bücher.example>", 501, 501),
    ("<änna@example.org>", 550, 550),
    ("<anna@exam ple.org>", 501, 501),
    ("<anna@example.org (comment)>", 501, 501),
    ("<Anna <anna@example.org>>", 501, 501),
    ("<anna@example.org,bert@example.org>", 501, 501),
    ("<grp:anna@example.org;>", 501, 501),
    ("<a[b@example.org>", 501, 501),
    ("<![>", 554, 504),
    ("<T@D@[127.0.0.1]>", 554, 250),
    ("<a)b@example.org>", 550, 550),
    ("<[192.0.2.1]@example.org>", 550, 550),
    ("<" + "a" * 100 + "@example.org>", 550, 550),
]

SENDERS = [
    ("<>", 250),
    ("", 250),
    ('<"">', 250),
    ("<a>", 504),
    ("<postmaster>", 504),
    ("<a@b>", 504),
    ("<a@[192.0.2.1]>", 250),
    ("<a@192.0.2.1>", 501),
    ("<@a:b@c.example>", 250),
    ('<"a b"@b.example>', 250),
    ("<a@b@c.example>", 250),
    ("<@c.example>", 501),
    ("<a@>", 501),
    ("<a@b_c.example>", 250),
    ("<x%b@c.example>", 250),
]


@pytest.mark.parametrize(("recipient", "outside", "inside"), RECIPIENTS)
def test_a_recipient_gets_the_reply_of_a_running_server(recipient: str, outside: int, inside: int) -> None:
    assert verdict(attempt=OUTSIDE, recipient=recipient).code == outside
    assert verdict(attempt=INSIDE, recipient=recipient).code == inside


@pytest.mark.parametrize(("sender", "code"), SENDERS)
def test_a_sender_gets_the_reply_of_a_running_server(sender: str, code: int) -> None:
    assert verdict(sender=sender).code == code


def test_a_listed_recipient_that_reads_like_a_route_is_reached_from_inside_alone() -> None:
    model = written(base=TEN_LINES.replace("[anna@", "[50%off@example.org, anna@"))
    for attempt, code in ((OUTSIDE, 554), (INSIDE, 250)):
        assert decide(model, replace(attempt, recipient="<50%off@example.org>")).code == code


def test_angle_brackets_may_be_there_or_not() -> None:
    assert read_path("anna@example.org") == read_path("<anna@example.org>")


def test_quotes_that_are_not_needed_make_no_other_address() -> None:
    assert read_path('"anna"@example.org') == read_path("anna@example.org")


def test_an_odd_local_part_is_compared_in_quotes_and_told_without() -> None:
    path = read_path('"John Doe"@Example.org.')
    assert path is not None
    assert (path.key, path.told) == ('"john doe"@example.org', "John Doe@Example.org.")


def test_the_servers_own_addresses_count_as_the_server_when_they_are_known() -> None:
    own = frozenset({ipaddress.ip_address("198.51.100.1")})
    assert verdict(recipient="x@[198.51.100.1]").code == 554
    assert verdict(recipient="x@[198.51.100.1]", server_addresses=own).code == 550
    assert verdict(recipient="anna@example.org@[198.51.100.1]", server_addresses=own).code == 250

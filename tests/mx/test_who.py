"""Clients and recipients: what counts as one and the same."""

from __future__ import annotations

import ipaddress

import pytest
from gatepost_mx.clients import Friends, from_person, named, parse
from gatepost_mx.recipients import number, plain
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_64_of_an_ipv6_address(address: str, client: str) -> None:
    found = parse(address)
    assert found
    assert named(found) == client
    assert from_person(client) == client


@pytest.mark.parametrize(
    "text", ["", "unknown", "203.0.113", "203.0.113.9/24", "2001:db8::/32", "a\x1b[2J", "1.2.3.4 x"]
)
def test_what_is_no_client_is_nobody(text: str) -> None:
    assert from_person(text) is None


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_every_address_of_a_64_is_the_same_client(address: ipaddress.IPv6Address, host: int) -> None:
    if address.ipv4_mapped:
        return
    other = ipaddress.IPv6Address(int(address) >> 64 << 64 | host)
    assert other.ipv4_mapped or named(other) == named(address)


def test_a_friend_is_known_by_its_very_address_and_spares_its_64_the_firewall() -> None:
    friends = Friends([ipaddress.ip_network("2001:db8:1:2::5/128"), ipaddress.ip_network("192.0.2.0/24")])
    assert friends.include(ipaddress.ip_address("2001:db8:1:2::5"))
    assert not friends.include(ipaddress.ip_address("2001:db8:1:2::6"))
    assert friends.share("2001:db8:1:2::/64")
    assert not friends.cover("2001:db8:1:2::/64")
    assert friends.cover("192.0.2.7")
    assert not friends.share("198.51.100.1")


def test_this_very_server_is_always_a_friend() -> None:
    assert all(Friends().include(ipaddress.ip_address(own)) for own in ("127.0.0.1", "127.9.9.9", "::1"))


SAME = [
    b"<j.doe@example.org>",
    b"j.doe@example.org",
    b"<J.Doe@Example.ORG>",
    b'<"j.doe"@example.org>',
    b'<j."doe"@example.org>',
    b'<"j\\.do\\e"@example.org.>',
    b"<@relay.example,@other.example:j.doe@example.org>",
    b" <j.doe@example.org> ",
]


@pytest.mark.parametrize("written", SAME)
def test_ways_to_write_one_address_are_one_address(written: bytes) -> None:
    assert plain(written) == b"j.doe@example.org"


@pytest.mark.parametrize("other", [b"<j.doe+1@example.org>", b"<jdoe@example.org>", b"<j.doe@example.net>", b"<j.doe>"])
def test_another_address_is_another_address(other: bytes) -> None:
    assert plain(other) != b"j.doe@example.org"


def test_capitals_beyond_ascii_are_capitals_too() -> None:
    assert plain("<JÖRG@example.org>".encode()) == plain("<jörg@example.org>".encode())


@given(st.binary(max_size=300))
def test_any_bytes_have_a_number_that_fits_the_file(written: bytes) -> None:
    assert 0 <= number(written, b"key") < 2**63


@given(st.from_regex(rb"[a-z0-9.+]{1,20}", fullmatch=True), st.from_regex(rb"[a-z0-9.+]{1,20}", fullmatch=True))
def test_different_local_parts_are_different_numbers(one: bytes, two: bytes) -> None:
    same = number(b"<" + one + b"@example.org>", b"k") == number(b'<"' + two.upper() + b'"@EXAMPLE.org>', b"k")
    assert same == (one == two)


def test_numbers_of_two_servers_do_not_tell_of_the_same_address() -> None:
    assert number(b"<a@example.org>", b"one") != number(b"<a@example.org>", b"two")

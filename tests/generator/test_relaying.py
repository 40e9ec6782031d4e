"""The relay table: which envelopes it holds."""

from __future__ import annotations

import ipaddress

import pytest
from gatepost.relaying import Parties, envelopes
from hypothesis import given
from hypothesis import strategies as st

V4 = ipaddress.ip_address("192.0.2.1")
NAMES = st.from_regex(r"[a-z]{1,8}\.[a-z]{2,5}", fullmatch=True)


def pairs(*names: str, address: str = "192.0.2.1") -> set[tuple[str, str]]:
    found = envelopes(Parties("f@d.test", "t@d.test", names, ipaddress.ip_address(address)))
    return {(envelope.wire_sender, envelope.wire_recipient) for envelope in found}


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("", "t@d.test"),
        ("f@d.test", "t@d.test"),
        ("gatepost-probe@s.test", "t@d.test"),
        ("gatepost-probe@[192.0.2.1]", "t@d.test"),
        ("gatepost-probe@[192.0.2.1]", "t%d.test@[192.0.2.1]"),
        ("gatepost-probe@[192.0.2.1]", "t%d.test@s.test"),
        ("gatepost-probe@[192.0.2.1]", '"t@d.test"'),
        ("gatepost-probe@[192.0.2.1]", '"t%d.test"'),
        ("gatepost-probe@[192.0.2.1]", "t@d.test@[192.0.2.1]"),
        ("gatepost-probe@[192.0.2.1]", '"t@d.test"@[192.0.2.1]'),
        ("gatepost-probe@[192.0.2.1]", "t@d.test@s.test"),
        ("gatepost-probe@[192.0.2.1]", "@[192.0.2.1]:t@d.test"),
        ("gatepost-probe@[192.0.2.1]", "@s.test:t@d.test"),
        ("gatepost-probe@[192.0.2.1]", "d.test!t"),
        ("gatepost-probe@[192.0.2.1]", "d.test!t@[192.0.2.1]"),
        ("gatepost-probe@[192.0.2.1]", "d.test!t@s.test"),
    ],
)
def test_it_holds_each_of_the_sixteen_forms_of_nmap(sender: str, recipient: str) -> None:
    assert (f"<{sender}>", f"<{recipient}>") in pairs("s.test")


def test_sixteen_forms_are_marked_as_nmaps_own() -> None:
    found = envelopes(Parties("f@d.test", "t@d.test", ("s.test",), V4))
    assert sum(envelope.classic for envelope in found) == 16


@pytest.mark.parametrize(
    "recipient",
    [
        "<@a.gatepost-probe.invalid,@b.gatepost-probe.invalid:t@d.test>",
        "<t@d.test.>",
        "<t@[192.0.2.25]>",
        "<t@192.0.2.25>",
        "<t@gatepost-probe.s.test>",
        "t@d.test",
    ],
)
def test_it_holds_the_forms_that_nmap_lacks(recipient: str) -> None:
    assert recipient in {asked for _, asked in pairs("s.test")}


def test_our_own_domain_and_localhost_stand_as_sender_and_as_helo() -> None:
    found = envelopes(Parties("f@d.test", "t@d.test", ("s.test",), V4))
    assert {"s.test", "localhost", "[192.0.2.1]"} <= {envelope.helo for envelope in found}
    assert {"gatepost-probe@s.test", "gatepost-probe@localhost"} <= {envelope.sender for envelope in found}


def test_an_ipv6_address_is_written_as_rfc_5321_wants_it() -> None:
    assert any("@[IPv6:2001:db8::1]" in recipient for _, recipient in pairs("s.test", address="2001:db8::1"))


def test_the_address_of_nobody_is_never_the_servers_own() -> None:
    assert ("<f@d.test>", "<t@[192.0.2.25]>") not in pairs("s.test", address="192.0.2.25")


@given(st.lists(NAMES, max_size=5))
def test_each_name_adds_the_same_number_of_forms_and_none_comes_twice(names: list[str]) -> None:
    once = list(dict.fromkeys(names))
    made = envelopes(Parties("f@d.invalid", "t@d.invalid", tuple(names), V4))
    seen = [(envelope.wire_sender, envelope.wire_recipient, envelope.helo) for envelope in made]
    assert len(set(seen)) == len(seen)
    alone = len(envelopes(Parties("f@d.invalid", "t@d.invalid", ("s.invalid",), V4)))
    none = len(envelopes(Parties("f@d.invalid", "t@d.invalid", (), V4)))
    assert len(made) == none + len(once) * (alone - none)


@given(st.lists(NAMES, max_size=5))
def test_those_with_the_same_helo_stand_together(names: list[str]) -> None:
    helos = [envelope.helo for envelope in envelopes(Parties("f@d.invalid", "t@d.invalid", tuple(names), V4))]
    assert helos == sorted(helos)

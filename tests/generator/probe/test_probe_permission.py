"""Who may be probed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import date

import pytest
from gatepost.inventory import Host, Inventory
from gatepost.policy.values import IPAddress
from gatepost.probe.admission import admit
from gatepost.probe.names import NameServiceError
from gatepost.probe.permission import NotPermittedError, permitted_by_record
from gatepost.probe.replies import NoAnswerError
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = ipaddress.ip_address("192.0.2.25")
TODAY = date(2026, 11, 24)
GOOD = "gatepost-probe allow=audit@example.net; until=9999-12-31"


@dataclass
class Zone:
    """A name service out of a test."""

    txt: dict[str, list[str]] = field(default_factory=dict)
    a: dict[str, list[IPAddress]] = field(default_factory=dict)
    ptr: dict[IPAddress, list[str]] = field(default_factory=dict)
    mx: dict[str, list[str]] = field(default_factory=dict)

    def texts(self, name: str) -> list[str]:
        return self.txt.get(name, [])

    def addresses(self, name: str) -> list[IPAddress]:
        return self.a.get(name, [])

    def names(self, address: IPAddress) -> list[str]:
        return self.ptr.get(address, [])

    def exchangers(self, domain: str) -> list[str]:
        return self.mx.get(domain, [])


class Dead(Zone):
    def texts(self, name: str) -> list[str]:
        raise NameServiceError("no answer")


def zone(record: str = GOOD, at: str = "_gatepost-probe.example.org") -> Zone:
    return Zone({at: [record]}, {"mx.example.org": [ADDRESS]})


def greets_as(name: str) -> object:
    return lambda _: (f"{name} ESMTP", f"{name} Hello probe.example.net")


def admitted(host: str, names: Zone, greeting: str = "mx.example.org", prober: str = "audit@example.net") -> str:
    return admit(host, None, prober, names, greets_as(greeting)).reason  # type: ignore[arg-type]


def test_a_host_of_the_inventory_needs_no_record_and_is_not_spoken_to_beforehand() -> None:
    def never(_: IPAddress) -> tuple[str, ...]:
        raise AssertionError("it was spoken to")

    inventory = Inventory((Host("mx", "mx.example.org", 12, ("192.0.2.25", "2001:db8::25")),), ())
    for called in ("mx", "mx.example.org", "MX.example.org.", "192.0.2.25"):
        found = admit(called, inventory, "", Zone(), never)
        assert found.host == "mx.example.org"
        assert ADDRESS in found.addresses
    assert admit("192.0.2.25", inventory, "", Zone(), never).addresses == (ADDRESS,)


@pytest.mark.parametrize("at", ["_gatepost-probe.example.org", "_gatepost-probe.mx.example.org"])
def test_a_record_at_the_hosts_own_name_or_above_it_permits(at: str) -> None:
    assert at in admitted("mx.example.org", zone(at=at))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("gatepost-probe allow=someone@example.net; until=9999-12-31", "does not name"),
        ("gatepost-probe allow=; until=9999-12-31", "does not name"),
        ("gatepost-probe allow=*; until=9999-12-31", "does not name"),
        ("gatepost-probe allow=xaudit@example.net; until=9999-12-31", "does not name"),
        ("gatepost-probe allow=audit@example.net", "no end"),
        ("gatepost-probe allow=audit@example.net; until=soon", "no end"),
        ("gatepost-probe allow=audit@example.net; until=2020-01-01", "ended on 2020-01-01"),
        ("v=spf1 -all", "does not begin with"),
        ("", "does not begin with"),
    ],
)
def test_a_record_that_does_not_name_the_prober_until_today_permits_nothing(record: str, reason: str) -> None:
    with pytest.raises(NotPermittedError, match=reason):
        admitted("mx.example.org", zone(record))


def test_several_names_may_be_allowed_in_any_case() -> None:
    record = "gatepost-probe allow=one, Audit@Example.Net ,two; until=9999-12-31"
    assert admitted("mx.example.org", zone(record))


def test_whoever_does_not_name_himself_is_not_permitted() -> None:
    with pytest.raises(NotPermittedError, match="--as"):
        admitted("mx.example.org", zone(), prober="")


@pytest.mark.parametrize("at", ["_gatepost-probe.org", "_gatepost-probe.other.example", "example.org"])
def test_a_record_elsewhere_permits_nothing(at: str) -> None:
    with pytest.raises(NotPermittedError, match="TXT"):
        admitted("mx.example.org", zone(at=at))


def test_a_domain_whose_mx_points_to_a_stranger_permits_nothing_about_the_stranger() -> None:
    names = zone(at="_gatepost-probe.evil.example")
    names.mx["evil.example"] = ["mx.example.org"]
    with pytest.raises(NotPermittedError):
        admitted("mx.example.org", names)


def test_a_name_that_somebody_pointed_at_a_strangers_address_permits_nothing() -> None:
    names = Zone({"_gatepost-probe.evil.example": [GOOD]}, {"mx.evil.example": [ADDRESS]})
    with pytest.raises(NotPermittedError, match="left alone"):
        admitted("mx.evil.example", names, greeting="mx.victim.example")


def test_a_server_that_repeats_our_helo_does_not_belong_to_its_domain_by_that() -> None:
    names = Zone({"_gatepost-probe.evil.example": [GOOD]}, {"mx.evil.example": [ADDRESS]})

    def repeats(_: IPAddress) -> tuple[str, ...]:
        return "mx.victim.example ESMTP", "mx.victim.example Hello probe.evil.example"

    with pytest.raises(NotPermittedError, match="left alone"):
        admit("mx.evil.example", None, "audit@example.net", names, repeats)


def test_a_server_may_belong_to_the_domain_by_the_reverse_zone_alone() -> None:
    names = zone()
    names.ptr[ADDRESS] = ["mx.example.org"]
    assert admitted("mx.example.org", names, greeting="localhost.localdomain")


def test_a_host_given_as_an_address_is_known_by_a_name_that_leads_back_to_it() -> None:
    names = zone()
    names.ptr[ADDRESS] = ["mx.example.org"]
    assert admitted("192.0.2.25", names)
    names.a.clear()
    with pytest.raises(NotPermittedError, match="leads back"):
        admitted("192.0.2.25", names)


def test_of_several_addresses_only_those_of_the_domain_are_probed() -> None:
    other = ipaddress.ip_address("192.0.2.26")
    names = zone()
    names.a["mx.example.org"] = [ADDRESS, other]

    def introduce(address: IPAddress) -> tuple[str, ...]:
        return ("mx.example.org ESMTP",) if address == ADDRESS else ("stranger.example ESMTP",)

    found = admit("mx.example.org", None, "audit@example.net", names, introduce)
    assert found.addresses == (ADDRESS,)
    assert "left alone" in found.notes[0]


def test_an_address_that_does_not_answer_is_not_probed_and_is_no_refusal() -> None:
    def silent(_: IPAddress) -> tuple[str, ...]:
        raise NoAnswerError("no answer within 30 s")

    found = admit("mx.example.org", None, "audit@example.net", zone(), silent)
    assert found.addresses == ()
    assert "no answer within 30 s" in found.notes[0]


def test_a_name_service_without_an_answer_permits_nothing() -> None:
    with pytest.raises(NotPermittedError, match="no answer"):
        admitted("mx.example.org", Dead())


@given(st.text(max_size=80))
def test_whatever_a_record_says_the_refusal_is_printable(record: str) -> None:
    try:
        permitted_by_record("mx.example.org", "audit@example.net", TODAY, zone(record))
    except NotPermittedError as error:
        assert str(error).isprintable()

"""No vantage point is locked out by what a proof asks from it."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from dataclasses import replace

import pytest
from gatepost.decide import decide
from gatepost.inventory import Host, Vantage
from gatepost.policy import Model
from gatepost.prove import Probe, probes
from gatepost.prove.judge import judge
from gatepost.prove.origins import addresses_of
from gatepost.prove.seen import Seen
from gatepost.prove.sparing import client_of
from proving import EVERYWHERE, GATE, LISTS, OFFICE, STORE, WORLD, networks
from written import TEN_LINES, written

SIX = Host("gate", "gate.example.net", 12, ("fd00:db8:91::12",))
ONE_ADDRESS = replace(WORLD, source_networks=networks("203.0.113.9/32", "2001:db8:5::/64"))


def with_domains(number: int, more: str = "") -> Model:
    domains = "".join(
        f"  d{n}.example: {{deliver_to: 'smtp:[store.example.net]', recipients: {{list: [x@d{n}.example]}}}}\n"
        for n in range(number)
    )
    return written(more, base=TEN_LINES.replace("networks:", f"{domains}networks:"))


def guesses(model: Model, found: list[Probe]) -> dict[str, set[str]]:
    """The different unknown addresses that each client asks for, where it could be locked out."""
    asked: dict[str, set[str]] = defaultdict(set)
    for probe in found:
        client = probe.attempt.client
        if probe.origin and not model.is_internal(client) and decide(model, probe.attempt).enhanced == "5.1.1":
            asked[client_of(client)].add(probe.wire_recipient)
    return asked


def homeless(found: list[Probe]) -> list[Probe]:
    return [probe for probe in found if "locked out" in probe.homeless]


@pytest.mark.parametrize("host", [GATE, SIX])
@pytest.mark.parametrize("number", [0, 30, 400])
def test_where_there_are_addresses_no_client_asks_for_more_than_a_handful_of_unknown_ones(
    host: Host, number: int
) -> None:
    model = with_domains(number, LISTS)
    found = probes(model, EVERYWHERE, host)
    assert max(map(len, guesses(model, found).values())) <= 8
    assert not homeless(found)


@pytest.mark.parametrize("after", [2, 5, 20])
@pytest.mark.parametrize("host", [GATE, SIX])
def test_a_client_alone_stays_below_the_limit_and_what_is_left_over_says_why(host: Host, after: int) -> None:
    model = with_domains(30, f"unknown_recipients: {{lock_out: {{after: {after}}}}}\n")
    found = probes(model, (OFFICE, STORE, ONE_ADDRESS), host)
    assert max(map(len, guesses(model, found).values())) <= after - 1
    left = homeless(found)
    assert left and all(probe.origin is None for probe in left)
    assert "networks.partners" in judge(model, left[0], Seen()).reasons[0]


def test_the_same_unknown_address_again_is_no_guess() -> None:
    model = with_domains(0, "unknown_recipients: {lock_out: {after: 3}}\n")
    assert not homeless(probes(model, (OFFICE, STORE, ONE_ADDRESS), GATE))


def test_partners_may_ask_as_much_as_they_like() -> None:
    model = with_domains(30)
    partners = {"partners": networks("203.0.113.9/32")}
    known = model.policy.networks.model_copy(update=partners)
    free = replace(model, policy=model.policy.model_copy(update={"networks": known}))
    assert not homeless(probes(free, (OFFICE, STORE, ONE_ADDRESS), GATE))


def test_where_nobody_is_locked_out_nothing_is_spread() -> None:
    model = with_domains(30, "unknown_recipients: {lock_out: {enabled: false}}\n")
    assert len(guesses(model, probes(model, EVERYWHERE, GATE))) == 1


def test_of_a_large_network_of_ipv6_each_address_stands_in_a_64_of_its_own() -> None:
    (net,) = networks("2001:db8::/32")
    found = [address for address, _ in zip(addresses_of(net, networks("2001:db8:0:2::/63")), range(50), strict=False)]
    assert len({client_of(address) for address in found}) == 50
    assert not any(address in ipaddress.ip_network("2001:db8:0:2::/63") for address in found)


def test_of_a_single_64_each_address_is_the_same_client() -> None:
    (net,) = networks("2001:db8:5::/64")
    found = [address for address, _ in zip(addresses_of(net, ()), range(50), strict=False)]
    assert len(set(found)) == 50
    assert {client_of(address) for address in found} == {"2001:db8:5::/64"}


def test_a_vantage_host_without_networks_is_one_client() -> None:
    model = with_domains(30)
    somewhere = Vantage("world", "outside")
    assert max(map(len, guesses(model, probes(model, (OFFICE, STORE, somewhere), GATE)).values())) <= 19

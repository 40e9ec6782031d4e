"""Checks: what a well-formed policy must not say."""

from __future__ import annotations

import ipaddress

import pytest
from gatepost.checks.domains import no_loop_to_host
from gatepost.checks.networks import is_world
from written import TEN_LINES, loaded_text, written

INTERNAL = '[192.0.2.0/24, "2001:db8:1::/48"]'
HOP = "smtp:[mailstore.example.org]:25"


def ids(text: str) -> list[str]:
    return [finding.id for finding in loaded_text(text).findings]


def internal(*networks: str) -> list[str]:
    return ids(TEN_LINES.replace(INTERNAL, "[" + ", ".join(f'"{network}"' for network in networks) + "]"))


@pytest.mark.parametrize(
    "networks",
    [
        ("0.0.0.0/0",),
        ("::/0",),
        ("2000::/3",),
        ("0.0.0.0/7",),
        ("2a00::/12",),
        ("::/96",),
        ("64:ff9b::/96",),
        ("2001::/32",),
        ("2002::/16",),
        ("fc00::/6",),
    ],
)
def test_the_world_in_any_guise_is_no_internal_network(networks: tuple[str, ...]) -> None:
    assert internal(*networks) == ["open-relay"]


def test_two_halves_of_the_world_are_the_world() -> None:
    assert internal("0.0.0.0/1", "128.0.0.0/1") == ["open-relay", "open-relay"]
    assert internal(*(f"{n}.0.0.0/8" for n in range(1, 40))) == ["open-relay"]
    assert internal(*(f"{n:x}::/20" for n in range(0x2000, 0x2040))) == ["open-relay"]


def test_ipv4_networks_are_not_written_as_ipv6() -> None:
    assert internal("::ffff:0:0/96") == ["bad-network"]


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "fc00::/7", "fe80::/10", "2001:db8::/32", "192.0.2.1", "2a00:1450::/29"]
)
def test_networks_that_somebody_may_own_are_fine(network: str) -> None:
    assert internal(network) == []


def test_nobody_at_all_may_be_internal() -> None:
    assert internal() == []


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "128.0.0.0/1"])
@pytest.mark.parametrize("name", ["allow", "block"])
def test_no_entry_means_the_world(name: str, network: str) -> None:
    assert ids(TEN_LINES + f"filtering: {{{name}: [{{client: '{network}'}}]}}\n") == ["client-too-wide"]


def test_a_sixteenth_of_a_network_is_not_the_world() -> None:
    assert not is_world(ipaddress.ip_network("2002:c000:200::/40"))


@pytest.mark.parametrize(
    "hop",
    [
        "smtp:[localhost]",
        "smtp:[LOCALHOST]:2525",
        "lmtp:[localhost]",
        "smtp:[mx.localhost]",
        "smtp:[localhost.localdomain]",
        "smtp:[127.0.0.1]",
        "smtp:[127.255.1.2]",
        "smtp:[0.0.0.0]",
        "smtp:[::1]",
        "smtp:[::]",
        "smtp:[IPv6:::1]",
        "smtp:[::ffff:127.0.0.1]",
        "smtp:example.org",
        "smtp:EXAMPLE.org",
    ],
)
def test_a_next_hop_that_is_the_server_itself_is_a_loop(hop: str) -> None:
    assert ids(TEN_LINES.replace(HOP, f'"{hop}"')) == ["next-hop-loop"]


@pytest.mark.parametrize(
    "hop", ["smtp:[mx1.example.org]:25", "smtp:mx1.example.org", "smtp:[192.0.2.9]", "smtp:[2001:db8::9]"]
)
def test_a_next_hop_that_is_a_server_of_the_inventory_is_a_loop(hop: str) -> None:
    model = written(base=TEN_LINES.replace(HOP, f'"{hop}"'))
    names = frozenset({"mx1.example.org", "192.0.2.9", "2001:db8::9"})
    [finding] = no_loop_to_host(model, names)
    assert (finding.id, finding.place.line, finding.place.column) == ("next-hop-loop", 7, 17)
    assert not list(no_loop_to_host(model, frozenset({"mx2.example.org"})))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("block: [{client: 203.0.113.7}, {client: 203.0.113.7}]", ["duplicate-entry"]),
        ("block: [{sender: A@b.example}, {sender: a@B.example}]", ["duplicate-entry"]),
        ("block: [{term: urgent  transfer}, {term: Urgent transfer}]", ["duplicate-entry"]),
        ("allow: [{term: x}], block: [{term: x}]", ["contradiction"]),
        ("allow: [{sender: a@b.example}], block: [{sender: '@b.example'}]", []),
        ("block: [{destination: example.org}]", ["destination-is-ours"]),
        ("block: [{recipient: a@example.com}]", ["unknown-domain"]),
        ("block: [{recipient: '@example.org'}]", []),
        ("block: [{client: 203.0.113.7, until: 2020-01-01}]", ["until-past"]),
        ("block: [{client: 203.0.113.7, until: 2999-12-31}]", []),
        ("spam: {tag_at: 6}", ["thresholds-out-of-order"]),
        ("spam: {tag_at: 5, mark_at: 5, quarantine_at: 5}", []),
    ],
)
def test_lists_and_thresholds_make_sense(entries: str, expected: list[str]) -> None:
    assert ids(TEN_LINES + f"filtering: {{{entries}}}\n") == expected


def test_the_postmaster_must_exist_where_his_domain_is_ours() -> None:
    assert ids(TEN_LINES.replace("postmaster: anna@", "postmaster: postmaster@")) == ["unknown-recipient"]
    assert ids(TEN_LINES.replace("postmaster: anna@example.org", "postmaster: mail@provider.example")) == []


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        ("recipient: anna@example.org", []),
        ("recipient: anna@example.org, destination: me@elsewhere.example", []),
        ("recipient: nobody@example.org", ["unknown-recipient"]),
        ("recipient: anna@example.com", ["unknown-domain"]),
        ("recipient: anna@example.org, destination: anna@example.org", ["destination-is-ours"]),
    ],
)
def test_proof_uses_a_mailbox_of_ours_and_one_elsewhere(proof: str, expected: list[str]) -> None:
    assert ids(TEN_LINES + f"proof: {{{proof}}}\n") == expected


def test_a_text_that_leads_to_the_help_page_needs_one() -> None:
    text = 'unknown_recipients: {text: "See {help_url}"}\n'
    assert ids(TEN_LINES + text) == ["no-help-url"]
    with_page = TEN_LINES.replace("  postmaster:", "  help_url: https://www.example.org/\n  postmaster:")
    assert ids(with_page + text) == []

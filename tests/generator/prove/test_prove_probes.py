"""Probes out of the model."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string
from pathlib import Path

import pytest
from gatepost.decide import decide
from gatepost.inventory import Host
from gatepost.prove import leaves, mails, probes
from gatepost.prove.mails import Mail, eicar, gtube
from gatepost.prove.origins import Origins, addresses_of, overlap
from gatepost.relaying import Parties, envelopes
from proving import EVERYWHERE, GATE, LISTS, OFFICE, STORE, WORLD, about, made, networks
from written import TEN_LINES, written

WORLD_SENDER = "gatepost-probe@foreign.test"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_every_line_has_a_probe_but_those_that_no_mail_can_prove() -> None:
    model, found = made(LISTS)
    spoken = {path for probe in found for path in probe.proves}
    assert [".".join(map(str, path)) for path in leaves(model) if path not in spoken] == [
        "tls.outgoing",  # seen by those who receive what leaves
        "front_door.refuse_at",  # needs a client on a block list
        "filtering.viruses.when_scanner_is_down",
        "filtering.signatures.no_older_than",  # asked of clamd, not by mail
        "unknown_recipients.lock_out.enabled",
        "unknown_recipients.lock_out.after",
        "unknown_recipients.lock_out.within",
        "unknown_recipients.lock_out.for",
        # More traffic than a proof may make.
        "limits.connections",
        "limits.connections_per_minute",
        "limits.mails_per_minute",
        "limits.recipients_per_minute",
        "logs.keep",
    ]


def test_probes_are_the_same_each_time_and_have_ids_of_their_own() -> None:
    _, found = made(LISTS)
    assert found == made(LISTS)[1]
    assert len({probe.id for probe in found}) == len(found)


def test_each_domain_is_asked_for_somebody_known_somebody_unknown_and_postmaster() -> None:
    more = "".join(
        f"  d{n}.example: {{deliver_to: 'smtp:[store.example.net]', recipients: {{list: [x@d{n}.example]}}}}\n"
        for n in range(30)
    )
    model = written(base=TEN_LINES.replace("networks:", f"{more}networks:"))
    found = probes(model, EVERYWHERE, GATE)
    for domain in model.domains:
        asked = about(found, "domains", domain, "recipients")
        replies = {(decide(model, probe.attempt).code, probe.origin.vantage if probe.origin else "") for probe in asked}
        assert {(250, "world"), (550, "world"), (550, "office")} <= replies
        assert any(probe.attempt.recipient == f"postmaster@{domain}" for probe in found)


def test_unknown_recipients_are_asked_for_from_changing_addresses() -> None:
    more = "".join(
        f"  d{n}.example: {{deliver_to: 'smtp:[store.example.net]', recipients: {{list: [x@d{n}.example]}}}}\n"
        for n in range(30)
    )
    model = written(base=TEN_LINES.replace("networks:", f"{more}networks:"))
    outside = [p for p in probes(model, EVERYWHERE, GATE) if p.what == "an unknown recipient, from outside"]
    clients = [probe.attempt.client for probe in outside]
    assert max(clients.count(client) for client in clients) <= 8


@pytest.mark.parametrize(
    ("path", "action"),
    [
        (("filtering", "allow", 0, "sender"), "accept"),
        (("filtering", "allow", 1, "client"), "accept"),
        (("filtering", "allow", 2, "recipient"), "accept"),
        (("filtering", "allow", 3, "destination"), "accept"),
        (("filtering", "allow", 4, "term"), "accept"),
        (("filtering", "allow", 0, "sender"), "quarantine"),
        (("filtering", "block", 0, "sender"), "reject"),
        (("filtering", "block", 1, "client"), "reject"),
        (("filtering", "block", 2, "client"), "reject"),
        (("filtering", "block", 3, "recipient"), "reject"),
        (("filtering", "block", 4, "destination"), "reject"),
        (("filtering", "block", 5, "term"), "reject"),
        (("filtering", "block", 5, "term"), "quarantine"),
        (("filtering", "block", 5, "term"), "accept"),
        (("filtering", "viruses", "action"), "quarantine"),
        (("filtering", "attachments", "forbidden", 1), "quarantine"),
        (("filtering", "attachments", "forbidden"), "accept"),
        (("filtering", "spam", "quarantine_at"), "quarantine"),
        (("limits", "message_size"), "reject"),
        (("limits", "message_size"), "accept"),
        (("networks", "internal", 0), "accept"),
        (("networks", "internal", 1), "accept"),
        (("networks", "internal"), "reject"),
    ],
)
def test_a_line_has_a_probe_with_this_verdict(path: tuple[str | int, ...], action: str) -> None:
    model, found = made(LISTS)
    assert action in {decide(model, probe.attempt).action for probe in about(found, *path)}


def test_an_allowed_mail_wins_over_the_block_entry_that_means_it_too() -> None:
    lists = "filtering:\n  allow: [{sender: good@scam.example}]\n  block: [{sender: '@scam.example'}]\n"
    model, found = made(lists)
    allowed = about(found, "filtering", "allow", 0, "sender")[0]
    assert allowed.attempt.sender == "good@scam.example"
    assert decide(model, allowed.attempt).action == "accept"


def test_a_term_is_sent_encoded_as_well_in_pieces_of_legal_length() -> None:
    _, found = made("filtering: {block: [{term: ganz eilige Überweisung auf ein neues Konto bitte}]}\n")
    subjects = [p.attempt.subject or "" for p in about(found, "filtering", "block", 0, "term")]
    encoded = [word for subject in subjects for word in subject.split("\r\n ") if word.startswith("=?")]
    assert encoded
    assert max(map(len, encoded)) <= 75


def test_the_whole_relay_table_is_tried_with_the_servers_name_and_every_domain_over_both_ip_versions() -> None:
    more = "".join(
        f"  d{n}.example: {{deliver_to: 'smtp:[store.example.net]', recipients: {{list: [x@d{n}.example]}}}}\n"
        for n in range(3)
    )
    model = written(base=TEN_LINES.replace("networks:", f"{more}networks:"))
    forms = [probe for probe in probes(model, EVERYWHERE, GATE) if probe.loose]
    assert len(model.domains) == 4
    for address in map(ipaddress.ip_address, GATE.addresses):
        tried = {
            (probe.wire_sender, probe.wire_recipient, probe.attempt.helo)
            for probe in forms
            if probe.attempt.client.version == address.version
        }
        parties = Parties(WORLD_SENDER, WORLD_SENDER, (GATE.fqdn, *model.domains), address)
        assert {(e.wire_sender, e.wire_recipient) for e in envelopes(parties)} == {(s, r) for s, r, _ in tried}
        assert {GATE.fqdn, *model.domains, "localhost"} <= {helo for _, _, helo in tried}


def test_no_form_of_the_relay_table_is_one_that_decide_lets_through() -> None:
    model, found = made(LISTS)
    forms = [probe for probe in found if probe.loose]
    assert {decide(model, probe.attempt).action for probe in forms} == {"reject"}
    assert not any(probe.mail for probe in forms)


# --- where probes come from ------------------------------------------------------------------------------------------


def test_an_outside_client_stands_in_no_internal_network_and_in_no_entry() -> None:
    model, found = made(LISTS)
    entries = (*model.policy.filtering.allow, *model.policy.filtering.block)
    for probe in found:
        proven = {path[-1] for path in probe.proves}
        if probe.origin and probe.origin.vantage == "world" and "client" not in proven:
            assert not model.is_internal(probe.attempt.client)
            assert not any(e.client and probe.attempt.client in e.client for e in entries)


def test_a_client_entry_is_proven_from_inside_of_it() -> None:
    model, found = made(LISTS)
    for index in (1, 2):
        entry = model.policy.filtering.block[index].client
        assert all(p.attempt.client in entry for p in about(found, "filtering", "block", index, "client") if entry)


def test_a_client_entry_out_of_every_vantage_hosts_reach_cannot_be_told() -> None:
    _, found = made("filtering: {block: [{client: 100.64.0.0/10}]}\n")
    assert [probe.origin for probe in about(found, "filtering", "block", 0, "client")] == [None]


def test_without_an_inside_vantage_host_nothing_is_asked_from_inside() -> None:
    _, found = made("", vantage=(WORLD, STORE))
    assert all(probe.origin is None for probe in about(found, "networks", "internal", 0))


def test_an_address_that_leads_to_another_vantage_host_is_not_taken() -> None:
    wide = written(base=TEN_LINES.replace('192.0.2.0/24, "2001:db8:1::/48"', "192.0.2.0/24"))
    found = Origins(wide, (WORLD, OFFICE)).within(ipaddress.ip_network("2001:db8:1::/48"))
    assert found is None or found.vantage == "office"


def test_a_server_without_ipv6_gets_no_probe_over_ipv6() -> None:
    _, found = made(LISTS, host=Host("gate", "gate.example.net", 12, ("10.91.0.12",)))
    assert {probe.attempt.client.version for probe in found if probe.origin} == {4}


def test_a_vantage_host_without_networks_uses_the_address_it_has() -> None:
    _, found = made("", vantage=(replace(WORLD, source_networks=()), STORE))
    known = next(probe for probe in found if probe.what.startswith("a known recipient"))
    assert known.origin is not None
    assert not known.origin.bound


def test_what_is_taken_is_stepped_over_however_large_it_is() -> None:
    (net,) = networks("2001:db8::/32")
    found = next(addresses_of(net, networks("2001:db8::/33")))
    assert found == ipaddress.ip_address("2001:db8:8000::")


def test_the_common_part_of_two_networks_is_the_smaller_one() -> None:
    one, other, six = networks("203.0.113.0/24", "203.0.113.64/27", "2001:db8::/32")
    assert overlap(one, other) == other
    assert overlap(one, six) is None


# --- whom probes reach -----------------------------------------------------------------------------------------------

PROOF = "proof: {recipient: anna@example.org, destination: probe@partner.example}\n"


def test_with_proof_in_the_policy_only_the_mailboxes_named_there_get_mail() -> None:
    _, found = made(LISTS + PROOF)
    assert {probe.attempt.recipient for probe in found if probe.mail} <= {
        "anna@example.org",
        "probe@partner.example",
        "postmaster",
        "postmaster@example.org",
    }


def test_without_a_readable_mailbox_abroad_nothing_is_sent_there() -> None:
    _, found = made("", vantage=(OFFICE, STORE))
    outward = about(found, "networks", "internal", 0)
    assert outward
    assert not any(probe.mail for probe in outward)


# --- mails -----------------------------------------------------------------------------------------------------------


def test_a_mail_is_marked_and_names_its_attachment() -> None:
    mail = Mail("Hello", attachment=("probe.exe", b"harmless"))
    text = mail.text("a@b.example", "postmaster", "run.gate-0001", NOW)
    read = message_from_string(text)
    assert read["X-Gatepost-Probe"] == "run.gate-0001"
    assert read["To"] == "postmaster@b.example"
    assert read["Message-ID"] == "<run.gate-0001@b.example>"
    part = read.get_payload(1)
    assert not isinstance(part, str)
    assert (part.get_filename(), part.get_payload(decode=True)) == ("probe.exe", b"harmless")
    assert text.count("\r\n") == text.count("\n")


def test_the_test_strings_are_whole_in_mails_and_in_pieces_in_the_source() -> None:
    assert len(gtube()) == 68
    assert len(eicar()) == 68
    text = Path(mails.__file__).read_text()
    assert gtube() not in text
    assert eicar() not in text


DOORS = """\
tls: {certificate: /etc/tls/a.pem, key: /etc/tls/a.key}
submission:
  users: {anna: [anna@example.org], bert: ["o'brien@example.org"]}
"""
KNOWS_ANNA = replace(WORLD, logins={"anna": "lab"})


def test_the_relay_table_is_asked_at_every_door() -> None:
    model, found = made(DOORS)
    table = [probe for probe in found if probe.what.startswith("relaying, as F@D → T@D,")]
    doors = {(probe.attempt.port, probe.attempt.tls, decide(model, probe.attempt).code) for probe in table}
    assert {(25, False, 554), (25, True, 554), (587, False, 530), (587, True, 530), (465, True, 530)} <= doors


def test_users_whose_password_is_known_try_their_own_addresses_and_others() -> None:
    model, found = made(DOORS, (OFFICE, STORE, KNOWS_ANNA))
    tried = {
        (p.attempt.login, p.attempt.sender): decide(model, p.attempt).code
        for p in found
        if p.attempt.tls and p.attempt.login
    }
    assert tried[("anna", "anna@example.org")] == 250
    assert tried[("anna", "o'brien@example.org")] == 553
    assert all(code == 553 for (_, sender), code in tried.items() if sender != "anna@example.org")
    assert {name for name, _ in tried} == {"anna"}


def test_who_talks_early_comes_from_an_address_of_his_own() -> None:
    _, found = made()
    early = {probe.attempt.client for probe in found if probe.attempt.talks_early}
    assert len(early) == 2
    assert not early & {probe.attempt.client for probe in found if not probe.attempt.talks_early}
    few = replace(WORLD, source_networks=networks("203.0.113.0/28"))
    assert not [p for p in made(vantage=(few,))[1] if p.attempt.talks_early]

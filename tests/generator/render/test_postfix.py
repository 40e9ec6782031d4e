"""What stands in Postfix's files, and why a server with them decides as docs/how-mail-is-decided.md says."""

from __future__ import annotations

import re
import time

import pytest
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render import postfix
from hypothesis import given, settings
from hypothesis import strategies as st
from postfixes import (
    GATE12,
    GATE13,
    TEN_LINES,
    logical_lines,
    main_cf,
    model_of,
    part_of,
    result_read,
    rules,
    table,
    text_of,
)

LISTS = """\
filtering:
  allow:
    - {sender: good@scam.example}
    - {sender: "@friends.example"}
    - {client: 203.0.113.64/26}
    - {term: council minutes}
  block:
    - {sender: "@scam.example", reason: phishing}
    - {sender: one@friends.example}
    - {client: 203.0.113.64/27}
    - {recipient: closed@example.org}
    - {destination: typo.example}
    - {term: urgent transfer}
"""


@pytest.mark.parametrize("host", [GATE12, GATE13], ids=["12", "13"])
@pytest.mark.parametrize("folder", ["postfix", "postfix-normal"])
def test_what_differs_between_versions_is_written_out(host: Host, folder: str) -> None:
    settings_ = main_cf(text_of(part_of(host=host), f"{folder}/main.cf"))
    wanted = {
        "compatibility_level": "3.6",
        "smtpd_forbid_bare_newline": "normalize",
        "smtpd_forbid_bare_newline_exclusions": "",
        "smtpd_forbid_unauth_pipelining": "yes",
        "cleanup_replace_stray_cr_lf": "yes",
        "strict_rfc821_envelopes": "yes",
        "allow_percent_hack": "no",
        "swap_bangpath": "no",
        "parent_domain_matches_subdomains": "",
        "mydestination": "",
        "virtual_alias_domains": "",
        "alias_maps": "",
        "enable_long_queue_ids": "yes",
        "nested_header_checks": "",
        "smtputf8_enable": "no",
        "smtpd_authorized_xclient_hosts": "",
    }
    assert {name: settings_.get(name) for name in wanted} == wanted


def test_debian_12_is_told_nothing_that_it_does_not_know() -> None:
    older, newer = (main_cf(text_of(part_of(host=host), "postfix/main.cf")) for host in (GATE12, GATE13))
    assert set(newer) - set(older) == {"smtpd_hide_client_session", "smtpd_client_ipv6_prefix_length"}


def test_no_parameter_is_set_twice() -> None:
    for folder in ("postfix", "postfix-normal"):
        lines = logical_lines(text_of(part_of(), f"{folder}/main.cf"))
        names = [line.partition("=")[0].strip() for line in lines]
        assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("folder", ["postfix", "postfix-normal"])
def test_no_service_runs_in_a_chroot_by_default(folder: str) -> None:
    services = [line.split() for line in logical_lines(text_of(part_of(), f"{folder}/master.cf"))]
    assert {service[4] for service in services} == {"n"}
    assert {"postlog", "proxymap", "tlsmgr", "verify", "lmtp", "retry"} <= {service[0] for service in services}


def test_the_re_injection_port_listens_on_loopback_alone() -> None:
    services = [line.split() for line in logical_lines(text_of(part_of(), "postfix-normal/master.cf"))]
    assert [service[0] for service in services if service[1] == "inet"] == ["127.0.0.1:10025"]


def test_units_are_named_as_each_release_names_them_and_the_gate_starts_last() -> None:
    assert [s.unit for s in part_of(host=GATE12).services] == ["postfix@postfix-normal.service", "postfix@-.service"]
    assert [s.unit for s in part_of(host=GATE13).services] == ["postfix@normal.service", "postfix.service"]


def test_a_host_without_ipv6_does_not_speak_it() -> None:
    assert main_cf(text_of(part_of(host=GATE13), "postfix/main.cf"))["inet_protocols"] == "ipv4"
    assert main_cf(text_of(part_of(host=GATE12), "postfix/main.cf"))["inet_protocols"] == "all"
    unknown = Host("new", "new.lab.test", 12, ())
    assert main_cf(text_of(part_of(host=unknown), "postfix/main.cf"))["inet_protocols"] == "all"


def test_internal_networks_are_written_as_postfix_reads_them() -> None:
    trusted = main_cf(text_of(part_of(), "postfix/main.cf"))["mynetworks"]
    assert trusted == "127.0.0.0/8 [::1]/128 192.0.2.0/24 [2001:db8:1::]/48"


def test_the_instance_behind_trusts_loopback_alone() -> None:
    assert main_cf(text_of(part_of(), "postfix-normal/main.cf"))["mynetworks"] == "127.0.0.0/8 [::1]/128"


def test_what_the_gate_took_is_never_too_large_behind_it() -> None:
    part = part_of("limits: {message_size: 10M}\n")
    gate, normal = (main_cf(text_of(part, f"{folder}/main.cf")) for folder in ("postfix", "postfix-normal"))
    assert gate["message_size_limit"] == str(10 * 1024**2)
    assert normal["message_size_limit"] == "0"
    assert int(gate["queue_minfree"]) >= 1.5 * int(gate["message_size_limit"])


def test_an_allow_entry_beats_every_block_entry_of_its_kind() -> None:
    part = part_of(LISTS)
    senders = table(text_of(part, "postfix/maps/senders"))
    assert senders["good@scam.example"] == senders["friends.example"] == "DUNNO"
    assert senders["scam.example"].startswith("REJECT Refused by our mail policy")
    assert "one@friends.example" not in senders
    clients = logical_lines(text_of(part, "postfix/maps/clients.cidr"))
    assert [line.split()[:2] for line in clients] == [["203.0.113.64/26", "DUNNO"], ["203.0.113.64/27", "REJECT"]]
    assert [result.split()[0] for _, result in rules(text_of(part, "postfix/maps/terms.pcre"))] == ["DUNNO", "REJECT"]


def test_what_a_mail_says_of_having_been_filtered_is_taken_off_and_no_other_header() -> None:
    part = part_of(LISTS)
    [(pattern, action)] = rules(text_of(part, "postfix/maps/claims.pcre"))
    assert action == "IGNORE"
    claims = "X-Spam-Flag", "x-spam-status", "X-SPAM-SCORE ", "X-Spam", "X-Virus-Scanned", "X-Amavis-Alert\t"
    assert all(re.match(pattern, f"{header}: NO\n folded", re.I | re.S) for header in (*claims, "X-Quarantine-Id"))
    others = "Subject", "X-Spammer", "X-Gatepost-Probe", "X-Virusfree", "Subject: X-Spam-Flag", "X-Spam Flag"
    assert not any(re.match(pattern, f"{header}: NO", re.I | re.S) for header in others)
    asked = main_cf(text_of(part, "postfix/main.cf"))["header_checks"]
    assert asked.index("claims.pcre") < asked.index("terms.pcre")


def test_each_entry_tells_its_policy_line_and_reason() -> None:
    senders = text_of(part_of(LISTS), "postfix/maps/senders")
    assert "# policy.yml:15 filtering.block.0.sender: phishing\nscam.example REJECT" in senders
    assert "filtering.block.1.sender: without effect, policy.yml:11 filtering.allow.1.sender spares it" in senders


def test_a_key_that_looks_like_a_comment_is_matched_by_a_pattern_that_is_asked_first() -> None:
    part = part_of('filtering:\n  allow: [{sender: "#a@scam.example"}]\n  block: [{sender: "@scam.example"}]\n')
    [(pattern, action)] = rules(text_of(part, "postfix/maps/senders.odd.pcre"))
    assert (pattern, action) == (r"^\x23a\@scam\.example$", "OK")
    asked = main_cf(text_of(part, "postfix/main.cf"))["smtpd_sender_restrictions"]
    assert asked.index("senders.odd.pcre") < asked.index("lmdb:")


def test_a_killed_master_is_started_again() -> None:
    drop_ins = [file.content for file in part_of(LISTS).files if file.path.endswith(".service.d/gatepost.conf")]
    assert len(drop_ins) == 2
    assert all(b"\nRestart=on-failure\n" in content for content in drop_ins)


def test_postmaster_of_each_domain_is_reached() -> None:
    part = part_of()
    assert table(text_of(part, "postfix/maps/aliases")) == {
        "@gate12.lab.test": "anna@example.org",
        "postmaster@example.org": "anna@example.org",
    }
    assert table(text_of(part, "postfix-normal/maps/aliases")) == {"@gate12.lab.test": "anna@example.org"}


def test_a_host_that_is_called_like_a_domain_adds_no_addresses_to_it() -> None:
    part = part_of(host=Host("mx", "example.org", 13, ()))
    assert main_cf(text_of(part, "postfix/main.cf"))["myorigin"] == "localhost.example.org"
    assert "@example.org" not in table(text_of(part, "postfix/maps/aliases"))


def test_the_help_text_names_the_address_that_was_asked_for() -> None:
    part = part_of('unknown_recipients: {text: "No {recipient} here, 5$"}\n')
    (plain, named), (_, unnamed), _ = rules(text_of(part, "postfix/maps/footers.pcre"))
    assert "[^$" in plain
    assert result_read(named, "bob@example.org") == "No bob@example.org here, 5$$"
    assert result_read(unnamed) == "No the address here, 5$$"


def test_tables_that_postfix_watches_by_itself_ask_for_no_reload() -> None:
    changes = {file.path.rpartition("/")[2]: (file.change, file.build) for file in part_of(LISTS).files}
    assert changes["senders"] == changes["recipients"] == changes["transport"] == ("none", "lmdb")
    assert changes["clients.cidr"] == changes["terms.pcre"] == changes["footers.pcre"] == ("reload", None)


def test_every_pattern_table_is_tried_before_it_is_used() -> None:
    part = part_of(LISTS)
    tried = " ".join(word for check in part.checks for word in check.argv)
    for file in part.files:
        if file.path.endswith((".pcre", ".cidr")):
            assert file.path in tried


def test_the_proof_asks_for_nobody() -> None:
    listed = TEN_LINES.replace("closed@", "gatepost-proof-nobody@")
    talk = part_of(base=listed).proof[0].talk
    assert ("RCPT TO:<gatepost-proof-nobody-x@example.org>", "550 5.1.1") in talk


def test_a_policy_that_blocks_the_server_itself_is_proven_by_that() -> None:
    talk = part_of("filtering: {block: [{client: 127.0.0.0/8}]}\n").proof[0].talk
    assert any(wanted == "554 5.7.1" for _, wanted in talk)


printable = st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(printable.filter(lambda text: bool(text.split())), printable.filter(lambda text: bool(text.strip())))
def test_no_text_of_a_policy_adds_a_line_or_changes_one(term: str, reason: str) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    entries = f"{{term: {quoted(term)}, reason: {quoted(reason)}}}, {{sender: a@b.example, reason: {quoted(reason)}}}"
    part = part_of(f"filtering: {{block: [{entries}]}}\n")
    assert len(rules(text_of(part, "postfix/maps/terms.pcre"))) == 1
    assert list(table(text_of(part, "postfix/maps/senders"))) == ["a@b.example"]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert part_of(LISTS).files == part_of(LISTS).files


def _crowd(number: int) -> Model:
    model = model_of()
    people = frozenset(f"user{i}@example.org" for i in range(number))
    return Model(model.policy, model.places, {"example.org": people}, model.written_domains)


def test_a_hundred_thousand_recipients_are_one_quick_table() -> None:
    crowd = _crowd(100_000)
    begun = time.process_time()
    part = postfix.render(crowd, GATE12)
    assert time.process_time() - begun < 2
    assert text_of(part, "postfix/maps/recipients").count(" x\n") == 100_000


def test_a_second_host_shares_what_depends_on_the_model_alone() -> None:
    model = model_of(LISTS)
    shared = {id(file) for file in postfix.render(model, GATE12).files}
    assert sum(id(file) in shared for file in postfix.render(model, GATE13).files) >= 9

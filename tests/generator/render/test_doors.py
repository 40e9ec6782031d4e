"""What Postfix and Dovecot are told of the doors, and that no value of a policy says more than it means."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from gatepost.bundle import Part
from gatepost.inventory import Host
from gatepost.policy.door_values import Answers
from gatepost.policy.doors import BlockList
from gatepost.render import amavis, dovecot
from gatepost.render.postfix.doors import _sites
from hypothesis import given
from hypothesis import strategies as st
from postfixes import GATE12, GATE13, logical_lines, main_cf, model_of, part_of, table, text_of

TLS = 'tls: {certificate: "/etc/tls/{fqdn}.pem", key: "/etc/tls/{fqdn}.key"}\n'
DOORS = (
    TLS
    + """\
submission:
  users:
    anna: [anna@example.org]
    bert: [anna@example.org]
  passwords: /etc/mail/passwords
  mails_per_minute: 30
front_door:
  greet_wait: 3s
  refuse_at: 4
  block_lists:
    - {name: zen.example.org, answers: ["127.0.0.2..4", "127.0.0.9", "127.0.1.2"], weight: 3}
filtering: {allow: [{client: 203.0.113.7}]}
"""
)
VALIDATING = replace(GATE13, validates=True)


def services(part: Part) -> dict[str, tuple[list[str], dict[str, str]]]:
    """The listening services of the gate's master.cf: their command, and their options."""
    lines = [line.split() for line in logical_lines(text_of(part, "postfix/master.cf"))]
    found = [(line[0], line[7:]) for line in lines if line[1] in ("inet", "pass")]
    return {name: (rest[:1], dict(one.split("=", 1) for one in rest[2::2])) for name, rest in found}


def test_without_a_certificate_nothing_is_offered_and_nobody_logs_in() -> None:
    part = part_of()
    assert main_cf(text_of(part, "postfix/main.cf"))["smtpd_tls_security_level"] == "none"
    assert set(services(part)) == {"smtp", "smtpd"}
    assert dovecot.render(model_of(), GATE12) == Part()


@pytest.mark.parametrize("host", [GATE12, GATE13], ids=["12", "13"])
def test_tls_is_modern_and_optional_at_port_25_and_logins_need_it(host: Host) -> None:
    part = part_of(DOORS, host)
    told = main_cf(text_of(part, "postfix/main.cf"))
    assert told["smtpd_tls_security_level"] == "may"
    assert told["smtpd_tls_chain_files"] == f"/etc/tls/{host.fqdn}.key, /etc/tls/{host.fqdn}.pem"
    assert told["smtpd_tls_protocols"] == told["smtpd_tls_mandatory_protocols"] == ">=TLSv1.2"
    assert told["smtpd_tls_auth_only"] == "yes"
    assert told["smtpd_sasl_auth_enable"] == "no"
    for port in ("587", "465"):
        command, options = services(part)[port]
        assert command == ["smtpd"]
        assert options["smtpd_tls_security_level"] == "encrypt"
        assert options["smtpd_sasl_auth_enable"] == "yes"
        assert options["smtpd_client_message_rate_limit"] == "30"
        assert options["smtpd_relay_restrictions"] == "$submission_relay_restrictions"
    assert services(part)["465"][1]["smtpd_tls_wrappermode"] == "yes"
    assert told["submission_relay_restrictions"] == "permit_sasl_authenticated, reject"
    assert "mynetworks" not in told["submission_client_restrictions"]


def test_a_sender_address_belongs_to_those_whom_the_policy_names() -> None:
    part = part_of(DOORS)
    assert table(text_of(part, "postfix/maps/owners")) == {"anna@example.org": "anna, bert"}
    assert table(text_of(part, "postfix/maps/logins")) == {"anna": "OK", "bert": "OK"}


def test_the_first_step_behind_a_login_is_the_filter_for_mail_from_inside() -> None:
    text = amavis.render(model_of(DOORS), GATE12).files[0].content.decode()
    assert "$inet_socket_port = [10024, 10028];" in text
    assert "$interface_policy{'10028'} = 'INTERNAL';" in text
    assert services(part_of(DOORS))["587"][1]["content_filter"] == "lane-normal:[127.0.0.1]:10028"


def test_what_leaves_is_verified_where_the_inventory_knows_a_validating_resolver() -> None:
    for host, more, level in (
        (VALIDATING, "", "dane"),
        (GATE13, "", "may"),
        (VALIDATING, "tls: {outgoing: may}\n", "may"),
    ):
        part = part_of(more, host)
        told = main_cf(text_of(part, "postfix-normal/main.cf"))
        assert told["smtp_tls_security_level"] == level
        assert ("smtp_dns_support_level" in told) is (level == "dane")
        assert any("validating resolver" in check.name for check in part.checks) is (level == "dane")


def test_block_lists_count_by_the_answers_that_are_named() -> None:
    told = main_cf(text_of(part_of(DOORS), "postfix/main.cf"))
    assert told["postscreen_dnsbl_sites"] == "zen.example.org=127.0.0.[2..4;9]*3 zen.example.org=127.0.1.[2]*3"
    assert told["postscreen_dnsbl_threshold"] == "4"
    assert told["postscreen_greet_wait"] == "3s"
    assert "203.0.113.7/32 permit" in text_of(part_of(DOORS), "postfix/maps/front-door.cidr")


def test_what_looks_at_the_lists_is_told_the_same_lists() -> None:
    told = json.loads(text_of(part_of(DOORS), "gatepost/lists.json"))
    answers = [["127.0.0.", 2, 4], ["127.0.0.", 9, 9], ["127.0.1.", 2, 2]]
    assert told == {
        "version": 1,
        "lists": [{"name": "zen.example.org", "answers": answers}],
        "opened": "/var/lib/gatepost-lists/open.cidr",
    }


@given(st.lists(st.tuples(st.integers(2, 255), st.integers(2, 255)), min_size=1, max_size=8), st.integers(1, 100))
def test_postscreen_and_the_policy_mean_the_same_answers(runs: list[tuple[int, int]], weight: int) -> None:
    answers = tuple(Answers("127.0.0.", min(run), max(run)) for run in runs)
    [site] = _sites(BlockList.model_construct(name="a.example", answers=answers, weight=weight))
    found = re.fullmatch(r"a\.example=127\.0\.0\.\[([0-9.;]+)\]\*(\d+)", site)
    assert found is not None
    spans = [tuple(map(int, part.split(".."))) for part in found[1].split(";")]
    counted = {n for span in spans for n in range(span[0], span[-1] + 1)}
    assert counted == {n for n in range(256) if any(one.holds(f"127.0.0.{n}") for one in answers)}
    assert int(found[2]) == weight


@pytest.mark.parametrize(
    ("host", "words"), [(GATE12, "driver = passwd-file"), (GATE13, "dovecot_config_version = 2.4.1")]
)
def test_dovecot_answers_postfix_alone_in_the_language_of_its_version(host: Host, words: str) -> None:
    part = dovecot.render(model_of(DOORS), host)
    text = text_of(part, "dovecot/dovecot.conf")
    assert words in text
    assert "/etc/mail/passwords" in text
    assert "protocols =\n" in text
    assert "inet_listener" not in text
    assert [check.name for check in part.checks] == ["dovecot", "dovecot: passwords"]


@pytest.mark.parametrize("host", [GATE12, GATE13], ids=["12", "13"])
def test_limits_are_those_of_the_policy_and_internal_clients_have_none(host: Host) -> None:
    told = main_cf(text_of(part_of("limits: {connections: 7, mails_per_minute: 9}\n", host), "postfix/main.cf"))
    assert told["smtpd_client_connection_count_limit"] == "7"
    assert told["smtpd_client_message_rate_limit"] == "9"
    assert told["smtpd_client_event_limit_exceptions"] == "$mynetworks"


# --- the programs that look at certificates and passwords ------------------------------------------------------------


def program(tmp_path: Path, part: Part, name: str) -> Path:
    """One of the programs of a bundle."""
    file = tmp_path / name
    file.write_bytes(next(f.content for f in part.files if f.path == f"/usr/local/sbin/{name}"))
    return file


def made(tmp_path: Path, name: str, days: int) -> tuple[Path, Path]:
    """A certificate and its key. What makes requests takes no days in the past, what signs them does."""
    pem, key, request = (tmp_path / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
    new = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
    sign = ["openssl", "x509", "-req", "-signkey", key, "-days", str(days), "-in", request, "-out", pem]
    for command in ([*new, "-keyout", key, "-out", request], sign):
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
    key.chmod(0o600)
    return pem, key


def test_a_certificate_is_checked_for_its_end_and_its_key(tmp_path: Path) -> None:
    check = program(tmp_path, part_of(DOORS), "gatepost-check-certificate")
    good, other, old = made(tmp_path, "good", 30), made(tmp_path, "other", 30), made(tmp_path, "old", -1)

    def said(*arguments: object) -> str:
        done = subprocess.run(["sh", check, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == (1 if done.stderr else 0)
        return done.stderr

    assert said(*good) == said(*good, 14) == ""
    assert "within 40 days" in said(*good, 40)
    assert "it is not the key of" in said(good[0], other[1])
    assert "it expired on" in said(*old)
    assert "no such file" in said(tmp_path / "none", good[1])
    assert "no certificate" in said(good[1], good[1])
    good[1].chmod(0o644)
    assert "everybody" in said(*good)


def test_the_checks_of_a_release_name_this_hosts_files() -> None:
    [check] = [check for check in part_of(DOORS, GATE13).checks if check.name.startswith("tls")]
    assert check.argv[2:] == (f"/etc/tls/{GATE13.fqdn}.pem", f"/etc/tls/{GATE13.fqdn}.key")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("anna:{PLAIN}secret", "no hash"),
        ("anna:secret", "no hash"),
        ("anna:{MD5}x", "no hash"),
        ("Anna:{BLF-CRYPT}$2y$x", "no login name"),
        ("anna", "no hash"),
        ("# nobody", "names nobody"),
    ],
)
def test_a_password_file_without_good_hashes_is_told_without_its_secrets(tmp_path: Path, line: str, word: str) -> None:
    text = program(tmp_path, dovecot.render(model_of(DOORS), GATE12), "gatepost-check-passwords").read_text()
    # There is no Dovecot here whose user could be asked.
    check = tmp_path / "check"
    check.write_text(re.sub(r"^runuser .*$", "", text, flags=re.MULTILINE))
    passwords = tmp_path / "passwords"
    passwords.write_text(line + "\n")
    passwords.chmod(0o640)
    done = subprocess.run(["sh", check, passwords], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert word in done.stderr
    assert "secret" not in done.stderr

"""Lock-outs in the policy: what may be written, what is found, and whom a lock-out means."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from typing import Any

import pytest
from gatepost.cli import app
from gatepost.decide import decide
from gatepost.policy.lockout import LockOut
from ids import ROOT
from typer.testing import CliRunner
from written import INSIDE, OUTSIDE, TEN_LINES, loaded_text, verdict, written

PARTNERS = TEN_LINES.replace("networks:", 'networks:\n  partners: [198.51.100.0/28, "2001:db8:77::/48"]', 1)


def rule(text: str) -> LockOut:
    return written(f"unknown_recipients: {{lock_out: {{{text}}}}}\n").policy.unknown_recipients.lock_out


def found(text: str) -> list[str]:
    return [f.id for f in loaded_text(f"{TEN_LINES}unknown_recipients: {{lock_out: {{{text}}}}}\n").findings]


def test_without_a_word_in_the_policy_twenty_addresses_in_an_hour_lock_out_for_a_day_and_at_most_a_week() -> None:
    known = written().policy.unknown_recipients.lock_out
    assert (known.enabled, known.after, known.within, known.lasts, known.at_most) == (True, 20, 3600, 86400, 604800)


@pytest.mark.parametrize("text", ["20", "20 addresses", '"20"', "20  address"])
def test_the_number_may_say_what_it_counts(text: str) -> None:
    assert rule(f"after: {text}").after == 20


@pytest.mark.parametrize("text", ["0", "1", "1 address", "00", "1001", "999999 addresses"])
def test_a_limit_that_locks_out_everybody_or_nobody_is_found(text: str) -> None:
    assert found(f"after: {text}") == ["lock-out-limit"]


@pytest.mark.parametrize("text", ["-1", "20.5 addresses", "twenty", "20 mails", "9999999", '""', "١٢"])
def test_what_is_no_number_of_addresses_is_found(text: str) -> None:
    assert found(f"after: {text}") == ["bad-count"]


@pytest.mark.parametrize("text", ["true", "null", "[20]", "{of: 20}"])
def test_another_kind_of_value_is_found(text: str) -> None:
    assert found(f"after: {text}") == ["wrong-type"]


@pytest.mark.parametrize(
    "text", ["for: 30m", "within: 25h", "within: 2h, for: 1h", "for: 2d, longest: 1d", "longest: 23h", "for: 1s"]
)
def test_a_lock_out_shorter_than_the_count_or_than_the_one_before_it_is_found(text: str) -> None:
    assert found(text) == ["lock-out-too-short"]


@pytest.mark.parametrize("text", ["for: 1h", "within: 1h, for: 1h", "for: 1d, longest: 1d", "for: 366d"])
def test_a_lock_out_as_long_as_the_count_is_good(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize("text", ["for: 367d", "within: 53w, for: 53w", "longest: 2000d", "for: 0s", "for: forever"])
def test_a_time_beyond_a_year_or_none_at_all_is_found(text: str) -> None:
    assert set(found(text)) == {"bad-duration"}


def test_the_longest_lock_out_never_exceeds_a_year() -> None:
    assert rule("for: 300d").at_most == 366 * 86400


def test_partners_that_are_the_world_in_many_parts_are_found() -> None:
    parts = ", ".join(f"{n}.0.0.0/8" for n in range(1, 100))
    text = TEN_LINES.replace("networks:", f"networks:\n  partners: [{parts}]", 1)
    assert [f.id for f in loaded_text(text).findings] == ["partner-too-wide"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/7", '"::/0"', '"2000::/3"'])
def test_a_partner_that_is_a_large_part_of_the_internet_is_found(network: str) -> None:
    text = TEN_LINES.replace("networks:", f"networks:\n  partners: [{network}]", 1)
    assert [f.id for f in loaded_text(text).findings] == ["partner-too-wide"]


def test_a_partner_who_is_internal_is_only_warned_of() -> None:
    for network in ("192.0.2.7/32", "192.0.0.0/16", '"2001:db8:1:2::/64"'):
        loaded = loaded_text(TEN_LINES.replace("networks:", f"networks:\n  partners: [{network}]", 1))
        assert [(f.id, f.severity) for f in loaded.findings] == [("partner-is-internal", "warning")]
        assert loaded.model is not None


# --- decide ----------------------------------------------------------------------------------------------------------


def test_a_locked_out_client_is_refused_before_anything_else_and_the_line_is_named() -> None:
    said = verdict("unknown_recipients: {lock_out: {after: 5}}\n", locked_out=True, sender="no address", size=10**9)
    assert (said.action, said.code, said.enhanced) == ("reject", 421, "4.7.0")
    assert said.line == "policy.yml:11 unknown_recipients.lock_out"
    assert len(said.steps) == 1
    assert "locked out" in said.text and "anna@example.org" in said.text


def test_without_a_lock_out_nobody_is_told_of_one() -> None:
    assert all(step.what != "lock-out" for step in verdict().steps)


@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8:1::7", "127.0.0.1", "::1", "::ffff:192.0.2.7"])
def test_an_internal_client_is_never_locked_out(client: str) -> None:
    said = verdict("", INSIDE, client=ipaddress.ip_address(client), locked_out=True)
    assert said.action == "accept"
    assert said.steps[0].line == "policy.yml:10 networks.internal"


def test_who_logs_in_is_never_locked_out() -> None:
    assert verdict(authenticated=True, locked_out=True).action == "accept"


@pytest.mark.parametrize(
    ("client", "line"),
    [("198.51.100.9", "partners.0"), ("::ffff:198.51.100.9", "partners.0"), ("2001:db8:77:1::9", "partners.1")],
)
def test_a_partner_is_never_locked_out_and_may_not_relay(client: str, line: str) -> None:
    model = written(base=PARTNERS)
    attempt: dict[str, Any] = {"client": ipaddress.ip_address(client), "locked_out": True}
    said = decide(model, replace(OUTSIDE, **attempt))
    assert said.action == "accept"
    assert said.steps[0].line.endswith(f"networks.{line}")
    assert decide(model, replace(OUTSIDE, **attempt, recipient="x@foreign.example")).text == "Relay access denied"


def test_where_the_policy_locks_nobody_out_that_line_is_named() -> None:
    said = verdict("unknown_recipients: {lock_out: {enabled: false}}\n", locked_out=True)
    assert said.action == "accept"
    assert said.steps[0].line == "policy.yml:11 unknown_recipients.lock_out.enabled"


def test_explain_takes_a_client_for_a_guesser_when_told_to() -> None:
    policy = str(ROOT / "policies" / "minimal.yml")
    options = ["--client", "203.0.113.9", "--from", "a@b.example", "--to", "anna@example.org", "--locked-out", "--json"]
    (told,) = json.loads(CliRunner().invoke(app, ["explain", policy, *options]).stdout)["verdicts"]
    assert (told["action"], told["code"], told["line"]) == (
        "reject",
        421,
        "minimal.yml unknown_recipients.lock_out (default)",
    )

"""The log host gathers what the mail servers send, and the observer on it knows the policy's lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gatepost.inventory import LogHost
from gatepost.policy import Model
from gatepost.render import observer, render, rsyslog
from gatepost.render.rsyslog import loghost
from gatepost_observer.known import Known
from scanners import model_of, text_of

HOST = LogHost("loghost", "loghost.example.org", 13, (), senders=("mx1.example.org", "mx2.example.org"))
UNITS = "/etc/systemd/system"


def config(model: Model | None = None) -> str:
    return text_of(loghost.render(model or model_of(), HOST), rsyslog.CONFIG)


def known(more: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(observer.render(model_of(more), HOST), observer.CONFIG))
    return found


def test_only_the_mail_servers_of_the_inventory_may_send_and_each_has_a_file_of_its_own() -> None:
    both = '["mx1.example.org", "mx2.example.org"]'
    assert f"tls.permittedPeer={both}" in config()
    assert f"if $hostname == {both} then" in config()
    assert 'string="/var/log/gatepost/%$.of:::secpath-replace%/mail.log"' in config()


def test_a_line_is_acknowledged_when_it_is_written_and_a_full_disk_is_waited_for() -> None:
    assert 'ruleset(name="gathered" queue.type="Direct")' in config()
    assert 'action.resumeRetryCount="-1"' in config()


def test_a_log_host_runs_no_mail_server() -> None:
    paths = {file.path for file in render(model_of(), HOST).files}
    assert not any("postfix" in path or "amavis" in path for path in paths)


def test_the_observer_reads_what_is_rendered_for_it() -> None:
    rendered = text_of(observer.render(model_of(), HOST), observer.CONFIG)
    assert Known.model_validate_json(rendered).own_domains == {"example.org": "policy.yml:4"}


def test_a_list_entry_has_its_line_and_its_place_in_the_list() -> None:
    lists = """\
filtering:
  allow:
    - {client: 198.51.100.25}
  block:
    - {sender: "@scam.example", reason: phishing wave, until: 2099-03-01}
    - {term: urgent, in: subject}
"""
    assert [(e["list"], e["field"], e["value"], e["line"], e["until"]) for e in known(lists)["entries"]] == [
        ("allow", "client", "198.51.100.25/32", "policy.yml:10", None),
        ("block", "sender", "@scam.example", "policy.yml:12", "2099-03-01"),
        ("block", "term", "urgent", "policy.yml:13", None),
    ]


def test_a_default_is_said_to_be_one() -> None:
    assert known()["reasons"]["spam"] == "policy.yml (default)"
    assert known("filtering: {spam: {quarantine_at: 12}}\n")["reasons"]["spam"] == "policy.yml:8"


def test_the_report_goes_to_the_postmaster_through_the_first_server_unless_told_otherwise() -> None:
    assert known()["report"] == {
        "to": ["anna@example.org"],
        "via": "smtp://mx1.example.org:25",
        "from": "gatepost@loghost.example.org",
    }
    assert known("logs: {report: {to: [abuse@example.org, b@c.example]}}\n")["report"]["to"] == [
        "abuse@example.org",
        "b@c.example",
    ]


@pytest.mark.parametrize(
    ("report", "timers"),
    [("", {"daily", "weekly"}), ("logs: {report: {daily: false}}\n", {"weekly"})],
    ids=["default", "no daily one"],
)
def test_a_report_that_nobody_wants_has_no_timer(report: str, timers: set[str]) -> None:
    part = observer.render(model_of(report), HOST)
    units = {service.unit for service in part.services}
    assert {name for name in ("daily", "weekly") if f"gatepost-report-{name}.timer" in units} == timers
    assert (f"{UNITS}/gatepost-report-daily.service" in {file.path for file in part.files}) is ("daily" in timers)


@pytest.mark.parametrize(
    ("logs", "files", "age", "seconds"),
    [
        ("{keep: 90d, forget_addresses_after: 30d}", 29, 29, 30 * 86400),
        ("{keep: 90d, forget_addresses_after: 50h}", 1, 1, 50 * 3600),
        ("{keep: 90d, forget_addresses_after: 1d}", 0, 1, 86400),
        ("{keep: 30d, forget_addresses_after: 30d}", 30, 31, 30 * 86400),
    ],
)
def test_text_with_addresses_never_outlives_the_time_to_forget(logs: str, files: int, age: int, seconds: int) -> None:
    part = loghost.render(model_of(f"logs: {logs}\n"), HOST)
    rotation = text_of(part, rsyslog.LOGROTATE)
    assert f"\trotate {files}\n\tmaxage {age}\n" in rotation
    assert "/var/log/gatepost/*/mail.log\n" in rotation
    assert f"MaxRetentionSec={seconds}\n" in text_of(part, "/etc/systemd/journald.conf.d/gatepost.conf")

"""The report, and the command around it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gatepost.prove.run as running
import pytest
from gatepost.cli import app
from gatepost.prove import Report, Result, judge, lines
from gatepost.prove.report import as_data, rows
from gatepost.prove.seen import Reply, Seen
from proving import LISTS, made, well
from typer.testing import CliRunner
from written import TEN_LINES

MODEL, PROBES = made(LISTS)


def report(change: dict[str, Seen] | None = None) -> Report:
    """A report on a server that follows the policy, but for the changes."""
    given = change or {}
    results = tuple(judge(MODEL, p, given.get(p.what) or well(MODEL, p)) for p in PROBES)
    return Report("0123abcd", 3.2, results, {"gate": lines(MODEL, results)})


OPEN = {
    "relaying, from the null sender, over IPv4": Seen((Reply("RCPT TO:<x>", 250, "2.1.5", "Ok"),), ("S: 250 2.1.5 Ok",))
}
SILENT = {"a blocked client": Seen(error="timed out")}


def text(of: Report) -> str:
    return "\n".join(row.text for row in rows(MODEL, of))


def test_a_failure_comes_first_with_what_was_expected_and_the_conversation() -> None:
    told = text(report(OPEN))
    assert told.index("Failed:") < told.index("Proven:")
    for words in ("expected  554 5.7.1", "answered 250 2.1.5 Ok", "S: 250 2.1.5 Ok", "networks.internal"):
        assert words in told


def test_what_could_not_be_told_is_neither_proven_nor_failed() -> None:
    told = text(report(SILENT))
    assert "Could not tell:" in told
    assert "Failed:" not in told
    assert "timed out" in told


def test_lines_that_no_probe_speaks_of_are_listed_with_the_reason() -> None:
    told = text(report())
    assert "logs.keep (default): needs more time to pass" in told


def test_many_results_are_summed_up_by_policy_line() -> None:
    one = report()
    many = replace(one, results=one.results * 3)
    assert "domains.example.org.deliver_to: 2 probes" in text(many)


def test_a_server_cannot_write_on_the_terminal() -> None:
    bell = Seen((Reply("RCPT TO:<x>", 250, "2.1.5", "\x1b[31mOk\x07"),), ("S: 250 \x1b[31mOk",))
    told = text(report({"a blocked sender": bell}))
    assert "\x1b" not in told
    assert "\x07" not in told


def test_the_data_holds_every_probe_and_every_line_and_is_plain() -> None:
    data = json.loads(json.dumps(as_data(MODEL, report(OPEN))))
    assert (data["failed"], data["unknown"]) == (1, 0)
    assert len(data["hosts"]["gate"]["results"]) == len(PROBES)
    wrong = next(r for r in data["hosts"]["gate"]["results"] if r["outcome"] == "differs")
    assert wrong["transcript"] == ["S: 250 2.1.5 Ok"]
    assert {line["standing"] for line in data["hosts"]["gate"]["lines"]} == {"proven", "failed", "unproven"}


# --- the command -----------------------------------------------------------------------------------------------------

INVENTORY = """\
all:
  children:
    mailservers:
      hosts: {gate: {gatepost_debian: 12, gatepost_fqdn: gate.example.net, gatepost_addresses: [10.91.0.12]}}
    vantage: {hosts: {world: {gatepost_vantage: outside, gatepost_source_networks: [203.0.113.0/24]}}}
"""


@pytest.mark.parametrize(("change", "code"), [(None, 0), (OPEN, 1), (SILENT, 3), (OPEN | SILENT, 1)])
def test_the_exit_code_tells_the_worst(
    change: dict[str, Seen] | None, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yml").write_text(TEN_LINES)
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    monkeypatch.setattr(running, "prove", lambda *_: report(change))
    words = ["prove", str(tmp_path / "policy.yml"), "--inventory", str(tmp_path / "hosts.yml"), "--json"]
    assert CliRunner().invoke(app, words).exit_code == code


def test_hosts_that_ansible_does_not_reach_make_all_of_it_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yml").write_text(TEN_LINES)
    (tmp_path / "hosts.yml").write_text(INVENTORY)

    def gone(*command: Any, **_: Any) -> Any:
        raise OSError("there is no such program")

    monkeypatch.setattr("gatepost.prove.hosts.subprocess.run", gone)
    words = ["prove", str(tmp_path / "policy.yml"), "--inventory", str(tmp_path / "hosts.yml"), "--json"]
    done = CliRunner().invoke(app, words)
    data = json.loads(done.stdout)
    assert done.exit_code == 3
    assert data["proven"] == 0
    assert "no such program" in done.stdout


def test_a_result_without_a_probe_is_shown_too() -> None:
    stale = Result("gate", "the signatures", "differs", "at most 36 h", "90 h", (), ("stale",))
    one = report()
    assert "stale" in text(replace(one, results=(*one.results, stale)))

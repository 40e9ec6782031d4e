"""`gatepost explain` prints a verdict and the lines behind it; a refusal is an answer, wrong usage is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gatepost.cli import app
from ids import ROOT
from typer.testing import CliRunner, Result

EXAMPLE = str(ROOT / "policies" / "example.yml")


def explain(*options: str, policy: str = EXAMPLE, client: str = "203.0.113.9", sender: str = "a@b.example") -> Result:
    return CliRunner().invoke(app, ["explain", policy, "--client", client, "--from", sender, *options])


def test_a_mail_that_is_taken_is_told_with_lane_next_hop_and_deciding_line() -> None:
    told = explain("--to", "anna@example.org")
    assert told.exit_code == 0
    lines = [line.split() for line in told.stdout.split("\n")]
    assert ["accept", "anna@example.org"] in lines
    assert ["lane", "normal"] in lines
    assert ["next", "hop", "smtp:[mailstore.example.org]:25"] in lines
    assert ["because", "example.yml:10", "domains.example.org.deliver_to"] in lines


def test_a_refusal_is_an_answer() -> None:
    told = explain("--to", "nobody@example.org")
    assert told.exit_code == 0
    assert "550 5.1.1 Check the spelling" in told.stdout


def test_each_recipient_has_a_verdict_of_its_own() -> None:
    told = explain("--to", "anna@example.org", "--to", "x@foreign.example", "--json")
    verdicts = json.loads(told.stdout)["verdicts"]
    assert [(one["to"], one["action"]) for one in verdicts] == [
        ("anna@example.org", "accept"),
        ("x@foreign.example", "reject"),
    ]


OPTIONS = [
    (["--authenticated", "--to", "x@foreign.example"], "accept"),
    (["--subject", "urgent bank transfer", "--to", "anna@example.org"], "reject"),
    (["--size", "99999999", "--to", "anna@example.org"], "reject"),
    (["--spam-score", "9", "--to", "anna@example.org"], "quarantine"),
    (["--virus", "Eicar", "--to", "anna@example.org"], "quarantine"),
    (["--attachment", "a.pdf", "--attachment", "b.exe", "--to", "anna@example.org"], "quarantine"),
    (["--scanner-down", "--helo", "x.example", "--to", "anna@example.org"], "defer"),
]


@pytest.mark.parametrize(("options", "action"), OPTIONS, ids=lambda part: str(part)[:20])
def test_every_option_reaches_the_decision(options: list[str], action: str) -> None:
    assert json.loads(explain(*options, "--json").stdout)["verdicts"][0]["action"] == action


def test_an_internationalised_domain_is_asked_for_as_a_mail_program_would_send_it() -> None:
    assert "xn--bcher-kva.example" in explain("--to", "x@bücher.example").stdout
    assert json.loads(explain("--to", "<x@bücher.example>", "--json").stdout)["verdicts"][0]["code"] == 554


@pytest.mark.parametrize(
    "options",
    [
        {"client": "203.0.113"},
        {"client": "mail.example"},
        {"client": ""},
    ],
)
def test_a_client_that_is_no_address_is_wrong_usage(options: dict[str, str]) -> None:
    told = explain("--to", "anna@example.org", **options)
    assert told.exit_code == 2
    assert "no IP address" in told.stderr


@pytest.mark.parametrize("option", [["--size", "-1"], ["--size", "x"], ["--spam-score", "nan"], ["--nonsense"]])
def test_a_value_that_is_none_is_wrong_usage(option: list[str]) -> None:
    assert explain("--to", "anna@example.org", *option).exit_code == 2


def test_a_policy_with_errors_is_told_instead() -> None:
    told = explain("--to", "anna@example.org", policy=str(ROOT / "tests" / "bad" / "host-bits.yml"))
    assert told.exit_code == 1
    assert "host-bits" in told.stderr


def test_nothing_that_a_client_may_send_disturbs_the_terminal() -> None:
    told = explain("--to", "a\x1b[31m\n@example.org", "--virus", "\x07")
    assert told.exit_code == 0
    assert "\x1b[31m" not in told.stdout and "\x07" not in told.stdout


def test_a_pipe_gets_no_colours_and_any_bytes_are_answered() -> None:
    command = [sys.executable, "-m", "gatepost", "explain", EXAMPLE, "--client", "203.0.113.9", "--from", "<>"]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([*command, "--to", b"\xff@example.org"], capture_output=True, check=True, env=environment)
    assert b"550 5.1.1" in done.stdout and b"\x1b" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell: str, tmp_path: Path) -> None:
    environment = {**os.environ, "_GATEPOST_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "gatepost ex"}
    environment |= {
        "COMP_WORDS": "gatepost ex",
        "COMP_CWORD": "1",
        "HOME": str(tmp_path),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    gatepost = Path(sys.executable).with_name("gatepost")
    done = subprocess.run([gatepost], capture_output=True, text=True, check=False, env=environment)
    assert "explain" in done.stdout

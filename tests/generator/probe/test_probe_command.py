"""The command: what may be asked for, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gatepost.cli import app
from gatepost.cli import probe as command
from loopback import Server
from typer.testing import CliRunner

INVENTORY = """\
mailservers:
  hosts:
    mx:
      gatepost_debian: 12
      gatepost_fqdn: mx.test.example
      gatepost_addresses: [127.0.0.1]
"""


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    file = tmp_path / "hosts.yml"
    file.write_text(INVENTORY)
    return str(file)


class Ended:
    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(app, ["probe", *arguments])
        self.code, self.out = result.exit_code, result.output


def quick(inventory: str, server: Server, *more: str) -> Ended:
    return Ended("mx", "-i", inventory, "--port", str(server.port), "--pause", "0", "--patience", "5", *more)


@pytest.mark.parametrize(("answer", "code"), [("554 Relay denied", 0), ("250 ok", 1), ("451 later", 3)])
def test_closed_open_and_could_not_tell_have_exit_codes_of_their_own(
    inventory: str, server: Server, answer: str, code: int
) -> None:
    server.answers["RCPT TO"] = answer
    assert quick(inventory, server).code == code


def test_without_permission_nothing_is_asked_and_the_way_to_get_it_is_told(inventory: str, server: Server) -> None:
    ended = Ended("192.0.2.1.", "-i", inventory, "--port", str(server.port), "--name-server", "127.0.0.1")
    assert ended.code == 2
    assert "no permission" in ended.out
    assert server.connections == 0


def test_one_host_without_permission_stops_all(inventory: str, server: Server) -> None:
    ended = quick(inventory, server, "not-a-host")
    assert ended.code == 2
    assert server.connections == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--target", "nobody"], "--target"),
        (["--target", "x@test.example"], "is a domain of mx.test.example itself"),
        (["--domain", "-x"], "--domain"),
        (["--helo", "a b"], "--helo"),
        (["--from-domain", "x\r\nDATA"], "--from-domain"),
        (["--only", "ipv5"], "--only"),
        (["--name-server", "ns"], "--name-server"),
        (["--report", "report.pdf"], ".html or .txt"),
        (["--report", "/no/such/folder/x.html"], "no such folder"),
        (["--mailbox", "imap://a:b@example.net"], "no password in the URL"),
        (["--mailbox", "imap://a@example.net", "--target", "x@example.net"], "--target"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(
    inventory: str, server: Server, more: list[str], words: str
) -> None:
    ended = quick(inventory, server, *more)
    assert ended.code == 2
    assert words in ended.out
    assert server.connections == 0


def test_a_bad_inventory_is_wrong_usage_and_no_answer(tmp_path: Path, server: Server) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("mailservers: {hosts: {mx: {}}}\n")
    assert quick(str(bad), server).code == 2


def test_without_a_terminal_the_password_comes_from_the_environment_alone(
    inventory: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(command.PASSWORD, raising=False)
    ended = quick(inventory, server, "--mailbox", "imap://a@example.net")
    assert ended.code == 2
    assert command.PASSWORD in ended.out


def test_json_tells_the_worst_verdict_and_every_host(inventory: str, server: Server) -> None:
    data = json.loads(quick(inventory, server, "--json").out)
    assert data["verdict"] == "closed"
    assert [host["host"] for host in data["hosts"]] == ["mx.test.example"]


def test_errors_are_json_too_when_json_was_asked_for(inventory: str, server: Server) -> None:
    assert "no permission" in json.loads(quick(inventory, server, "nobody", "--json").out)["error"]


@pytest.mark.parametrize("name", ["report.html", "report.txt"])
def test_a_report_is_written_to_be_handed_in(inventory: str, server: Server, tmp_path: Path, name: str) -> None:
    assert quick(inventory, server, "--report", str(tmp_path / name)).code == 0
    text = (tmp_path / name).read_text()
    assert "closed" in text
    assert ("<!DOCTYPE html>" in text) == name.endswith("html")

"""The inventory is Ansible's own: what is read here is what Ansible reads, and what is wrong with it is a finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatepost.inventory import Inventory, read_inventory
from ids import ROOT

ONE = "mailservers:\n  hosts:\n    mx1.example.org:\n      gatepost_debian: 12\n"


def read(folder: Path, text: str, name: str = "hosts.yml") -> Inventory:
    """The inventory that this text is."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    if text.startswith("#!"):
        path.chmod(0o755)
    return read_inventory(path)


@pytest.mark.parametrize("name", ["example", "lab"])
def test_gatepost_and_ansible_read_the_same_of_a_static_inventory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "inventories" / name
    ours = read_inventory(path)
    monkeypatch.setattr("gatepost.inventory._static", lambda path: None)
    assert read_inventory(path) == ours


def test_the_inventory_to_copy_needs_no_ansible_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost.inventory._ask_ansible", lambda path: pytest.fail("Ansible was asked"))
    assert len(read_inventory(ROOT / "inventories" / "example").hosts) == 2


ODD = {
    "hosts are a list": "mailservers:\n  hosts: [mx1.example.org]\n",
    "children are a list": ONE + "  children: [a]\n",
    "variables are a list": ONE + "  vars: [a]\n",
    "a host's variables are a list": "mailservers:\n  hosts:\n    mx1.example.org: [a]\n",
    "no YAML": "mailservers: [\n",
    "a group in itself": "mailservers: &a\n  hosts:\n    mx1.example.org: {gatepost_debian: 12}\n  children: {x: *a}\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_an_inventory_that_ansible_cannot_read_is_a_finding_with_the_reason(text: str, tmp_path: Path) -> None:
    [finding] = read(tmp_path, text).findings
    assert finding.id == "bad-inventory"
    assert "Completely failed" not in finding.message


def test_a_script_that_fails_is_a_finding(tmp_path: Path) -> None:
    [finding] = read(tmp_path, "#!/bin/sh\nexit 3\n", "hosts.sh").findings
    assert finding.id == "bad-inventory"
    assert "non-zero exit code 3" in finding.message


def test_ansible_is_asked_whatever_the_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    known = read(tmp_path, "[mailservers]\nmx1.example.org gatepost_debian=12\n", "hosts.ini")
    assert [host.name for host in known.hosts] == ["mx1.example.org"]


def test_the_texts_of_an_ini_section_are_read_as_numbers_and_booleans(tmp_path: Path) -> None:
    text = "[mailservers]\nmx1.example.org\n[mailservers:vars]\ngatepost_debian=13\ngatepost_updates=false\n"
    [host] = read(tmp_path, text, "hosts.ini").hosts
    assert (host.debian, host.updates) == (13, False)


@pytest.mark.parametrize("value", ["12.0", "true", "[12]", "'x'", "{a: 1}", "11"])
def test_a_debian_that_is_neither_12_nor_13_is_a_finding(value: str, tmp_path: Path) -> None:
    [finding] = read(tmp_path, ONE.replace("12", value)).findings
    assert (finding.id, "gatepost_debian" in finding.message) == ("bad-host", True)


@pytest.mark.parametrize(("value", "updates"), [("'no'", False), ("'True'", True), ("off", False), ("yes", True)])
def test_updates_are_read_as_ansible_reads_a_boolean(value: str, updates: bool, tmp_path: Path) -> None:
    [host] = read(tmp_path, ONE + f"      gatepost_updates: {value}\n").hosts
    assert host.updates is updates


@pytest.mark.parametrize("value", ["[]", "maybe", "7"])
def test_updates_that_are_no_boolean_are_a_finding(value: str, tmp_path: Path) -> None:
    [finding] = read(tmp_path, ONE + f"      gatepost_updates: {value}\n").findings
    assert "gatepost_updates" in finding.message


@pytest.mark.parametrize("name", ["''", "..", "a/b", "'a b'", '"a\\nb"', "a" * 254])
def test_a_name_that_can_be_no_folder_is_a_finding(name: str, tmp_path: Path) -> None:
    vars_ = "{gatepost_debian: 12, gatepost_fqdn: mx.example.org}"
    [finding] = read(tmp_path, f"mailservers:\n  hosts:\n    {name}: {vars_}\n").findings
    assert "name:" in finding.message


def test_a_template_is_told_to_be_none_of_gateposts_business(tmp_path: Path) -> None:
    [finding] = read(tmp_path, ONE + "      gatepost_fqdn: '{{ inventory_hostname }}'\n").findings
    assert finding.hint == "templates are not filled in here: write the value itself"


GATHERING = ONE + "loghosts:\n  hosts:\n    loghost.example.org:\n      gatepost_debian: 13\n"


def test_a_log_host_knows_the_mail_servers_whose_logs_it_gathers(tmp_path: Path) -> None:
    known = read(tmp_path, GATHERING)
    assert [(host.name, host.senders) for host in known.loghosts] == [("loghost.example.org", ("mx1.example.org",))]
    assert [host.name for host in known.all_hosts] == ["mx1.example.org", "loghost.example.org"]


def test_an_inventory_needs_no_log_host(tmp_path: Path) -> None:
    assert read(tmp_path, ONE).loghosts == ()


@pytest.mark.parametrize("name", ["mx1.example.org", "mx1: {gatepost_fqdn: mx1.example.org, gatepost_debian: 12}"])
def test_a_mail_server_is_no_log_host_as_well(name: str, tmp_path: Path) -> None:
    host = name if ":" in name else f"{name}: {{gatepost_debian: 12}}"
    [finding] = read(tmp_path, ONE + f"loghosts:\n  hosts:\n    {host}\n").findings
    assert (finding.id, "machine of its own" in finding.message) == ("bad-host", True)

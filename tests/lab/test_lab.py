"""What the lab's programs promise without booting anything."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time
from types import ModuleType

import pytest
from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "lab"


def load(name: str) -> ModuleType:
    """A program of lab/ as a module, with or without .py to its name."""
    path = LAB / name
    loader = importlib.machinery.SourceFileLoader(f"lab_{path.stem}", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(LAB))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return load("world.py")


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return load("signatures")


def test_a_database_tells_the_age_it_was_asked_for(signatures: ModuleType, tmp_path: pathlib.Path) -> None:
    signatures.write(tmp_path, age_hours=40, version=123)
    fields = (tmp_path / "daily.cud").read_bytes()[:512].decode().rstrip().split(":")
    assert fields[0] == "ClamAV-VDB"
    assert fields[2] == "123"
    assert abs(time.time() - 40 * 3600 - int(fields[8])) < 10


def test_a_database_lists_the_hash_of_every_file_in_it(signatures: ModuleType, tmp_path: pathlib.Path) -> None:
    signatures.write(tmp_path, age_hours=0, version=1)
    with (tmp_path / "daily.cud").open("rb") as file:
        head = file.read(512)
        with tarfile.open(fileobj=file) as tar:
            names = tar.getnames()
            info = member(tar, "daily.info").decode().splitlines()
            ndb = member(tar, "daily.ndb")
    assert names == ["daily.info", "daily.ndb"]
    assert info == [head.decode().rstrip(), f"daily.ndb:{len(ndb)}:{hashlib.sha256(ndb).hexdigest()}"]


def test_the_folders_without_which_debian_does_not_start_clamd_are_there(
    signatures: ModuleType, tmp_path: pathlib.Path
) -> None:
    signatures.write(tmp_path, age_hours=0, version=1)
    assert (tmp_path / "main.inc").is_dir()
    assert (tmp_path / "daily.inc").is_dir()


def test_the_inventory_names_the_machines_at_their_addresses(world: ModuleType) -> None:
    inventory = YAML(typ="safe").load((ROOT / "inventories/lab/hosts.yml").read_text())
    hosts = {name: values for group in inventory["lab"]["children"].values() for name, values in group["hosts"].items()}
    assert {name: values["ansible_host"] for name, values in hosts.items()} == {
        name: f"10.91.0.{machine.number}" for name, machine in world.MACHINES.items()
    }


def test_every_machine_has_a_name_for_its_address_and_back(world: ModuleType) -> None:
    forward = (LAB / "zones/lab.test.zone").read_text().split("\n")
    back = (LAB / "zones/0.91.10.in-addr.arpa.zone").read_text()
    for name, machine in world.MACHINES.items():
        assert [name, "A", f"10.91.0.{machine.number}"] in [line.split() for line in forward]
        assert [name, "AAAA", f"fd00:db8:91::{machine.number}"] in [line.split() for line in forward]
        assert f"{machine.number} PTR {name}.lab.test." in back


def test_every_layer_that_is_laid_over_a_machine_exists(world: ModuleType) -> None:
    for machine in world.MACHINES.values():
        assert all((LAB / "rootfs" / layer).is_dir() for layer in machine.layers)


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """Where a stand-in for apt-get writes what it is told; every package but $LACKING counts as installed."""
    log = tmp_path / "apt.log"
    programs = {
        "dpkg-query": 'for last; do :; done; [ "$last" = "$LACKING" ] || printf installed',
        "apt-get": f'echo "$@" >> "{log}"',
        "sudo": 'exec "$@"',
    }
    for name, body in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("LACKING", "")
    return log


def test_install_does_not_call_apt_when_everything_is_there(apt: pathlib.Path) -> None:
    subprocess.run([str(LAB / "install")], check=True)
    assert not apt.exists()


def test_install_asks_apt_for_shellcheck_alone_when_only_that_is_missing(
    apt: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LACKING", "shellcheck")
    subprocess.run([str(LAB / "install"), "tests"], check=True)
    assert apt.read_text().splitlines() == ["update -q", "install -y -q --no-install-recommends shellcheck"]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck: lab/install brings it")
def test_shellcheck_has_nothing_to_say_about_the_scripts() -> None:
    scripts = [LAB / "install", LAB / "podman", LAB / "rootfs/every/usr/local/sbin/lab-network"]
    subprocess.run(["shellcheck", *map(str, scripts)], check=True)

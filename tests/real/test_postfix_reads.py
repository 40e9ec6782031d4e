"""Postfix itself reads what render writes for an odd policy: real postconf and postmap, on Debian 12 and 13.

These tests need the lab's mail servers with Postfix on them (`make lab`), so they run only when asked for, and then
fail rather than skip when a machine is missing:

    pytest -m real tests/real          GATEPOST_MACHINES="gate12 gate13" names others

Nothing of a machine's own configuration is read or touched: a tree is put below /tmp/gatepost-real and taken away.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gatepost.bundle import Part
from gatepost.inventory import Host
from gatepost.load import load
from gatepost.policy import Model
from gatepost.policy.replies import refused_text
from gatepost.render import postfix

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
PODMAN = str(HERE.parents[1] / "lab/podman")
MACHINES = os.environ.get("GATEPOST_MACHINES", "gate12 gate13").split()
ROOT = "/tmp/gatepost-real"


@dataclass(frozen=True)
class Server:
    """A machine of the lab with the staged tree on it, and what was rendered."""

    machine: str
    model: Model
    part: Part

    def run(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command on the machine."""
        command = [PODMAN, "exec", "-i", self.machine, *argv]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def look_up(self, table: str, key: str) -> str:
        """What Postfix finds for a key in a staged table."""
        kind, _, path = table.partition(":")
        answer = self.run("postmap", "-c", f"{ROOT}/etc/postfix", "-q", key, f"{kind}:{ROOT}/etc/postfix/maps/{path}")
        assert not answer.stderr
        return answer.stdout.rstrip("\n")


@pytest.fixture(scope="module", params=MACHINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each machine with the odd policy's tree, its tables built."""
    machine = request.param
    model = load(HERE / "odd.yml").model
    assert model is not None
    part = postfix.render(model, Host(machine, f"{machine}.lab.test", int(machine[-2:]), ()))
    tree = tmp_path_factory.mktemp(machine)
    for file in part.files:
        target = tree / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
    found = Server(machine, model, part)
    found.run("rm", "-rf", ROOT)
    subprocess.run([PODMAN, "cp", str(tree), f"{machine}:{ROOT}"], check=True)
    # postmap takes on the owner of its source.
    found.run("chown", "-R", "root:root", ROOT)
    try:
        for file in part.files:
            if file.build:
                built = found.run("postmap", "-c", f"{ROOT}/etc/postfix", f"{file.build}:{ROOT}{file.path}")
                assert (built.returncode, built.stderr) == (0, ""), file.path
        yield found
    finally:
        found.run("rm", "-rf", ROOT)


def test_every_check_of_the_bundle_is_content(server: Server) -> None:
    for check in server.part.checks:
        answer = server.run(*(word.replace("{root}", ROOT) for word in check.argv))
        assert answer.returncode in check.ok, check.name
        assert not answer.stderr, check.name


def test_a_misspelt_parameter_and_a_broken_rule_are_found_by_the_checks(server: Server) -> None:
    server.run("cp", "-a", ROOT, f"{ROOT}.bad")
    try:
        server.run("tee", "-a", f"{ROOT}.bad/etc/postfix/main.cf", stdin="smtpd_helo_requiered = yes\n")
        for name in ("terms.pcre", "clients.cidr"):
            server.run("tee", "-a", f"{ROOT}.bad/etc/postfix/maps/{name}", stdin="/(/ REJECT\n")
        complaints = {
            check.name
            for check in server.part.checks
            if server.run(*(word.replace("{root}", f"{ROOT}.bad") for word in check.argv)).stderr
        }
        assert complaints == {"postfix: main.cf", "postfix: terms.pcre", "postfix: clients.cidr"}
    finally:
        server.run("rm", "-rf", f"{ROOT}.bad")


def test_everybody_who_exists_is_found_and_nobody_else(server: Server) -> None:
    listed = {key for keys in server.model.recipients.values() for key in keys}
    dumped = server.run("postmap", "-c", f"{ROOT}/etc/postfix", "-s", f"lmdb:{ROOT}/etc/postfix/maps/recipients")
    keys = {line.partition("\t")[0] for line in dumped.stdout.splitlines()}
    odd = {key for key in listed if key.startswith("#")}
    assert keys == listed - odd
    assert odd
    assert all(server.look_up("pcre:recipients.odd.pcre", key) == "x" for key in odd)
    assert server.look_up("pcre:recipients.odd.pcre", "#hashXexample.org") == ""


def test_every_blocked_term_is_refused_with_exactly_the_policys_words(server: Server) -> None:
    terms = [entry.term for entry in server.model.policy.filtering.block if entry.term]
    assert terms
    for term in terms:
        for subject in (term, term.upper(), term.lower(), f"a {term} b", term.replace(" ", "\t ")):
            assert server.look_up("pcre:terms.pcre", f"Subject: {subject}") == f"REJECT {refused_text(server.model)}"
        assert server.look_up("pcre:terms.pcre", f"X-Subject: {term}") == ""


def test_listed_senders_are_found_under_the_keys_that_postfix_asks_for(server: Server) -> None:
    refused = f"REJECT {refused_text(server.model)}"
    assert server.look_up("lmdb:senders", '"odd guy"@scam.example') == refused
    assert server.look_up("lmdb:senders", "xn--strae-oqa.example") == refused
    assert server.look_up("pcre:senders.odd.pcre", "#spam@scam.example") == refused
    assert server.look_up("lmdb:senders", "allowed.example") == "DUNNO"
    assert server.look_up("lmdb:senders", "one@allowed.example") == ""


def test_main_cf_is_read_as_it_was_meant(server: Server) -> None:
    answer = server.run("postconf", "-c", f"{ROOT}/etc/postfix", "-xh", "mynetworks", "myorigin", "message_size_limit")
    trusted, origin, size = answer.stdout.splitlines()
    assert trusted.split() == ["127.0.0.0/8", "[::1]/128", "192.0.2.0/24", "[2001:db8:1::]/48"]
    assert origin.endswith("lab.test")
    assert size == "102400"

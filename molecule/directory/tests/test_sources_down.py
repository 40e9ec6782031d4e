"""A source of recipients that is down puts mail off and refuses nobody; what is asked is asked literally."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
SERVERS = {"gate12": "10.91.0.12", "gate13": "10.91.0.13"}
STORE = testinfra.get_host("podman://store")
TABLE = "/etc/postfix/ldap/directory.example.cf"
SECRET = 'lab $x %s "q" \\b'
Ask = Callable[[str], str]


@pytest.fixture(params=sorted(SERVERS))
def name(request: pytest.FixtureRequest) -> str:
    """Each of the two servers in turn."""
    return str(request.param)


@pytest.fixture
def server(name: str) -> Host:
    return testinfra.get_host(f"podman://{name}")


@pytest.fixture
def ask(name: str) -> Ask:
    """What the server answers to a client in the world that names a recipient."""

    def _ask(recipient: str) -> str:
        argv = [ROOT / "lab/podman", "exec", "world", "swaks", "--server", SERVERS[name], "--quit-after", "RCPT"]
        more = ["--local-interface", "203.0.113.9", "--from", "a@b.example", "--to", recipient]
        done = subprocess.run([*map(str, argv), *more], capture_output=True, text=True, check=False, timeout=60)
        said = done.stdout.split("RCPT TO:", 1)[-1].splitlines()
        return " ".join(line[4:].strip() for line in said[1:] if line.startswith(("<- ", "<**", "<~ ")))

    return _ask


def wait_for(what: str, ask_again: Callable[[], bool], deadline: float = 90.0) -> None:
    end = time.monotonic() + deadline
    while not ask_again():
        assert time.monotonic() < end, f"waited {deadline:.0f} s for: {what}"
        time.sleep(0.5)


def lines_after(server: Host, count: int) -> str:
    return str(server.check_output(f"tail -n +{count + 1} /var/log/mail.log"))


def log_length(server: Host) -> int:
    return int(server.check_output("wc -l < /var/log/mail.log"))


@pytest.fixture(params=["KILL", "STOP"])
def directory_fails(request: pytest.FixtureRequest) -> Iterator[str]:
    """slapd killed, or hanging; afterwards it is well again."""
    STORE.check_output(f"systemctl kill --signal={request.param} lab-directory")
    yield str(request.param)
    STORE.check_output("systemctl kill --signal=CONT lab-directory || true")
    STORE.check_output("systemctl start lab-directory")


@pytest.fixture
def next_hop_is_down() -> Iterator[None]:
    STORE.check_output("systemctl stop postfix")
    yield
    STORE.check_output("systemctl start postfix")


def test_people_of_the_directory_are_known_and_nobody_else(ask: Ask) -> None:
    assert ask("anna@directory.example").startswith("250")
    assert ask("anna.second@directory.example").startswith("250")
    refusal = ask("nobody@directory.example")
    assert refusal.startswith("550") and "User unknown" in refusal and "Adresse pruefen / check" in refusal


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("a*b@directory.example", "250"),
        ("aXb@directory.example", "550"),
        ("*@directory.example", "550"),
        ("ann*@directory.example", "550"),
        ('"par(en"@directory.example', "250"),
        ('"par)en"@directory.example', "250"),
        ('"back\\\\slash"@directory.example', "250"),
        ('"john doe"@directory.example', "250"),
        ("o'brien@directory.example", "250"),
        ("jürgen@directory.example", "250"),
        ('"x)(uid=*"@directory.example', "550"),
    ],
)
def test_a_recipient_is_looked_up_literally(ask: Ask, recipient: str, code: str) -> None:
    assert ask(recipient).startswith(code)


def test_a_directory_that_fails_puts_off_its_own_domain_alone(ask: Ask, server: Host, directory_fails: str) -> None:
    before = log_length(server)
    for recipient in ("anna@directory.example", "nobody@directory.example", "anna@directory.example"):
        assert ask(recipient).startswith("451"), directory_fails
    assert ask("anna@example.org").startswith("250")
    assert ask("nobody@example.org").startswith("550")
    assert ask("postmaster@directory.example").startswith("250")
    wait_for("the alarm line", lambda: f"{TABLE.rpartition('/')[2]} lookup error" in lines_after(server, before))


def test_the_directory_is_back_without_help(ask: Ask) -> None:
    wait_for("a known person", lambda: ask("anna@directory.example").startswith("250"))
    assert ask("nobody@directory.example").startswith("550")


def test_another_password_puts_off_and_refuses_nobody(ask: Ask, server: Host) -> None:
    server.check_output(f"cp -p {TABLE} /root/kept && sed -i 's/^bind_pw.*/bind_pw = wrong/' {TABLE} && postfix reload")
    try:
        wait_for("the reload", lambda: ask("anna@directory.example").startswith("451"))
        assert ask("nobody@directory.example").startswith("451")
        assert "49 (Invalid credentials)" in server.check_output("tail -n 20 /var/log/mail.log")
    finally:
        server.check_output(f"mv /root/kept {TABLE} && postfix reload")
    wait_for("the right password", lambda: ask("anna@directory.example").startswith("250"))


def test_the_next_hop_says_who_exists_and_its_words_stay_inside(ask: Ask) -> None:
    assert ask("anna@hop.example").startswith("250")
    refusal = ask("nobody@hop.example")
    assert refusal.startswith("550") and "User unknown" in refusal and "Adresse pruefen / check" in refusal
    assert "store" not in refusal and "pcre" not in refusal


def test_a_next_hop_that_is_down_puts_off_those_whom_it_did_not_name_before(
    ask: Ask, name: str, request: pytest.FixtureRequest
) -> None:
    assert ask("anna@hop.example").startswith("250")
    request.getfixturevalue("next_hop_is_down")
    assert ask("anna@hop.example").startswith("250")
    for recipient in (f"new-{name}@hop.example", "bob@hop.example"):
        said = ask(recipient)
        assert said.startswith("450") and "store" not in said and "10.91" not in said
    assert ask("nobody@example.org").startswith("550")


def test_the_next_hop_is_back_without_help(ask: Ask) -> None:
    wait_for("somebody who was put off", lambda: ask("bob@hop.example").startswith("250"), 180)


def test_the_secret_is_where_postfix_reads_it_and_nowhere_else(server: Host) -> None:
    table = server.file(TABLE)
    assert (table.user, table.group, oct(table.mode)) == ("root", "postfix", "0o640")
    found = server.run("grep -rlF -- %s /etc /var/log /var/lib/gatepost /run /tmp /root", SECRET).stdout.split()
    assert found and all(path.endswith(TABLE) for path in found)
    assert all(server.file(path).mode & 0o007 == 0 for path in found)


def test_the_control_node_holds_no_secret_in_its_bundles() -> None:
    bundles = [path for path in (ROOT / ".gatepost").rglob("*") if path.is_file()]
    assert bundles and not [path for path in bundles if SECRET.encode() in path.read_bytes()]

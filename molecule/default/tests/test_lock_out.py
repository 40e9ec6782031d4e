"""Who guesses addresses is no longer answered; nobody else notices, and nothing but time or an administrator ends it.

The guessers' addresses stand outside of those from which a proof asks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import LAB, SERVERS, playbook, run, stored, wait_for
from testinfra.host import Host

GUESSER, HONEST = "203.0.113.246", "203.0.113.247"
SIX, SAME_64, OTHER_64 = "2001:db8:feed:1::9", "2001:db8:feed:1:ffff::a", "2001:db8:feed:2::9"
INSIDE = "192.0.2.240"
# Five addresses a connection: none of Postfix's own limits is met.
GUESS = """
import json, smtplib, sys
server, source, word, number, same = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5] == "same"
said = []
while len(said) < number:
    try:
        with smtplib.SMTP(server, timeout=8, source_address=(source, 0)) as session:
            session.ehlo("client.example")
            session.mail("a@b.example")
            for _ in range(min(5, number - len(said))):
                name = word if same else f"{word}{len(said)}"
                said.append([*session.rcpt(f"{name}@example.org")])
    except smtplib.SMTPConnectError as error:
        said.append([error.smtp_code, error.smtp_error])
        break
    except OSError as error:
        said.append([0, str(error)])
        break
print(json.dumps([[code, text.decode() if isinstance(text, bytes) else text] for code, text in said]))
"""

ON_DISK = """python3 -c "
import sqlite3
file = sqlite3.connect('file:/var/lib/gatepost-mx/lock-outs.sqlite?mode=ro', uri=True)
print(file.execute('SELECT client FROM clients WHERE began IS NOT NULL').fetchall())
" """


@dataclass(frozen=True)
class Guesser:
    """Clients in the world and in the office that ask one server for addresses."""

    name: str
    mark: str

    def ask(self, source: str, number: int, *, same: bool = False, word: str = "") -> list[tuple[int, str]]:
        """What the server answered to each of so many addresses; the first refused connection ends it."""
        address = SERVERS[self.name]
        if ":" in source:
            address = f"fd00:db8:91::{address.rpartition('.')[2]}"
        host = "office" if source == INSIDE else "world"
        words = [address, source, word or self.mark, str(number), "same" if same else "each"]
        done = run("lab/podman", "exec", host, "python3", "-c", GUESS, *words)
        return [(code, text) for code, text in json.loads(done.stdout)]


def lock_outs(server: Host) -> dict[str, Any]:
    """Who is locked out, by the client's name."""
    told = json.loads(server.check_output("gatepost-mx lockouts --json"))
    return {one["client"]: one for one in told["lock_outs"]}


@pytest.fixture
def guesser(name: str, server: Host, mark: str) -> Iterator[Guesser]:
    """Clients of which none is locked out, before and after."""
    server.check_output("gatepost-mx lockouts --all")
    yield Guesser(name, mark)
    server.check_output("systemctl start gatepost-mx gatepost-mx-firewall")
    wait_for("the milter to answer", lambda: server.run("gatepost-mx lockouts --all").rc == 0)


@pytest.fixture
def without_firewall(server: Host) -> None:
    """A server that can only answer, as one that lacks CAP_NET_ADMIN; `guesser` starts the helper again."""
    server.check_output("systemctl stop gatepost-mx-firewall")


@pytest.mark.usefixtures("without_firewall")
def test_a_guesser_is_answered_421_with_the_help_text_and_nothing_else_is_said_to_it(
    guesser: Guesser, server: Host
) -> None:
    assert {code for code, _ in guesser.ask(GUESSER, 19)} == {550}
    assert GUESSER not in lock_outs(server)
    ((code, _),) = guesser.ask(GUESSER, 1, word=f"{guesser.mark}-last")
    assert code == 550
    ((code, text),) = guesser.ask(GUESSER, 1)
    assert code == 421
    assert "locked out" in text
    assert "https://www.example.org/mail" in text
    assert lock_outs(server)[GUESSER]["addresses"] == 20
    assert {code for code, _ in guesser.ask(HONEST, 3)} == {550}


def test_where_there_is_a_firewall_a_guesser_is_soon_not_answered_at_all(guesser: Guesser, server: Host) -> None:
    guesser.ask(GUESSER, 21)
    wait_for("the firewall to know", lambda: GUESSER in server.check_output("nft list table inet gatepost"))
    ((code, text),) = guesser.ask(GUESSER, 1)
    assert (code, text) == (0, "timed out")


@pytest.mark.usefixtures("without_firewall")
def test_a_lock_out_outlives_a_restart_and_a_release_and_ends_when_it_is_lifted(
    guesser: Guesser, server: Host, name: str, sabotaged: Callable[[str, str], Path]
) -> None:
    guesser.ask(GUESSER, 21)
    # It is written within a second; a restart before that would forget it.
    wait_for("the lock-out to be on the disk", lambda: GUESSER in server.check_output(ON_DISK))
    server.check_output("systemctl restart gatepost-mx")
    assert GUESSER in lock_outs(server)
    before = server.check_output("systemctl show --value -p InvocationID gatepost-mx")
    bundle = sabotaged("/etc/systemd/system/gatepost-mx.service", "[Service]\nNice=1")
    try:
        ansible: list[str | Path] = [sys.executable, "-m", "ansible", "adhoc", "-i", LAB, name]
        run(*ansible, "-m", "gatepost_release", "-a", f"bundle={bundle}")
        assert server.check_output("systemctl show --value -p InvocationID gatepost-mx") != before
        assert GUESSER in lock_outs(server)
    finally:
        playbook("--limit", name)
    server.check_output("systemctl stop gatepost-mx-firewall")
    assert guesser.ask(GUESSER, 1)[0][0] == 421
    server.check_output(f"gatepost-mx lockouts --lift {GUESSER}")
    assert guesser.ask(GUESSER, 1)[0][0] == 550


def test_one_dead_address_may_be_asked_for_again_and_again(guesser: Guesser, server: Host) -> None:
    assert {code for code, _ in guesser.ask(HONEST, 40, same=True)} == {550}
    assert not lock_outs(server)


def test_an_internal_client_is_never_locked_out(guesser: Guesser, server: Host) -> None:
    assert {code for code, _ in guesser.ask(INSIDE, 40)} == {550}
    assert not lock_outs(server)


@pytest.mark.usefixtures("without_firewall")
def test_addresses_of_one_64_are_one_guesser_and_those_of_the_next_are_not(guesser: Guesser, server: Host) -> None:
    guesser.ask(SIX, 10)
    guesser.ask(SAME_64, 11, word=f"{guesser.mark}-more")
    assert list(lock_outs(server)) == ["2001:db8:feed:1::/64"]
    assert guesser.ask(SIX, 1)[0][0] == 421
    assert guesser.ask(OTHER_64, 1)[0][0] == 550


@pytest.mark.usefixtures("without_firewall")
def test_two_guessers_are_locked_out_and_lifted_one_by_one(guesser: Guesser, server: Host) -> None:
    guesser.ask(GUESSER, 21)
    guesser.ask(SIX, 21)
    assert lock_outs(server).keys() == {GUESSER, "2001:db8:feed:1::/64"}
    server.check_output(f"gatepost-mx lockouts --lift {GUESSER}")
    assert list(lock_outs(server)) == ["2001:db8:feed:1::/64"]


@pytest.mark.parametrize("trouble", ["systemctl stop gatepost-mx", "systemctl kill -s STOP gatepost-mx"])
def test_mail_flows_while_the_milter_is_down_or_hangs(
    trouble: str, guesser: Guesser, server: Host, send: Callable[..., str], mark: str
) -> None:
    server.check_output(trouble)
    try:
        assert " 250 2.0.0 Ok: queued" in send("a@b.example", "anna@example.org", "--body", mark)
        assert guesser.ask(GUESSER, 1)[0][0] == 550
    finally:
        server.run("systemctl kill -s CONT gatepost-mx")
    wait_for("the mail to arrive", lambda: stored("anna@example.org", mark))

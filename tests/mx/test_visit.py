"""A session: who is answered 421, when, and who never is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatepost_mx.config import load
from gatepost_mx.keeper import Keeper
from gatepost_mx.sayings import Line
from gatepost_mx.visit import Reply, Visit

Written = Callable[..., Path]
GUESSER = "203.0.113.9"
SHUT = Reply("421", "4.7.0", "Too many unknown addresses")


class Server:
    """A milter's shared state with a clock that we set, and all that it said."""

    def __init__(self, config: Path) -> None:
        self.said: list[Line] = []
        self.time = 0
        self.keeper = Keeper(load(config), say=self._say, now=lambda: self.time)

    def _say(self, *lines: Line) -> None:
        self.said += lines

    @property
    def log(self) -> list[str]:
        """The lines, without their severity."""
        return [text for _, text in self.said]

    def visit(self, address: str | None = GUESSER, port: str | None = "25") -> tuple[Visit, Reply | None]:
        """Somebody connects."""
        visit = Visit(self.keeper)
        return visit, visit.connected(address, port)

    def guess(self, *names: str, address: str = GUESSER, login: str | None = None) -> Visit:
        """One session that asks for people who do not exist."""
        visit, _ = self.visit(address)
        visit.sender(login)
        for name in names:
            visit.unknown_recipient(f"<{name}@example.org>".encode())
        return visit


def test_over_several_sessions_the_limit_ends_the_open_one_and_refuses_the_next(written: Written) -> None:
    server = Server(written())
    server.guess("a")
    server.guess("b", "B", '"b"')
    assert server.visit()[1] is None
    open_one = server.guess("c")
    assert open_one.sender(None) == SHUT
    assert open_one.recipient(b"<anna@example.org>") == SHUT
    assert server.visit()[1] == SHUT
    assert server.log == ["lock-out: client=203.0.113.9 addresses=3 window=100 for=1000 times=1"]


def test_the_lock_out_ends_and_is_told(written: Written) -> None:
    server = Server(written())
    server.guess("a", "b", "c")
    server.time = 1000
    assert server.visit()[1] is None
    server.keeper.tick()
    assert "lock-out ended: client=203.0.113.9 after=1000 times=1" in server.log


def test_internal_clients_and_partners_are_never_locked_out(written: Written) -> None:
    server = Server(written(never=["203.0.113.0/24", "2001:db8:1:2::5/128"]))
    for address in (GUESSER, "::ffff:203.0.113.9", "2001:db8:1:2::5", "127.0.0.1"):
        server.guess(*"abcdef", address=address)
        assert server.visit(address)[1] is None
    assert server.log == []


def test_who_logged_in_is_neither_counted_nor_refused(written: Written) -> None:
    server = Server(written())
    server.guess(*"abcdef", login="anna")
    assert server.visit()[1] is None
    server.guess(*"abc")
    visit, reply = server.visit(port="587")
    assert reply is None
    assert visit.sender("anna") is None
    assert visit.recipient(b"<somebody@example.net>") is None


def test_on_the_submission_port_a_locked_out_client_is_refused_when_it_does_not_log_in(written: Written) -> None:
    server = Server(written())
    server.guess(*"abc")
    visit, reply = server.visit(port="587")
    assert reply is None
    assert visit.sender(None) == SHUT


def test_a_client_without_an_address_is_never_locked_out(written: Written) -> None:
    server = Server(written())
    for address in (None, "", "unknown", "local"):
        visit, reply = server.visit(address)
        assert reply is None
        for name in "abcdef":
            visit.unknown_recipient(name.encode())
        assert visit.sender(None) is None


def test_ipv6_clients_that_rotate_within_a_64_are_one_guesser(written: Written) -> None:
    server = Server(written())
    for number, name in enumerate("abc"):
        server.guess(name, address=f"2001:db8:1:2::{number + 1}")
    assert server.visit("2001:db8:1:2:ffff::9")[1] == SHUT
    assert server.visit("2001:db8:1:3::1")[1] is None


def test_a_policy_without_lock_outs_counts_nothing(written: Written) -> None:
    server = Server(written(lock_out=None))
    server.guess(*"abcdef")
    assert server.visit()[1] is None
    assert server.keeper.status()["watched"] == 0


def test_refusals_are_summed_up_once_a_minute(written: Written) -> None:
    server = Server(written())
    for number in range(25):
        server.guess(*"abc", address=f"203.0.113.{number}")
        for _ in range(number + 1):
            server.visit(f"203.0.113.{number}")
    server.said.clear()
    for server.time in range(120):
        server.keeper.tick()
    sums = [line for line in server.log if line.startswith("locked out: ")]
    assert sums[0] == "locked out: client=203.0.113.24 refused=25 seconds=60"
    assert sums[-1] == "locked out: clients=5 refused=15 seconds=60"
    assert len(sums) == 21


def test_lifting_says_so_and_lets_the_client_in(written: Written) -> None:
    server = Server(written())
    server.guess(*"abc")
    server.time = 10
    assert server.keeper.lift([GUESSER]) == [GUESSER]
    assert server.visit()[1] is None
    assert server.log[-1] == "lock-out lifted: client=203.0.113.9 left=990 times=1"
    assert server.keeper.lift([GUESSER]) == []


def test_a_reload_that_makes_a_client_a_friend_lifts_its_lock_out(written: Written) -> None:
    server = Server(written())
    server.guess(*"abc")
    assert server.keeper.reload(load(written(never=["203.0.113.0/24"]))) is None
    assert server.keeper.lock_outs() == []


def test_a_reload_with_another_socket_wants_a_restart(written: Written) -> None:
    server = Server(written())
    problem = server.keeper.reload(load(written(socket="inet:127.0.0.1:8891")))
    assert problem == "socket has changed: a restart is needed"


def test_the_state_survives_a_restart(written: Written) -> None:
    config = written()
    server = Server(config)
    server.keeper.save()
    server.guess(*"abc")
    server.guess(*"ab", address="198.51.100.1")
    server.keeper.close()
    again = Server(config)
    again.keeper.save()
    assert again.visit()[1] == SHUT
    again.guess("c", address="198.51.100.1")
    assert again.visit("198.51.100.1")[1] == SHUT


def test_without_a_disk_the_counting_goes_on_and_the_trouble_is_told_once(written: Written, tmp_path: Path) -> None:
    server = Server(written(state=f"{tmp_path}/late"))
    for _ in range(3):
        server.keeper.save()
    server.guess(*"abc")
    assert server.visit()[1] == SHUT
    assert [line for line in server.log if line.startswith("state: ")] == [
        "state: not written, counting goes on in memory: "
        f"{tmp_path}/late/lock-outs.sqlite: unable to open database file"
    ]
    (tmp_path / "late").mkdir()
    for _ in range(2):
        server.keeper.save()
    assert server.log[-1] == "state: written again"
    again = Server(written(state=f"{tmp_path}/late"))
    again.keeper.save()
    assert again.visit()[1] == SHUT


def firewall_lines(server: Server, *states: Any) -> list[str]:
    """What is said when the helper asks in turn with these states."""
    for state in states:
        server.time += 20
        server.keeper.changes(-1, 0, state)
        server.keeper.tick()
    return [line for line in server.log if line.startswith("firewall: ")]


def test_the_firewall_s_state_is_told_when_it_changes(written: Written) -> None:
    server = Server(written())
    assert firewall_lines(server, None, None, "nft: Operation not permitted", "nft: Operation not permitted", None) == [
        "firewall: on",
        "firewall: off, locked-out clients are answered 421: nft: Operation not permitted",
        "firewall: on",
    ]


def test_a_helper_that_never_comes_is_told_once(written: Written) -> None:
    server = Server(written())
    for server.time in range(0, 200, 10):
        server.keeper.tick()
    assert server.log == [
        "firewall: off, locked-out clients are answered 421: its helper does not run (gatepost-mx-firewall.service)"
    ]


def test_the_helper_hears_of_a_change_and_of_what_is_left(written: Written) -> None:
    server = Server(written())
    before = server.keeper.changes(-1, 0, None)
    server.guess(*"abc")
    server.time = 400
    told = server.keeper.changes(before["change"], 60, None)
    assert told["change"] != before["change"]
    assert told["lock_outs"] == [[GUESSER, 600]]

"""The firewall's helper: keeps nftables in step with the milter's lock-outs. It alone has CAP_NET_ADMIN.

In: the milter's list, over the control socket, as soon as it changes; the config. Out: the table of `nftables`, and the
connections of who has just been locked out are closed. It believes the milter no address that the config calls a
friend's. How it fails: where nft is missing or may do nothing, it goes on telling the milter so, which answers 421
itself; where the milter is silent, what stands in the table runs out by its own time-outs.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from gatepost_mx import clock, config, control, nftables, sayings
from gatepost_mx.clients import Friends, from_person

NFT, SS = "/usr/sbin/nft", "/usr/bin/ss"
# New lock-outs come in bursts; one change of the table takes many.
_PAUSE = 1.0


class RefusedError(Exception):
    """nft did not do what it was told; the message is its own first line."""


class Table:
    """The table as we left it."""

    def __init__(self) -> None:
        self._ports: frozenset[int] | None = None
        self._have: dict[str, int] = {}

    def shall_be(self, ports: frozenset[int], want: nftables.Clients, now: int) -> list[str]:
        """Make it so, and say who is newly in it. Raises RefusedError."""
        if self._ports != ports or not _stands():
            _nft(nftables.new_table(ports))
            self._ports, self._have = ports, {}
        have = {client: until for client, until in self._have.items() if until > now}
        for script in nftables.changes(have, want, now):
            _nft(script)
        self._have = dict(want)
        return [client for client in want if client not in have]

    def vanish(self) -> None:
        """Leave nothing behind. Raises RefusedError."""
        if self._ports is not None:
            _nft(nftables.no_table())
        self._ports, self._have = None, {}


def _nft(script: str) -> None:
    _run([NFT, "-f", "-"], script)


def _stands() -> bool:
    """Whether the table is still there: a reload of the system's own rules flushes all."""
    try:
        _run([NFT, "--terse", "list", "chain", *nftables.CHAIN.split()], "")
    except RefusedError:
        return False
    return True


def _run(command: list[str], text: str) -> None:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RefusedError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise RefusedError(f"{command[0]}: {(done.stderr.strip() or 'failed').splitlines()[0]}")


def close_sessions(clients: list[str], ports: frozenset[int]) -> None:
    """End the connections that these clients hold. Without the kernel's help they end by Postfix's limits."""
    for words in nftables.sessions_of(clients, ports):
        try:
            _run([SS, "--kill", "--tcp", "--no-header", *words.split()], "")
        except RefusedError:
            return


def wanted(told: Any, friends: Friends, now: int) -> dict[str, int]:
    """The milter's list, without what is no client or a friend's."""
    clients = {str(name): int(left) for name, left in told}
    return {c: now + left for c, left in clients.items() if from_person(c) == c and left > 0 and not friends.share(c)}


def run(path: Path) -> None:
    """Help until SIGTERM. Raises ConfigError if the config cannot be used at the start."""
    sayings.begin()
    over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    settings, table = config.load(path), Table()
    signal.signal(signal.SIGTERM, end)
    change, problem = -1, None
    try:
        while not over.wait(_PAUSE):
            settings = _latest(path, settings)
            change, problem = _round(settings, table, change, problem)
    finally:
        _leave(table)


def _latest(path: Path, before: config.Config) -> config.Config:
    """The config of now, or while that is no good, the one before it; the milter's reload says why."""
    try:
        return config.load(path)
    except config.ConfigError:
        return before


def _round(settings: config.Config, table: Table, change: int, problem: str | None) -> tuple[int, str | None]:
    question = {"ask": "changes", "since": change, "firewall": problem}
    try:
        told = control.ask(settings.control, question, patience=control.WAIT + 10)
        return int(told["change"]), _apply(settings, table, told["lock_outs"])
    except (control.SilentError, KeyError, TypeError, ValueError):
        return -1, problem


def _apply(settings: config.Config, table: Table, told: Any) -> str | None:
    try:
        if not (settings.lock_out and settings.lock_out.firewall):
            table.vanish()
            return None
        now, ports = clock.steady(), settings.lock_out.ports
        fresh = table.shall_be(ports, wanted(told, Friends(settings.never), now), now)
    except RefusedError as refusal:
        return str(refusal)
    close_sessions(fresh, ports)
    return None


def _leave(table: Table) -> None:
    try:
        table.vanish()
    except RefusedError as refusal:
        sayings.say(sayings.firewall(str(refusal)))

"""/etc/gatepost/mx.json: what the programs of a mail server know of the policy.

In: the file, rendered from the policy. Out: a frozen Config, or ConfigError with every fault at once, each as
`mx.json: lock_out.after: 0 was found, a whole number from 2 to 1000 was expected`.

    {
      "version": 1,
      "socket": "unix:/run/gatepost-mx/milter.sock",   or "inet:127.0.0.1:8891": where Postfix finds the milter
      "socket_group": "postfix",                       who may use it (a unix socket alone); null: everybody here
      "control": "/run/gatepost-mx/control.sock",      where status, lockouts and the firewall's helper ask
      "state": "/var/lib/gatepost-mx",
      "never": ["192.0.2.0/24", "2001:db8:1::/48"],    internal networks and named partners: never locked out
      "lock_out": {                                    null: nobody is ever locked out
        "after": 20, "within": 3600,                   distinct unknown recipients, in so many seconds
        "for": 86400, "longest": 604800,               the first lock-out, and the longest for who comes again
        "forgotten_after": 604800,                     after so many good seconds the next one is a first one again
        "text": "Too many unknown addresses; see https://www.example.org/mail",
        "ports": [25],                                 where a locked-out client is refused when it connects
        "firewall": true                               also dropped there, by nftables
      }
    }

The keys with a default are socket, socket_group, control, state, never and, in lock_out, longest (seven times `for`),
forgotten_after (as longest), ports and firewall. An unknown key is a fault. Elsewhere than on `ports` a locked-out
client is refused only if it does not log in: people may share their address with a guesser.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatepost_mx.clients import Network
from gatepost_mx.counting import Limits

PATH = Path("/etc/gatepost/mx.json")
YEAR = 366 * 86400
_INET = re.compile(r"inet:(127\.0\.0\.1|\[::1\]):([0-9]{1,5})")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_GROUP = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


class ConfigError(Exception):
    """The file cannot be used. `faults` says why, one line each."""

    def __init__(self, faults: list[str], *, unreadable: bool = False) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.unreadable = unreadable


@dataclass(frozen=True)
class LockOuts:
    """Who is locked out, and how that is done."""

    limits: Limits
    text: str
    ports: frozenset[int]
    firewall: bool


@dataclass(frozen=True)
class Config:
    """The whole file."""

    socket: str
    socket_group: str | None
    control: Path
    state: Path
    never: tuple[Network, ...]
    lock_out: LockOuts | None


def load(path: Path = PATH) -> Config:
    """Read the file. Raises ConfigError."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"], unreadable=True) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start} is no UTF-8"]) from error
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError([f"{path}: {fault}" for fault in error.faults]) from error


def parse(text: str) -> Config:
    """The config that this JSON says. Raises ConfigError."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigError([f"no JSON: {error}"]) from error
    except RecursionError as error:
        raise ConfigError(["no JSON: nested too deeply"]) from error
    reader = _Reader("", data)
    config = _config(reader)
    if reader.faults:
        raise ConfigError(sorted(reader.faults))
    return config


Check = Callable[[Any], bool]


class _Reader:
    """Takes keys out of one object, and gathers what is wrong. After a fault a default stands in."""

    def __init__(self, name: str, data: Any, faults: list[str] | None = None) -> None:
        self.name = name
        self.faults: list[str] = [] if faults is None else faults
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.faults.append(f"{name.strip('.') or 'the whole'}: {_shown(data)} was found, an object was expected")

    def take(self, key: str, good: Check, expected: str, default: Any = ...) -> Any:
        """The value of a key. Without a default it must be there."""
        value = self.data.get(key, default)
        if key not in self.data and default is not ...:
            return default
        if value is not ... and good(value):
            return value
        found = "nothing" if value is ... else _shown(value)
        self.faults.append(f"{self.name}{key}: {found} was found, {expected} was expected")
        return None

    def only(self, *keys: str) -> None:
        """Other keys than these are faults."""
        others = (key if _NAME.fullmatch(key) else _shown(key) for key in self.data.keys() - keys)
        self.faults += [f"{self.name}{key}: no such key; there are {', '.join(keys)}" for key in others]


def _shown(value: Any) -> str:
    text = json.dumps(value)  # ASCII, so nothing that a terminal would obey
    return text if len(text) <= 60 else text[:57] + "..."


def _config(reader: _Reader) -> Config:
    reader.only("version", "socket", "socket_group", "control", "state", "never", "lock_out")
    reader.take("version", lambda value: value == 1 and value is not True, "1")
    path = "an absolute path"
    return Config(
        socket=reader.take(
            "socket", _is_socket, "unix:/PATH or inet:127.0.0.1:PORT", "unix:/run/gatepost-mx/milter.sock"
        ),
        socket_group=reader.take("socket_group", _is_group, "the name of a group, or null", "postfix"),
        control=Path(reader.take("control", _is_path, path, "/run/gatepost-mx/control.sock") or "/"),
        state=Path(reader.take("state", _is_path, path, "/var/lib/gatepost-mx") or "/"),
        never=_networks(reader),
        lock_out=_lock_outs(reader),
    )


def _networks(reader: _Reader) -> tuple[Network, ...]:
    found = reader.take("never", lambda value: isinstance(value, list), "a list of networks", [])
    networks = [(entry, _network(entry)) for entry in found or ()]
    for entry, network in networks:
        if network is None:
            reader.faults.append(f"never: {_shown(entry)} was found, a network was expected, as 192.0.2.0/24")
        elif network.prefixlen == 0:
            reader.faults.append(f"never: {_shown(entry)} is the whole world, nobody would ever be locked out")
    return tuple(network for _, network in networks if network is not None)


def _network(entry: Any) -> Network | None:
    try:
        return ipaddress.ip_network(entry) if isinstance(entry, str) else None
    except ValueError:
        return None


def _lock_outs(outer: _Reader) -> LockOuts | None:
    if outer.data.get("lock_out", ...) is None:
        return None
    if "lock_out" not in outer.data:
        outer.faults.append("lock_out: nothing was found, an object or null was expected")
        return None
    reader = _Reader("lock_out.", outer.data["lock_out"], outer.faults)
    reader.only("after", "within", "for", "longest", "forgotten_after", "text", "ports", "firewall")
    limits = _limits(reader)
    ports = reader.take("ports", _are_ports, "a list of port numbers", [25])
    return LockOuts(
        limits=limits,
        text=reader.take("text", _is_reply, "one line of at most 400 printable ASCII characters"),
        ports=frozenset(ports or ()),
        firewall=reader.take("firewall", lambda value: isinstance(value, bool), "true or false", True),
    )


def _limits(reader: _Reader) -> Limits:
    # One address is no guessing: a mailing list may have a single dead one.
    after = reader.take("after", _whole(2, 1000), "a whole number from 2 to 1000") or 2
    within = reader.take("within", _whole(1, YEAR), f"seconds, from 1 to {YEAR}") or 1
    first = reader.take("for", _whole(1, YEAR), f"seconds, from 1 to {YEAR}") or YEAR
    week = min(7 * first, YEAR)
    longest = reader.take("longest", _whole(first, YEAR), f"seconds, from {first} (`for`) to {YEAR}", week) or YEAR
    forgotten = reader.take("forgotten_after", _whole(0, YEAR), f"seconds, from 0 to {YEAR}", longest)
    if first < within and "for" in reader.data and "within" in reader.data:
        reader.faults.append(f"{reader.name}for: {first} is shorter than the window (within: {within})")
    return Limits(after, within, first, longest, forgotten or 0)


def _whole(least: int, most: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/") and value.isprintable() and len(value.encode()) <= 100


def _is_socket(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    inet = _INET.fullmatch(value)
    return 0 < int(inet[2]) < 65536 if inet else value.startswith("unix:") and _is_path(value[5:])


def _is_group(value: Any) -> bool:
    return value is None or (isinstance(value, str) and _GROUP.fullmatch(value) is not None)


def _are_ports(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_whole(1, 65535)(port) for port in value)


def _is_reply(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 400 and value.isascii() and value.isprintable()

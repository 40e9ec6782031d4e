"""Are the block lists that the front door asks still what they were? `gatepost-mx lists`, by a timer.

In: /etc/gatepost/lists.json, and the DNS, which is asked for each list's own test entries (RFC 5782 §5): 127.0.0.2 must
be listed, 127.0.0.1 must not be. Out: an alarm line in the mail log for each list that is not well, and, while one
of them says yes to everything, a table by which the front door stands open.
How it fails: what cannot be told changes nothing; a file that cannot be read or written ends it with 3.

Postfix counts the listed answers alone, so a list that is gone, or answers that it refuses us (127.255.255.x), weighs
nothing by itself. What Postfix cannot see is a list that lists everybody: it would refuse all mail.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
import struct
import subprocess
import sys
import syslog
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/gatepost/lists.json")
RESOLVER = Path("/etc/resolv.conf")
RELOAD = ("postmulti", "-i", "-", "-p", "reload")
LISTED, NOT_LISTED = "2.0.0.127", "1.0.0.127"
EVERYONE = "0.0.0.0/0 permit\n::/0 permit\n"
_REFUSES_US = ipaddress.IPv4Network("127.255.255.0/24")
_A, _IN, _NAME_ERROR = 1, 1, 3
_SECONDS, _TRIES = 3.0, 3


class ListsError(Exception):
    """The program's own files cannot be read or written."""


@dataclass(frozen=True)
class BlockList:
    """A list, and the answers that mean `listed`: a network with its first and last number."""

    name: str
    answers: tuple[tuple[str, int, int], ...]

    def counts(self, address: str) -> bool:
        """Whether an answer is one of those that weigh."""
        start, _, last = address.rpartition(".")
        return any(f"{start}." == net and first <= int(last) <= most for net, first, most in self.answers)


@dataclass(frozen=True)
class Config:
    """The lists, and the table by which the front door stands open."""

    lists: tuple[BlockList, ...]
    opened: Path


@dataclass(frozen=True)
class Heard:
    """What the DNS says of a name: its addresses (none: there is no such name), or why nothing could be heard."""

    addresses: tuple[str, ...] = ()
    trouble: str = ""


Ask = Callable[[str], Heard]


@dataclass(frozen=True)
class Health:
    """How a list is. `everyone`: it would refuse all mail. `trouble`: what is told in the alarm; empty: it is well."""

    name: str
    trouble: str = ""
    everyone: bool = False


# --- judging ---------------------------------------------------------------------------------------------------------


def health(known: BlockList, ask: Ask) -> Health:
    """How a list is, by its two test entries."""
    nobody, listed = ask(f"{NOT_LISTED}.{known.name}"), ask(f"{LISTED}.{known.name}")
    if any(map(known.counts, nobody.addresses)):
        return Health(known.name, f"it lists everybody (127.0.0.1 as {nobody.addresses[0]})", everyone=True)
    refusals = [a for a in (*nobody.addresses, *listed.addresses) if ipaddress.IPv4Address(a) in _REFUSES_US]
    if refusals:
        return Health(known.name, f"it refuses to answer us ({refusals[0]}: an open resolver, or too many questions)")
    if listed.trouble or nobody.trouble:
        return Health(known.name, f"it does not answer ({listed.trouble or nobody.trouble})")
    if not any(map(known.counts, listed.addresses)):
        found = f"is listed as {listed.addresses[0]}" if listed.addresses else "is not listed"
        return Health(known.name, f"it is dead, or has other answers (its test entry 127.0.0.2 {found})")
    return Health(known.name)


def alarms(found: Iterable[Health]) -> list[str]:
    """A line for each list that is not well."""
    return [
        f"alarm: block list {one.name} weighs nothing: {one.trouble}{_meanwhile(one)}" for one in found if one.trouble
    ]


def _meanwhile(one: Health) -> str:
    return "; the front door stands open until it is well" if one.everyone else ""


def table(found: Iterable[Health]) -> str:
    """The front door's table: everyone passes unasked while a list says yes to everything."""
    bad = [one.name for one in found if one.everyone]
    return f"# {', '.join(bad)}: lists everybody\n{EVERYONE}" if bad else ""


# --- asking the DNS --------------------------------------------------------------------------------------------------


def question(name: str, identity: int) -> bytes:
    """The packet that asks for the addresses of a name (RFC 1035 §4)."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return struct.pack("!6H", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _A, _IN)


def heard(packet: bytes, asked: bytes) -> Heard | None:
    """What an answer says; None where it is no answer to this question."""
    if len(packet) < len(asked) or packet[:2] != asked[:2] or not packet[2] & 0x80:
        return None
    if packet[12 : len(asked)].lower() != asked[12:].lower():
        return None
    code, count = packet[3] & 15, struct.unpack("!H", packet[6:8])[0]
    if code not in (0, _NAME_ERROR):
        return Heard(trouble=f"the resolver answers with error {code}")
    try:
        return Heard(tuple(_addresses(packet, len(asked), count)))
    except (IndexError, struct.error):
        return Heard(trouble="the answer is damaged")


def _addresses(packet: bytes, at: int, count: int) -> Iterable[str]:
    for _ in range(count):
        at = _after_name(packet, at)
        kind, family, _ttl, length = struct.unpack("!2HIH", packet[at : at + 10])
        at += 10
        if (kind, family, length) == (_A, _IN, 4):
            yield str(ipaddress.IPv4Address(packet[at : at + 4]))
        at += length


def _after_name(packet: bytes, at: int) -> int:
    while packet[at] and packet[at] < 0xC0:
        at += packet[at] + 1
    return at + (2 if packet[at] else 1)


def resolvers(text: str) -> list[str]:
    """The name servers of a resolv.conf."""
    words = (line.split() for line in text.splitlines())
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"] or ["127.0.0.1"]


def ask_dns(name: str, servers: list[str]) -> Heard:
    """Ask each server in turn, some times."""
    trouble = "no name server"
    for _ in range(_TRIES):
        for server in servers:
            found = _ask_one(name, server)
            if not found.trouble:
                return found
            trouble = found.trouble
    return Heard(trouble=trouble)


def _ask_one(name: str, server: str) -> Heard:
    asked = question(name, secrets.randbelow(65536))
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    deadline = time.monotonic() + _SECONDS
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.connect((server, 53))
            link.send(asked)
            while (left := deadline - time.monotonic()) > 0:
                link.settimeout(left)
                answer = heard(link.recv(4096), asked)
                if answer is not None:
                    return answer
    except OSError as error:
        return Heard(trouble=f"{server}: {error.strerror or error}")
    return Heard(trouble=f"{server}: timed out")


# --- the program -----------------------------------------------------------------------------------------------------


def config(text: str) -> Config:
    """lists.json. Raises ListsError."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data["version"] != 1:
            raise ListsError(f"{CONFIG}: version {data['version']!r} was found, 1 was expected")
        lists = tuple(BlockList(one["name"], tuple(map(tuple, one["answers"]))) for one in data["lists"])
        return Config(lists, Path(data["opened"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ListsError(f"{CONFIG}: it is damaged: {error}") from error


def put(path: Path, text: str) -> bool:
    """Write a table as a whole, if it differs; tells whether it did."""
    if path.exists() and path.read_text(encoding="ascii") == text:
        return False
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="ascii")
    fresh.chmod(0o644)
    fresh.replace(path)
    return True


def look() -> int:
    """Look at all lists once. The exit code: 0 all are well, 1 one is not."""
    known = config(CONFIG.read_text(encoding="utf-8"))
    servers = resolvers(RESOLVER.read_text(encoding="utf-8", errors="replace"))
    found = [health(one, lambda name: ask_dns(name, servers)) for one in known.lists]
    for line in alarms(found):
        syslog.syslog(syslog.LOG_WARNING, line)
        print(line)
    if put(known.opened, table(found)):
        subprocess.run(RELOAD, check=False, capture_output=True)  # noqa: S603 - our own argv
        syslog.syslog(syslog.LOG_WARNING, "the front door stands open" if table(found) else "the front door asks again")
    return 1 if any(one.trouble for one in found) else 0


def main() -> int:
    """The program's edge: words and exit codes."""
    syslog.openlog("gatepost/lists", 0, syslog.LOG_MAIL)
    try:
        return look()
    except (OSError, ListsError) as error:
        print(f"gatepost-mx lists: {error}", file=sys.stderr)
        syslog.syslog(syslog.LOG_WARNING, f"alarm: the block lists cannot be looked at: {error}")
        return 3


if __name__ == "__main__":
    sys.exit(main())

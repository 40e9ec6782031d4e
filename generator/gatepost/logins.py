"""Who may log in, and the sender addresses of each: `anna: anna@example.org, info@example.org` a line, # for comments.

In: the users of the policy, or their file. Out: login names with the keys of their addresses, and a finding for each
line that is wrong.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import PydanticCustomError

from gatepost.files import read_regular
from gatepost.findings import Finding, Place, shown
from gatepost.policy.door_values import login
from gatepost.policy.values import Address, address

MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Logins:
    """Login names with their sender addresses, and what is wrong with the list."""

    senders: Mapping[str, frozenset[str]]
    findings: tuple[Finding, ...] = ()


def logins_in_policy(users: Mapping[str, Sequence[Address]]) -> Logins:
    """The users that the policy itself names."""
    return Logins({name: frozenset(known.key for known in addresses) for name, addresses in users.items()})


def read_logins(path: Path, name: str, told_at: Place) -> Logins:
    """Read a file of users. `name` is how findings call it, `told_at` the policy's line that names it."""
    raw = read_regular(path, MOST_BYTES, name, told_at)
    if isinstance(raw, Finding):
        return Logins({}, (raw,))
    senders: dict[str, frozenset[str]] = {}
    findings: list[Finding] = []
    for place, line in _lines(raw, name):
        found = _user(line, place)
        if isinstance(found, Finding):
            findings.append(found)
        elif found[0] in senders:
            findings.append(Finding(place, "bad-user", f"{shown(found[0])} stands here a second time"))
        else:
            senders[found[0]] = found[1]
    if not senders and not findings:
        findings.append(Finding(told_at, "bad-user", f"{shown(name)} names nobody: nobody could log in"))
    return Logins(senders, tuple(findings[:50]))


def _lines(raw: bytes, name: str) -> Iterator[tuple[Place, bytes]]:
    for number, line in enumerate(raw.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            yield Place(name, number, len(line) - len(line.lstrip()) + 1), text


def _user(line: bytes, place: Place) -> tuple[str, frozenset[str]] | Finding:
    """The user of a line, or what is wrong with it."""
    hint = "name: address, address"
    try:
        who, colon, told = line.decode("utf-8").partition(":")
        addresses = told.replace(",", " ").split()
        if not colon or not addresses:
            return Finding(place, "bad-user", f"'{shown(who)}' has no address", hint)
        return login(who.strip()), frozenset(address(text).key for text in addresses)
    except UnicodeDecodeError:
        return Finding(place, "bad-user", "this line is not UTF-8 text", "save the file as UTF-8")
    except PydanticCustomError as error:
        return Finding(place, "bad-user", str((error.context or {})["text"]), hint)

"""Recipient files: one full address a line, `#` begins a comment, blank lines do not count.

In: the domain and its file. Out: the addresses in the form in which they are compared, with a finding for each
line that is none. A file of a million lines takes seconds: ordinary lines are matched, only odd ones are parsed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import PydanticCustomError

from gatepost.files import read_regular
from gatepost.findings import Finding, Place, errors, shown
from gatepost.policy.values import Address, address

# Two hundred million bytes are some five million addresses; beyond that, ask a directory.
MOST_BYTES = 200_000_000
MOST_FINDINGS = 50
# A comment behind an address, which may begin with a quoted part.
_COMMENT = re.compile(r'((?:"(?:\\.|[^"\\])*")?+\S*)\s+#.*')


@dataclass(frozen=True)
class Listed:
    """The recipients of one domain, and what is wrong with the list."""

    keys: frozenset[str]
    findings: tuple[Finding, ...] = ()


def read_recipients(domain: str, path: Path, name: str, told_at: Place) -> Listed:
    """Read a domain's recipient file. `name` is how findings call it, `told_at` the policy's line that names it."""
    raw = read_regular(path, MOST_BYTES, name, told_at)
    if isinstance(raw, Finding):
        return Listed(frozenset(), (raw,))
    listed = _parse(domain, raw.removeprefix(codecs.BOM_UTF8).split(b"\n"), name)
    return listed if listed.keys or listed.findings else Listed(frozenset(), (_empty(domain, told_at, shown(name)),))


def recipients_in_policy(domain: str, addresses: Sequence[Address], places: Sequence[Place], told_at: Place) -> Listed:
    """A list in the policy itself: the addresses, each with its place, and the place of the list."""
    findings = [] if addresses else [_empty(domain, told_at, "the list")]
    keys: set[str] = set()
    for known, place in zip(addresses, places, strict=True):
        findings += _odd_for(domain, known, place)
        if known.key in keys:
            findings.append(_twice(known.key, place))
        if known.domain == domain:
            keys.add(known.key)
    return Listed(frozenset(keys), tuple(findings))


def _empty(domain: str, place: Place, what: str) -> Finding:
    return Finding(place, "recipients-empty", f"{what} holds no address: nobody in {domain} would get mail")


def _twice(key: str, place: Place) -> Finding:
    return Finding(place, "duplicate-recipient", f"{shown(key)} is listed twice", severity="warning")


def _odd_for(domain: str, known: Address, place: Place) -> Iterator[Finding]:
    """What is wrong with an address as a recipient of this domain."""
    if known.domain != domain:
        hint = "each domain has a list of its own"
        yield Finding(place, "foreign-recipient", f"{shown(str(known))} is not in {domain}", hint)
    elif set(known.local) & set("@%!"):
        yield Finding(
            place,
            "routed-recipient",
            f"{shown(str(known))} will get no mail from outside",
            "a local part with @, % or ! could be routed on to a third party, so the gate takes it from inside alone",
            severity="warning",
        )


def _parse(domain: str, lines: list[bytes], name: str) -> Listed:
    ordinary = re.compile(rb"[a-z0-9_+=-]+(?:\.[a-z0-9_+=-]+)*@" + re.escape(domain.encode()))
    keys: set[str] = set()
    findings: list[Finding] = []
    total = 0
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if ordinary.fullmatch(line) and len(line) - len(domain) <= 65 and len(line) <= 254:
            key = line.decode("ascii")
        elif not line or line.startswith(b"#"):
            continue
        else:
            place = Place(name, number, len(raw) - len(raw.lstrip()) + 1)
            parsed = _address(line, place)
            wrong = [parsed] if isinstance(parsed, Finding) else list(_odd_for(domain, parsed, place))
            findings += wrong
            if isinstance(parsed, Finding) or errors(wrong):
                continue
            key = parsed.key
        total += 1
        keys.add(key)
        if len(keys) != total:
            total -= 1
            findings.append(_twice(key, Place(name, number)))
    return Listed(frozenset(keys), tuple(_bounded(findings, name)))


def _address(line: bytes, place: Place) -> Address | Finding:
    """The address on a line, or why it is none."""
    try:
        text = line.decode("utf-8")
        commented = _COMMENT.fullmatch(text)
        return address(commented[1] if commented else text)
    except UnicodeDecodeError:
        return Finding(place, "bad-recipient", "this line is not UTF-8 text", "save the file as UTF-8")
    except PydanticCustomError as error:
        context = error.context or {}
        return Finding(place, "bad-recipient", str(context["text"]), str(context["hint"]))


def _bounded(findings: list[Finding], name: str) -> Iterator[Finding]:
    yield from findings[:MOST_FINDINGS]
    if len(findings) > MOST_FINDINGS:
        rest = len(findings) - MOST_FINDINGS
        yield Finding(findings[MOST_FINDINGS].place, "more-findings", f"{rest:,} more lines of {name} are wrong")

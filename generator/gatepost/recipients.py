"""Recipient files: one full address a line, `#` begins a comment, blank lines do not count.

In: the domain and its file. Out: the addresses in the form in which they are compared, with a finding for each
line that is none. A file of a million lines takes seconds: ordinary lines are matched, only odd ones are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import PydanticCustomError

from gatepost.findings import Finding, Place, shown
from gatepost.policy.values import Address, address

# Two hundred million bytes are some five million addresses; beyond that, ask a directory.
MOST_BYTES = 200_000_000
MOST_FINDINGS = 50


@dataclass(frozen=True)
class Listed:
    """The recipients of one domain, and what is wrong with the list."""

    keys: frozenset[str]
    findings: tuple[Finding, ...] = ()


def read_recipients(domain: str, path: Path, name: str, told_at: Place) -> Listed:
    """Read a domain's recipient file. `name` is how findings call it, `told_at` the policy's line that names it."""

    def failed(identity: str, message: str, hint: str = "") -> Listed:
        return Listed(frozenset(), (Finding(told_at, identity, message, hint),))

    shown_name = shown(name)
    try:
        if path.is_dir():
            return failed("recipients-not-a-file", f"{shown_name} is a folder", "name a text file in it")
        if path.stat().st_size > MOST_BYTES:
            return failed("recipients-too-large", f"{shown_name} is larger than {MOST_BYTES:,} bytes")
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return failed("recipients-missing", f"there is no file {shown_name}", _neighbours(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name is possible"
        return failed("recipients-unreadable", f"{shown_name} cannot be read: {reason}")
    listed = _parse(domain, lines, name)
    if not listed.keys and not listed.findings:
        return failed("recipients-empty", f"{shown_name} holds no address: nobody in {domain} would get mail")
    return listed


def _neighbours(path: Path) -> str:
    try:
        there = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:8]
    except OSError:
        return f"there is no folder {shown(path.parent.name)} either"
    return f"there are: {', '.join(there)}" if there else ""


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
            column = len(raw) - len(raw.lstrip()) + 1
            parsed = _odd(domain, line, Place(name, number, column))
            if isinstance(parsed, Finding):
                findings.append(parsed)
                continue
            key = parsed.key
        total += 1
        keys.add(key)
        if len(keys) != total:
            total -= 1
            place = Place(name, number)
            findings.append(Finding(place, "duplicate-recipient", f"{shown(key)} is listed twice", severity="warning"))
    return Listed(frozenset(keys), tuple(_bounded(findings, name)))


def _odd(domain: str, line: bytes, place: Place) -> Address | Finding:
    """An address that is not of the ordinary kind, or why it is none."""
    try:
        text = line.decode("utf-8")
        parsed = address(re.sub(r"\s+#.*$", "", text))
    except UnicodeDecodeError:
        return Finding(place, "bad-recipient", "this line is not UTF-8 text")
    except PydanticCustomError as error:
        context = error.context or {}
        return Finding(place, "bad-recipient", str(context["text"]), str(context["hint"]))
    if parsed.domain != domain:
        return Finding(
            place, "foreign-recipient", f"{shown(str(parsed))} is not in {domain}", "each domain has a list of its own"
        )
    return parsed


def _bounded(findings: list[Finding], name: str) -> Iterator[Finding]:
    yield from findings[:MOST_FINDINGS]
    if len(findings) > MOST_FINDINGS:
        rest = len(findings) - MOST_FINDINGS
        yield Finding(findings[MOST_FINDINGS].place, "more-findings", f"{rest:,} more lines of {name} are wrong")

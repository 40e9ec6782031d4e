"""Findings: what is wrong with a policy, where, and what would be right.

In: nothing. Out: frozen records that the command line prints, all at once and in a stable order.
A finding never is an exception: whoever finds one goes on looking.
"""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

# The way to a part of the policy: ("filtering", "block", 0, "sender").
PolicyPath = tuple[str | int, ...]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file that a person wrote. Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{shown(self.file, 1000)}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Places:
    """Where each key and value of the policy stands."""

    file: str
    values: Mapping[PolicyPath, Place] = field(default_factory=dict)
    keys: Mapping[PolicyPath, Place] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its folder: what is rendered must not depend on where the policy lies."""
        return self.file.rpartition("/")[2]

    def of(self, path: PolicyPath) -> Place:
        """The place of a value, or of the nearest part of the policy around it that was written."""
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, Place(self.file))

    def of_key(self, path: PolicyPath) -> Place:
        """The place of the key that leads to a value (for list items: of the value)."""
        return self.keys.get(path) or self.of(path)

    def written(self, path: PolicyPath) -> bool:
        """Whether the policy says this itself (otherwise a default holds)."""
        return path in self.values

    def line(self, path: PolicyPath) -> str:
        """How verdicts and rendered files name a line of the policy: `policy.yml:12 filtering.spam.tag_at`."""
        name = shown(".".join(str(part) for part in path), 300)
        file = shown(self.name, 300)
        return f"{file}:{self.of_key(path).line} {name}" if self.written(path) else f"{file} {name} (default)"

    def without_items(self, gone: Iterable[PolicyPath]) -> Places:
        """The same after items of lists were taken out: those behind them move up."""
        indexes: dict[PolicyPath, list[int]] = {}
        for *parent, index in gone:
            indexes.setdefault(tuple(parent), []).append(int(index))
        removed = {parent: sorted(set(found)) for parent, found in indexes.items()}
        return Places(self.file, _moved(self.values, removed), _moved(self.keys, removed))


def _moved(places: Mapping[PolicyPath, Place], removed: Mapping[PolicyPath, list[int]]) -> dict[PolicyPath, Place]:
    moved = ((_path_after(path, removed), place) for path, place in places.items())
    return {path: place for path, place in moved if path is not None}


def _path_after(path: PolicyPath, removed: Mapping[PolicyPath, list[int]]) -> PolicyPath | None:
    """Where a path leads once the items are gone; None when it led into one of them."""
    result = list(path)
    for depth, part in enumerate(path):
        gone = removed.get(path[:depth])
        if gone and isinstance(part, int):
            before = bisect.bisect_left(gone, part)
            if before < len(gone) and gone[before] == part:
                return None
            result[depth] = part - before
    return tuple(result)


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, said so that the reader can mend it."""

    place: Place
    id: str
    message: str
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        hint = f"\n    {self.hint}" if self.hint else ""
        mild = "warning: " if self.severity == "warning" else ""
        return f"{self.place}: {mild}{self.id}: {self.message}{hint}"

    def as_dict(self) -> dict[str, str | int]:
        """The finding as plain data, for --json."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "id": self.id,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as they are shown: by place, each once."""
    return tuple(sorted(set(findings)))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those findings that forbid to go on."""
    return tuple(f for f in findings if f.severity == "error")


def shown(value: object, limit: int = 60) -> str:
    """A value of the policy as it may stand in a message: on one line, without control characters, not too long."""
    text = value if isinstance(value, str) else str(value)
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: limit + 1])
    return safe if len(text) <= limit else safe[:limit] + "…"


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint with the valid words, the nearest first: "did you mean …?" where one is near enough."""
    known = sorted(words)
    near = difflib.get_close_matches(word[:60], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return ""
    few = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"valid here: {few}"

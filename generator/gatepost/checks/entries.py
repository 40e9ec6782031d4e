"""The allow and block lists: entries that are over, that look at the wrong side, or that contradict each other."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from gatepost.findings import Finding, nearest
from gatepost.policy import Entry, Model

Numbered = tuple[str, int, Entry]


def _entries(model: Model) -> Iterator[Numbered]:
    for name in ("allow", "block"):
        for index, entry in enumerate(getattr(model.policy.filtering, name)):
            yield name, index, entry


def not_expired(model: Model) -> Iterator[Finding]:
    """An entry whose last day is over must go: render is pure and knows no date, so nobody else would end it."""
    today = datetime.date.today()
    for name, index, entry in _entries(model):
        if entry.until and entry.until < today:
            yield Finding(
                model.places.of(("filtering", name, index, "until")),
                "until-past",
                f"this entry ended on {entry.until}",
                "remove it, or give it a later date",
            )


def right_side(model: Model) -> Iterator[Finding]:
    """`recipient` is one of ours, `destination` is foreign."""
    for name, index, entry in _entries(model):
        at = ("filtering", name, index, entry.kind)
        if entry.recipient and entry.recipient.domain not in model.domains:
            yield Finding(
                model.places.of(at),
                "unknown-domain",
                f"{entry.recipient.domain} is none of our domains",
                nearest(entry.recipient.domain, model.domains) + "; for foreign domains: destination",
            )
        if entry.destination and entry.destination in model.domains:
            yield Finding(
                model.places.of(at),
                "destination-is-ours",
                f"{entry.destination} is one of our own domains",
                f'for our own: recipient: "@{entry.destination}"',
            )


def written_once(model: Model) -> Iterator[Finding]:
    """The same value twice is a slip; on both lists it is a contradiction."""
    seen: dict[tuple[str, str], tuple[str, int]] = {}
    for name, index, entry in _entries(model):
        value = " ".join(str(getattr(entry, entry.kind)).casefold().split())
        first = seen.setdefault((entry.kind, value), (name, index))
        if first == (name, index):
            continue
        line = model.places.of(("filtering", *first)).line
        both = first[0] != name
        yield Finding(
            model.places.of(("filtering", name, index, entry.kind)),
            "contradiction" if both else "duplicate-entry",
            f"this {entry.kind} stands already in {first[0]}, line {line}",
            "keep one of them",
            severity="error" if both else "warning",
        )

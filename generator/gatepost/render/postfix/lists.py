"""The allow and block lists of senders, clients, recipients and destinations, as access tables of the gate.

In: the model. Out: rows. Pure; it fails never.

An allow entry beats every block entry of its kind, however exact that one is, while Postfix takes the most exact key
first. So a block entry that an allow entry covers is left out here, and its place tells why. What remains gives the
same answer in either order.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.policy import Entry, Model, Pattern
from gatepost.policy.replies import refused_text
from gatepost.render.entries import Numbered, comment, entries

SPARED = "DUNNO"


@dataclass(frozen=True)
class Row:
    """A line of a table with the comment above it; without a key it is a comment alone."""

    told: str
    key: str = ""
    action: str = ""


def refusal(model: Model) -> str:
    """What a block entry answers (554 5.7.1, see access_map_reject_code)."""
    return f"REJECT {refused_text(model)}"


def told(known: Numbered) -> str:
    """The comment of an entry: its policy line, and the reason that was given."""
    return comment(f"{known.line}: {known.entry.reason}") if known.entry.reason else known.line


def mail_rows(model: Model, kind: str) -> list[Row]:
    """The rows for senders, recipients or destinations."""
    allowed, blocked = entries(model, "allow", kind), entries(model, "block", kind)
    spared = {_key(known.entry): known for known in reversed(allowed)}
    rows = [Row(told(known), _key(known.entry), SPARED) for known in allowed]
    for known in blocked:
        by = spared.get(_key(known.entry)) or spared.get(_domain(known.entry))
        rows.append(_overruled(known, by) if by else Row(told(known), _key(known.entry), refusal(model)))
    return _each_once(rows)


def _overruled(known: Numbered, by: Numbered) -> Row:
    return Row(f"{known.line}: without effect, {by.line} spares it")


def _each_once(rows: list[Row]) -> list[Row]:
    """postmap complains about a key that comes twice; `check` has told the administrator."""
    seen: set[str] = set()
    once: list[Row] = []
    for row in rows:
        once.append(Row(row.told) if row.key in seen else row)
        seen |= {row.key} - {""}
    return once


def _pattern(entry: Entry) -> Pattern:
    return entry.sender or entry.recipient or Pattern(None, str(entry.destination))


def _key(entry: Entry) -> str:
    """As access(5) looks it up: the address as it stands on the wire, or the domain without the @."""
    pattern = _pattern(entry)
    return str(pattern).lower() if pattern.local is not None else pattern.domain


def _domain(entry: Entry) -> str:
    return _pattern(entry).domain


def client_rows(model: Model) -> list[Row]:
    """The rows for clients. A cidr table takes the first network that matches, so what is allowed comes first."""
    lists = ("allow", SPARED), ("block", refusal(model))
    return [
        Row(told(known), str(known.entry.client), action)
        for name, action in lists
        for known in entries(model, name, "client")
    ]

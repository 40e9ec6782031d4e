"""The lists that people keep by hand, as the scanners need them: numbered entries of one kind, and what they weigh.

In: the model. Out: entries with the policy line that says each. Pure.

The weights are one sum for the whole path. SpamAssassin's own scores lie within ±1,000 (its test text GTUBE is 1,000);
an allow entry outweighs all of them, and a blocked term outweighs every allow entry. So an allow entry spares a mail
the spam filter, but does not lift a block entry of another kind.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.findings import shown
from gatepost.policy import Entry, Model

# Even 100,000 would be outweighed only by ten allow entries at once; a mail can match four kinds of them.
SPARED = -10_000
BLOCKED = 100_000


@dataclass(frozen=True)
class Numbered:
    """An entry of the allow or block list, with the name of its policy line."""

    number: int
    entry: Entry
    line: str


def entries(model: Model, name: str, kind: str) -> tuple[Numbered, ...]:
    """The entries of one list (`allow` or `block`) and one kind, in the policy's order."""
    listed: tuple[Entry, ...] = getattr(model.policy.filtering, name)
    return tuple(
        Numbered(number, entry, comment(model.line("filtering", name, number, kind)))
        for number, entry in enumerate(listed)
        if entry.kind == kind
    )


def comment(text: str) -> str:
    """A text as it may stand behind a comment sign: on one line, whatever a file's name holds."""
    return shown(text, 200)

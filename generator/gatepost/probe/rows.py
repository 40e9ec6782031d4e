"""What the probe found, row by row.

In: nothing. Out: frozen rows, and what they come to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gatepost.probe.channel import Channel
from gatepost.probe.judge import Outcome
from gatepost.relaying import Envelope

Kind = Literal["relay", "privilege", "login", "port", "smuggling"]
Verdict = Literal["closed", "open", "could not tell"]


@dataclass(frozen=True)
class Row:
    """One thing that was tried. `mark` is that of the mail that was sent, if one was."""

    kind: Kind
    channel: Channel
    what: str
    outcome: Outcome
    answer: str = ""
    why: str = ""
    envelope: Envelope | None = None
    mark: str = ""
    # Of a smuggled mail: the mark of the one that it was hidden in.
    carrier: str = ""

    @property
    def verdict(self) -> Verdict:
        """What this row alone says."""
        if self.outcome in ("closed", "returned"):
            return "closed"
        if self.outcome == "unknown" or (self.outcome == "accepted" and self.mark):
            return "could not tell"
        return "open"

    @property
    def word(self) -> str:
        """The outcome as people read it."""
        if self.outcome == "accepted":
            return "accepted, not seen to arrive" if self.mark else "open"
        return "could not tell" if self.outcome == "unknown" else self.outcome


def verdict_of(rows: Iterable[Row]) -> Verdict:
    """All rows together: one that is open decides, then one that could not be told. Nothing tried is nothing told."""
    said = {row.verdict for row in rows}
    if "open" in said:
        return "open"
    return "closed" if said == {"closed"} else "could not tell"

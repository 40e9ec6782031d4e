"""Lock-outs: who guessed too many addresses that do not exist is no longer answered.

In: plain data. Out: a frozen section of the policy; its descriptions are what the administrator reads.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from gatepost.findings import shown
from gatepost.policy import values as v
from gatepost.policy.scalars import bad, text_of
from gatepost.policy.section import Section

# What the program on the mail server takes: one dead address is no guessing, and a limit of thousands is none.
LEAST, MOST = 2, 1000
YEAR = 366 * 86400
_COUNT = re.compile(r"([0-9]{1,6})(?: +addresse?s?)?")


def addresses(value: Any) -> int:
    """A number of addresses: `20`, or `20 addresses`."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value, "a number")
    found = _COUNT.fullmatch(text)
    if not found:
        raise bad("bad-count", f"'{shown(text)}' is not a number of addresses", "for example: 20 addresses")
    if not LEAST <= int(found[1]) <= MOST:
        least = "one address that does not exist may be a slip, or a mailing list's dead one"
        most = "nobody would ever be locked out"
        why = least if int(found[1]) < LEAST else most
        raise bad("lock-out-limit", f"'{shown(text)}': {why}", f"a number from {LEAST} to {MOST} was expected")
    return int(found[1])


def span(value: Any) -> int:
    """A duration of at most a year."""
    seconds = v.duration(value)
    if seconds > YEAR:
        raise bad("bad-duration", f"'{shown(value)}' is longer than a year", "addresses change hands")
    return seconds


def _written_count(count: int) -> str:
    return f"{count} addresses"


Count = Annotated[
    int,
    *v.described(
        addresses, "a number of addresses", write=_written_count, type=["string", "integer"], examples=["20 addresses"]
    ),
]
Span = Annotated[
    int,
    *v.described(span, "a number and s, m, h, d or w", write=v.written_duration, pattern=r"^[0-9]{1,6} *[smhdw]$"),
]


class LockOut(Section):
    """When a client that guesses is no longer answered: 421 at its next connection, then nothing at all."""

    enabled: v.Switch = Field(True, description="Whether anybody is locked out.")
    after: Count = Field(
        20,
        description="So many different addresses that do not exist, over all connections of a client (of IPv6: a /64) "
        "to one mail server. The same address again does not count: a mailing list may have a dead one.",
    )
    within: Span = Field(3600, description="The time in which they are counted.", examples=["1h"])
    lasts: Span = Field(86400, alias="for", description="How long the first lock-out lasts.", examples=["24h"])
    longest: Span | None = Field(
        None,
        description="Each further lock-out of a client is twice as long as the one before, up to this. Not given: "
        "seven times as long as the first.",
        examples=["7d"],
    )

    @property
    def at_most(self) -> int:
        """How long the longest lock-out is."""
        return self.longest or min(7 * self.lasts, YEAR)

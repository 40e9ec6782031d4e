"""How long text is kept: as long as the policy asks, and no longer than it may.

In: the model. Out: the numbers for logrotate and for the journal, and the policy line that they stand for. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.policy import Model
from gatepost.render.entries import comment

_DAY = 86400


@dataclass(frozen=True)
class Keeping:
    """How many rotated files are kept (one a day), how old in days they may become, and for how long in seconds."""

    files: int
    age: int
    seconds: int
    line: str
    # Whether to forget counts more than to keep. A file must then be rotated even where nothing was said.
    forgets: bool


def keeping(model: Model) -> Keeping:
    """What holds for the text on every host. Addresses can be replaced in events, but not in text: it must go."""
    logs = model.policy.logs
    if logs.forget_addresses_after is None or logs.forget_addresses_after >= logs.keep:
        # Whole days, so that nothing is kept for less than the policy asks.
        whole = -(-logs.keep // _DAY)
        return Keeping(whole, whole + 1, logs.keep, comment(model.line("logs", "keep")), forgets=False)
    # The first line of a file is a day older than its end.
    before = max(logs.forget_addresses_after // _DAY - 1, 0)
    line = comment(model.line("logs", "forget_addresses_after"))
    return Keeping(before, max(before, 1), logs.forget_addresses_after, line, forgets=True)

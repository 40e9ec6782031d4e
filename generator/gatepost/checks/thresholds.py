"""Thresholds: each step of the spam score is sterner than the one before."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import Finding
from gatepost.policy import Model


def in_order(model: Model) -> Iterator[Finding]:
    """tag_at ≤ mark_at ≤ quarantine_at."""
    spam = model.policy.filtering.spam
    for lower, higher in (("tag_at", "mark_at"), ("mark_at", "quarantine_at")):
        low, high = getattr(spam, lower), getattr(spam, higher)
        if low > high:
            path = ("filtering", "spam", higher)
            written = path if model.places.written(path) else ("filtering", "spam", lower)
            yield Finding(
                model.places.of(written),
                "thresholds-out-of-order",
                f"{higher} ({high:g}) lies below {lower} ({low:g})",
                f"{lower} ≤ {higher} was expected; what the policy does not say has a default",
            )

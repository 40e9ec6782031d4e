"""Texts: what a refused sender reads must make sense."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import Finding
from gatepost.policy import Model


def help_url_is_known(model: Model) -> Iterator[Finding]:
    """A text that leads to the help page needs a help page."""
    if "{help_url}" in model.policy.unknown_recipients.text and model.policy.organisation.help_url is None:
        yield Finding(
            model.places.of(("unknown_recipients", "text")),
            "no-help-url",
            "{help_url} stands here, but organisation.help_url does not say what it is",
            "write organisation: help_url: https://…",
        )

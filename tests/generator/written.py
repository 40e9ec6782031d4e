"""Policies for tests: ten good lines to which a test adds its own, and the model that comes of them."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatepost.decide import Attempt, Verdict, decide
from gatepost.load import Loaded, load_source
from gatepost.policy import Model
from gatepost.source import parse_yaml

TEN_LINES = """\
policy: 1
organisation:
  name: City of Example
  postmaster: anna@example.org
domains:
  example.org:
    deliver_to: smtp:[mailstore.example.org]:25
    recipients: {list: [anna@example.org, '"john doe"@example.org', "o'brien@example.org"]}
networks:
  internal: [192.0.2.0/24, "2001:db8:1::/48"]
"""

# What goes through; each test changes only what it is about.
OUTSIDE = Attempt(ipaddress.ip_address("203.0.113.9"), "a@b.example", "anna@example.org")
INSIDE = replace(OUTSIDE, client=ipaddress.ip_address("192.0.2.7"))


def written(more: str = "", *, base: str = TEN_LINES) -> Model:
    """The model of the ten lines and more; the test fails when it has errors."""
    loaded = loaded_text(base + more)
    assert loaded.model is not None, "\n".join(map(str, loaded.findings))
    return loaded.model


def loaded_text(text: str, folder: Path = Path("/nowhere")) -> Loaded:
    """What comes of a policy's text."""
    return load_source(parse_yaml(text, "policy.yml"), folder)


def verdict(more: str = "", attempt: Attempt = OUTSIDE, **changes: Any) -> Verdict:
    """The verdict on an attempt, changed a little, under ten lines and more."""
    return decide(written(more), replace(attempt, **changes))

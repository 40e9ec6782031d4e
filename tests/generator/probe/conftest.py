"""What the tests of probe share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from loopback import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A mail server on loopback that answers as a test tells it."""
    with Server() as running:
        yield running

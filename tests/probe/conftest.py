"""What the tests of the probe module share. Its code lies where Ansible finds it, and is put on the path here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "module_utils"))
sys.path.insert(0, str(Path(__file__).parent))

from scripted import Mailboxes, MailServer


@pytest.fixture
def gate() -> Iterator[MailServer]:
    """A mail server that says what a test tells it to say."""
    server = MailServer()
    yield server
    server.end()


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    """Mailboxes over IMAP, as much of it as the module speaks."""
    server = Mailboxes()
    yield server
    server.end()

"""The commands over logs. `gatepost` shows them beside its own; each is a function in a module of its name."""

from __future__ import annotations

from typing import Final

COMMANDS: Final = ("collect", "compact", "report", "summary", "top", "track")

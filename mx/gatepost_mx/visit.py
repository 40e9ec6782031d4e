"""One SMTP session, as far as the milter has a say in it.

In: what Postfix tells of a session, step by step. Out: for each step a reply that ends the session, or None: go on.
Nothing of pymilter is known here. It never refuses a recipient or a mail for good: the only word is 421.

Postfix takes no reply of a milter to a recipient that it has refused itself, so the guess that exceeds the limit gets
its 550, and the next MAIL, the next good recipient or the next connection the 421.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost_mx.clients import named, parse
from gatepost_mx.keeper import Keeper


@dataclass(frozen=True)
class Reply:
    """What the client is told."""

    code: str
    status: str
    text: str


class Visit:
    """A session from its connection to its end."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._client: str | None = None  # None: never locked out

    def connected(self, address: str | None, port: str | None) -> Reply | None:
        """A client connected, to this port of ours."""
        found = parse(address) if address else None
        if found and not self._keeper.friends.include(found):
            self._client = named(found)
        lock_out = self._keeper.config.lock_out
        # Elsewhere the client may still log in.
        return self._refused() if lock_out and (not port or port in map(str, lock_out.ports)) else None

    def sender(self, login: str | None) -> Reply | None:
        """The client begins a mail, logged in under a name or not."""
        if login:
            self._client = None
        return self._refused()

    def recipient(self, recipient: bytes) -> Reply | None:
        """The client names a recipient that Postfix would take."""
        return self._refused()

    def unknown_recipient(self, recipient: bytes) -> None:
        """The client was refused a recipient that does not exist."""
        if self._client and self._keeper.config.lock_out:
            self._keeper.unknown(self._client, recipient)

    def _refused(self) -> Reply | None:
        lock_out = self._keeper.config.lock_out
        if lock_out and self._client and self._keeper.locked_out(self._client):
            return Reply("421", "4.7.0", lock_out.text)
        return None

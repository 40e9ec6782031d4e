"""Where and how a server is spoken to: an address, a port, and when TLS begins.

In: nothing. Out: frozen values that all of the probe shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatepost.policy.values import IPAddress

Tls = Literal["none", "starttls", "implicit"]
SMTP = 25
# RFC 8314: TLS from the first octet.
SUBMISSIONS = 465
SUBMISSION = 587


@dataclass(frozen=True)
class Channel:
    """One way to a server."""

    address: IPAddress
    port: int
    tls: Tls = "none"

    @property
    def is_submission(self) -> bool:
        """Whether only people with a password are served there."""
        return self.port in (SUBMISSION, SUBMISSIONS)

    def __str__(self) -> str:
        at = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        how = {"none": "", "starttls": " after STARTTLS", "implicit": " over TLS"}[self.tls]
        return f"{at}:{self.port}{how}"

"""A probe: one attempt made from the policy, from where it is made, and which policy lines it proves.

In: nothing. Out: frozen values that the makers of probes fill, the sender sends, and the judge reads.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from gatepost.decide import Attempt
from gatepost.findings import PolicyPath
from gatepost.policy.values import IPAddress
from gatepost.prove.mails import Mail

NOBODY = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - no address to listen on: the client of a probe never sent


@dataclass(frozen=True)
class Origin:
    """Where a probe comes from: a vantage host, and the address that it uses there."""

    vantage: str
    client: IPAddress
    # False: the host has no networks of its own in the inventory, so it uses whatever address it has.
    bound: bool = True


@dataclass(frozen=True)
class Probe:
    """One attempt to make, to one server.

    `mail` is None where the server is only asked for the recipient: nothing is sent then. `origin` is None where the
    inventory has no vantage point for it; such a probe is never sent, and its attempt's client is the unspecified
    address. `loose`: any permanent refusal counts, since RFC 5321 lets a server refuse an odd form for several reasons.
    `by_score`: the server's own spam score takes the place of the attempt's before the two are compared.
    `together`: probes that differ in the recipient alone may be one mail to several recipients.
    """

    id: str
    host: str
    what: str
    attempt: Attempt
    origin: Origin | None
    proves: tuple[PolicyPath, ...]
    mail: Mail | None = None
    loose: bool = False
    by_score: bool = False
    together: bool = False
    # What stands behind MAIL FROM: and RCPT TO:, where it is not simply the address in angle brackets.
    mail_from: str = ""
    rcpt_to: str = ""
    # Why there is no origin.
    homeless: str = "the inventory has no vantage point for it"

    @property
    def wire_sender(self) -> str:
        """The argument of MAIL FROM."""
        size = f" SIZE={self.attempt.size}" if self.attempt.size and self.mail is None else ""
        return (self.mail_from or f"<{self.attempt.sender}>") + size

    @property
    def wire_recipient(self) -> str:
        """The argument of RCPT TO."""
        return self.rcpt_to or f"<{self.attempt.recipient}>"

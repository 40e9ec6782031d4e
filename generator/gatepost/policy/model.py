"""The model: the validated policy, who exists in each domain, and where each line of it was written.

It is frozen, and it is all that render, decide and prove know of the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gatepost.findings import Places, PolicyPath
from gatepost.policy.sections import MailDomain, Policy
from gatepost.policy.values import Address, IPAddress


@dataclass(frozen=True)
class Model:
    """One policy, ready to be read by render, decide and prove."""

    policy: Policy
    places: Places
    # For each domain the addresses that exist, as `Address.key`; none where they are known only to who is asked.
    recipients: Mapping[str, frozenset[str]]
    # A domain in its normal form → the key as it is written in the policy (which leads to its place).
    written_domains: Mapping[str, str] = field(default_factory=dict)
    # For each login name the sender addresses that it may use, as `Address.key`.
    logins: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def domains(self) -> Mapping[str, MailDomain]:
        """Our own domains, in A-labels."""
        return self.policy.domains

    def line(self, *path: str | int) -> str:
        """How a line of the policy is named: `policy.yml:12 filtering.spam.tag_at`. Domains in their normal form."""
        return self.places.line(self._as_written(path))

    def line_number(self, *path: str | int) -> int | None:
        """The line that says this, or None where a default holds."""
        written = self._as_written(path)
        return self.places.of_key(written).line if self.places.written(written) else None

    def _as_written(self, path: PolicyPath) -> PolicyPath:
        if len(path) > 1 and path[0] == "domains":
            return ("domains", self.written_domains.get(str(path[1]), path[1]), *path[2:])
        return path

    def is_internal(self, client: IPAddress) -> bool:
        """Whether a client may send to anyone: it stands in networks.internal, or is the server itself."""
        known = any(client.version == net.version and client in net for net in self.policy.networks.internal)
        return known or client.is_loopback

    def is_partner(self, client: IPAddress) -> bool:
        """Whether a client is a known sender: it is never locked out and passes the front door, but may not relay."""
        return any(client.version == net.version and client in net for net in self.policy.networks.partners)

    def passes_unasked(self, client: IPAddress) -> bool:
        """Whether a client passes the front door: it is internal, a partner, or on the allow list."""
        allowed = (entry.client for entry in self.policy.filtering.allow if entry.client)
        listed = any(client.version == net.version and client in net for net in allowed)
        return listed or self.is_internal(client) or self.is_partner(client)

    def exists(self, recipient: Address) -> bool:
        """Whether a recipient in one of our domains is listed. Postmaster always exists (RFC 5321 §4.5.1)."""
        return recipient.key in self.recipients.get(recipient.domain, frozenset()) or (
            recipient.domain in self.domains and recipient.local.lower() == "postmaster"
        )

    def asked(self, domain: str) -> Literal["the directory", "the next hop"] | None:
        """Who alone knows the addresses of one of our domains; None where the policy knows them itself."""
        return self.domains[domain].recipients.asked

    @cached_property
    def stand_in_postmasters(self) -> tuple[str, ...]:
        """Domains whose postmaster is not listed: their mail for it goes to organisation.postmaster, also where a
        directory has the list: who runs the mail must be reached while that is down."""
        return tuple(
            domain for domain in self.domains if f"postmaster@{domain}" not in self.recipients.get(domain, frozenset())
        )

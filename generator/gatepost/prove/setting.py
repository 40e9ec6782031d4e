"""What the makers of probes may use: which recipients, which senders, which mailboxes can be read.

In: the model, a mail server, the vantage hosts. Out: addresses, and the one way to make a probe.
With `proof:` in the policy only the mailboxes named there get mail; everybody else is only asked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gatepost.decide import Attempt
from gatepost.findings import PolicyPath
from gatepost.inventory import Host, Vantage
from gatepost.policy import Address, Entry, Model
from gatepost.policy.values import address
from gatepost.prove.mails import Mail
from gatepost.prove.origins import Origins
from gatepost.prove.probe import NOBODY, Origin, Probe

# A domain that can never exist (RFC 2606), for senders and targets of probes where the inventory knows no better one.
NOWHERE = "gatepost-probe.invalid"
LOCAL = "gatepost-probe"
UNKNOWN = "no-such-person-gatepost"
# What every mail program would take for an address.
_ORDINARY = re.compile(r"[a-z0-9][a-z0-9._+-]*@")


@dataclass(frozen=True)
class Setting:
    """One policy on one mail server, seen from the vantage hosts."""

    model: Model
    host: Host
    vantage: tuple[Vantage, ...]

    @cached_property
    def origins(self) -> Origins:
        """The source addresses at hand."""
        return Origins(self.model, self.vantage)

    @cached_property
    def versions(self) -> tuple[int, ...]:
        """The IP versions that the server has addresses of, IPv4 first."""
        return tuple(sorted({ipaddress.ip_address(a).version for a in self.host.addresses})) or (4,)

    @property
    def version(self) -> int:
        """The IP version for probes that do not care."""
        return self.versions[0]

    # --- who is written to -------------------------------------------------------------------------------------------

    def known(self, domain: str) -> str:
        """The recipient of a domain that stands for all of them: the first one without an entry of its own. Where
        nobody is known here (a directory is asked), it is the postmaster, who exists everywhere."""
        proof = self.model.policy.proof
        if proof and proof.recipient.domain == domain:
            return str(proof.recipient)
        if self.model.asked(domain):
            return f"postmaster@{domain}"
        listed = sorted(self.model.recipients[domain], key=lambda r: (not _ORDINARY.match(r), r))
        plain = (r for r in listed if not self._has_entry(r) and not r.startswith("postmaster@"))
        return next(plain, listed[0])

    def is_known(self, recipient: str) -> bool:
        """Whether a recipient of ours certainly exists by its domain's own source, and not as a stand-in."""
        domain = self._domain(recipient)
        proof = self.model.policy.proof
        named = proof is not None and recipient.lower() == proof.recipient.key
        return not self.model.asked(domain) or named

    def surely_exists(self, recipient: str) -> bool:
        """Whether a mail to this address need not be refused for want of a recipient."""
        ours = self._domain(recipient) in self.model.domains
        return not ours or recipient.lower().startswith("postmaster@") or self.is_known(recipient)

    def odd(self, domain: str) -> Iterator[str]:
        """The recipients of a domain whose names are unusual."""
        return (recipient for recipient in sorted(self.model.recipients[domain]) if not _ORDINARY.match(recipient))

    def _has_entry(self, recipient: str) -> bool:
        filtering = self.model.policy.filtering
        return any(e.recipient.matches(recipient) for e in (*filtering.allow, *filtering.block) if e.recipient)

    @cached_property
    def reader(self) -> str:
        """The recipient of ours to whom probes go that are not about recipients."""
        proof = self.model.policy.proof
        if proof:
            return str(proof.recipient)
        listed = [domain for domain in self.model.domains if not self.model.asked(domain)]
        known = [self.known(domain) for domain in listed or self.model.domains]
        plain = [r for r in known if not self._has_entry(r)]
        ordinary = [r for r in plain if _ORDINARY.match(r)]
        return (ordinary or plain or known)[0]

    def unknown(self, domain: str) -> str:
        """An address of a domain that does not exist."""
        numbers = (f"{UNKNOWN}{n or ''}@{domain}" for n in range(1000))
        return next(a for a in numbers if a not in self.model.recipients[domain])

    def may_get_mail(self, recipient: str) -> bool:
        """Whether a probe may be delivered to this address."""
        proof = self.model.policy.proof
        ours = self._domain(recipient) in self.model.domains
        if not proof:
            return ours or self._domain(recipient) in self.foreign_domains
        named = {proof.recipient.key} | ({proof.destination.key} if proof.destination else set())
        return recipient.lower() in named

    @cached_property
    def foreign_domains(self) -> tuple[str, ...]:
        """Foreign domains of which every mailbox can be read, by the inventory."""
        return tuple(d for v in self.vantage for d in v.mailbox_domains if d not in self.model.domains)

    @cached_property
    def abroad(self) -> str:
        """A foreign address, readable where that is possible."""
        proof = self.model.policy.proof
        if proof:
            return str(proof.destination) if proof.destination else f"{LOCAL}@{NOWHERE}"
        return f"{LOCAL}@{next(self._plain_foreign(), NOWHERE)}"

    def _plain_foreign(self) -> Iterator[str]:
        filtering = self.model.policy.filtering
        listed = {e.destination for e in (*filtering.allow, *filtering.block)}
        return (d for d in self.foreign_domains if d not in listed and not self._sender_listed(f"{LOCAL}@{d}"))

    @cached_property
    def sender(self) -> str:
        """The sender of probes that are not about senders: a foreign one on no list."""
        return f"{LOCAL}@{next(self._plain_foreign(), NOWHERE)}"

    def _sender_listed(self, sender: str) -> bool:
        filtering = self.model.policy.filtering
        return any(e.sender.matches(sender) for e in (*filtering.allow, *filtering.block) if e.sender)

    def own_sender(self) -> str:
        """The sender of mails that our people send out."""
        return self.reader

    @staticmethod
    def _domain(recipient: str) -> str:
        return recipient.rpartition("@")[2].lower()

    @cached_property
    def logins(self) -> tuple[str, ...]:
        """The users of the policy whose passwords the inventory knows."""
        known = {name.lower() for v in self.vantage for name in v.logins}
        return tuple(name for name in sorted(self.model.logins) if name in known)

    # --- making probes -----------------------------------------------------------------------------------------------

    def probe(
        self,
        what: str,
        proves: tuple[PolicyPath, ...],
        origin: Origin | None,
        recipient: str,
        *,
        sender: str | None = None,
        mail: Mail | None = None,
        loose: bool = False,
        by_score: bool = False,
        together: bool = False,
        mail_from: str = "",
        rcpt_to: str = "",
        **facts: Any,
    ) -> Probe:
        """A probe. `facts` are what the scanners will say of the mail, as `Attempt` names them."""
        facts = {**self._told_by_the_source(recipient), **facts}
        attempt = Attempt(
            client=origin.client if origin else NOBODY,
            sender=self.sender if sender is None else sender,
            recipient=recipient,
            subject=mail.subject if mail else None,
            **facts,
        )
        return Probe(
            "", self.host.name, what, attempt, origin, proves, mail, loose, by_score, together, mail_from, rcpt_to
        )  # numbered when all are known

    def _told_by_the_source(self, recipient: str) -> dict[str, Any]:
        """Who is asked must know the mailbox for proofs. Of everybody else nothing can be said beforehand."""
        proof = self.model.policy.proof
        if proof and recipient.lower() == proof.recipient.key and self.model.asked(proof.recipient.domain):
            return {"recipient_exists": True}
        return {}

    def entry_path(self, which: str, index: int, entry: Entry) -> PolicyPath:
        """The path of the line that an entry of the allow or block list is."""
        return ("filtering", which, index, entry.kind)

    def someone(self, local: str | None, domain: str) -> str:
        """An address that a pattern means."""
        return f"{LOCAL}@{domain}" if local is None else str(Address(local, domain))


def parsed(text: str) -> Address | None:
    """A full mail address, or None for anything else that stood on the wire."""
    try:
        return address(text)
    except ValueError:
        return None

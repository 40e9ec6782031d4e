"""No vantage point is locked out by what it asks: who asks for many unknown addresses is a guesser to the server.

In: the probes for one server, in their order. Out: the same, some from another address of the same kind; where there is
none left, a probe stays behind, and says why. It counts as the server does: different unknown recipients for each
client, of IPv6 for each /64; internal networks and partners are free.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gatepost.decide import decide
from gatepost.policy import Model
from gatepost.policy.values import IPAddress
from gatepost.prove.origins import Origins
from gatepost.prove.probe import NOBODY, Origin, Probe

# So many unknown addresses are asked for from one address, if there is another: proofs may follow each other closely.
FEW = 8


def spared(model: Model, origins: Origins, probes: Iterable[Probe]) -> Iterator[Probe]:
    """The probes, spread so that nobody is locked out."""
    counted = _Counted(model, origins)
    for probe in probes:
        yield counted.spread(probe) if _guesses(model, probe) else probe


def _guesses(model: Model, probe: Probe) -> bool:
    if probe.origin is None or not model.policy.unknown_recipients.lock_out.enabled:
        return False
    known = model.is_internal(probe.attempt.client) or model.is_partner(probe.attempt.client)
    return not known and decide(model, probe.attempt).enhanced == "5.1.1"


def client_of(address: IPAddress) -> str:
    """The name under which a server counts a client."""
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


@dataclass
class _Counted:
    """What each client has asked for so far."""

    model: Model
    origins: Origins
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def spread(self, probe: Probe) -> Probe:
        """The probe, from where there is room for it."""
        after = self.model.policy.unknown_recipients.lock_out.after
        for most in (min(FEW, after - 1), after - 1):
            for origin in self._places(probe):
                asked = self.asked[client_of(origin.client)]
                if probe.wire_recipient in asked or len(asked) < most:
                    asked.add(probe.wire_recipient)
                    return replace(probe, origin=origin, attempt=replace(probe.attempt, client=origin.client))
        why = f"who asks for {after} unknown addresses is locked out: name the vantage point in networks.partners"
        return replace(probe, origin=None, attempt=replace(probe.attempt, client=NOBODY), homeless=why)

    def _places(self, probe: Probe) -> Iterator[Origin]:
        if probe.origin:
            yield probe.origin
        yield from self.origins.strangers(probe.attempt.client.version)

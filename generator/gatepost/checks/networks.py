"""Networks: whoever is called internal may send to anyone, so the world must not be."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from gatepost.findings import Finding
from gatepost.policy import Model

# Nobody's own network is larger: 10.0.0.0/8 is the largest private one; a registry hands a provider a /19 or so of
# IPv6, but an organisation a /32 at most, and fc00::/7 is the whole range of unique local addresses.
SHORTEST = {4: 8, 6: 7}
SHORTEST_GLOBAL_V6 = 20


def no_open_relay(model: Model) -> Iterator[Finding]:
    """An internal network that is the world, or a large part of it, makes an open relay. So do many parts together."""
    networks = model.policy.networks.internal
    for index, network in enumerate(networks):
        shortest = SHORTEST_GLOBAL_V6 if network.version == 6 and not network.is_private else SHORTEST[network.version]
        if network.prefixlen < shortest:
            yield Finding(
                model.places.of(("networks", "internal", index)),
                "open-relay",
                f"{network} is no internal network: whoever stands in it may send to anyone",
                f"name your own networks; nothing wider than /{shortest} is taken",
            )
    if (
        sum(
            net.num_addresses
            for net in ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))
        )
        > 2**28
    ):
        yield Finding(
            model.places.of(("networks", "internal")),
            "open-relay",
            "the internal networks together are more than a sixteenth of the Internet",
            "name your own networks alone",
        )

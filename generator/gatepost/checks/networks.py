"""Networks: whoever is called internal may send to anyone, so the world must not be."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from gatepost.findings import Finding
from gatepost.policy import Model
from gatepost.policy.values import IPNetwork

# No organisation's own network is larger: 10.0.0.0/8 is the largest private one, and a registry hands a large provider
# a /20 of IPv6. fc00::/7 and fe80::/10 are private as a whole.
SHORTEST = {4: 8, 6: 20}
PRIVATE_V6 = (ipaddress.IPv6Network("fc00::/7"), ipaddress.IPv6Network("fe80::/10"))
# All of IPv4 once more, as IPv6: compatible, mapped, NAT64, Teredo, 6to4.
IPV4_AS_V6 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16")))

# What all networks of a policy may hold together: a sixteenth of IPv4, and what sixteen large providers have of IPv6.
MOST_V4, MOST_V6 = 2**28, 2**112


def no_open_relay(model: Model) -> Iterator[Finding]:
    """An internal network that is the world, or a large part of it, makes an open relay. So do many parts together."""
    networks = model.policy.networks.internal
    wide = [index for index, network in enumerate(networks) if is_world(network)]
    for index in wide:
        yield Finding(
            model.places.of(("networks", "internal", index)),
            "open-relay",
            f"{networks[index]} is no internal network: whoever stands in it may send to anyone",
            "name your own networks alone",
        )
    if not wide and large_together(networks):
        yield Finding(
            model.places.of(("networks", "internal")),
            "open-relay",
            "the internal networks together are a large part of the Internet",
            "name your own networks alone",
        )


def no_list_of_everyone(model: Model) -> Iterator[Finding]:
    """An entry that means the world is a slip: to block it is to take no mail, to allow it is to filter none."""
    for name in ("allow", "block"):
        for index, entry in enumerate(getattr(model.policy.filtering, name)):
            if entry.client and is_world(entry.client):
                yield Finding(
                    model.places.of(("filtering", name, index, "client")),
                    "client-too-wide",
                    f"{entry.client} is a large part of the Internet",
                    "name the networks that are meant",
                )


def is_world(network: IPNetwork) -> bool:
    """Whether a network is too large to be anybody's own."""
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen < SHORTEST[4]
    # A /8 of IPv4 is as much in each of its guises.
    if any(network.subnet_of(guise) and network.prefixlen < guise.prefixlen + SHORTEST[4] for guise in IPV4_AS_V6):
        return True
    return network.prefixlen < SHORTEST[6] and not _is_private(network)


def large_together(networks: tuple[IPNetwork, ...]) -> bool:
    """Whether networks are a large part of the Internet when they are taken together."""
    return _together_v4(networks) > MOST_V4 or _together_v6(networks) > MOST_V6


def _is_private(network: ipaddress.IPv6Network) -> bool:
    return any(network.subnet_of(private) for private in PRIVATE_V6)


def _together_v4(networks: Iterable[IPNetwork]) -> int:
    """How many IPv4 addresses the networks hold, each counted once."""
    counted = (net for net in networks if isinstance(net, ipaddress.IPv4Network))
    return sum(net.num_addresses for net in ipaddress.collapse_addresses(counted))


def _together_v6(networks: Iterable[IPNetwork]) -> int:
    """How many public IPv6 addresses the networks hold, each counted once."""
    counted = (net for net in networks if isinstance(net, ipaddress.IPv6Network) and not _is_private(net))
    return sum(net.num_addresses for net in ipaddress.collapse_addresses(counted))

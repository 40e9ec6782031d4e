"""Who a client is: an IPv4 address, or the /64 of an IPv6 address, since a whole /64 belongs to one customer.

In: addresses as Postfix and people write them. Out: the name under which a client is counted and locked out. What is no
address is nobody (None): a client that cannot be named is never locked out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

IPV6_PREFIX = 64
# This very server is always a friend: its own notices and probes come from there.
OURSELVES: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


def parse(address: str) -> Address | None:
    """An address, without its zone; an IPv4 address in IPv6 clothes is the IPv4 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if found.version == 6 else found


def named(address: Address) -> str:
    """The name under which this address is counted: 203.0.113.9, or 2001:db8:1:2::/64."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False))


def from_person(text: str) -> str | None:
    """The client that a person means by an address, or by the /64 as it is shown."""
    address, slash, prefix = text.strip().partition("/")
    found = parse(address)
    if found is None or (slash and prefix != str(IPV6_PREFIX if found.version == 6 else 32)):
        return None
    return named(found)


class Friends:
    """Networks whose clients are never locked out."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = (*OURSELVES, *networks)

    def include(self, address: Address) -> bool:
        """Whether this very address is a friend's."""
        return any(address in network for network in self._networks)

    def cover(self, client: str) -> bool:
        """Whether all that this client's name covers is a friend's."""
        place = ipaddress.ip_network(client)
        # The versions are compared first, so subnet_of sees a network of its own kind.
        return any(place.version == net.version and place.subnet_of(net) for net in self._networks)  # type: ignore[arg-type]

    def share(self, client: str) -> bool:
        """Whether any friend lives in what this client's name covers. It must not be dropped by a firewall."""
        place = ipaddress.ip_network(client)
        return any(place.version == network.version and place.overlaps(network) for network in self._networks)

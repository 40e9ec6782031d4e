"""Where a probe can come from: source addresses at the inventory's vantage points that fit what is to be proven.

In: the model and the vantage hosts. Out: an `Origin`, or None where no vantage point has such an address.
An outside client must stand neither in networks.internal nor in a client entry, unless that is what is proven.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from gatepost.inventory import Vantage
from gatepost.policy import Model
from gatepost.policy.values import IPAddress, IPNetwork
from gatepost.prove.probe import Origin

# The first addresses of a network are often routers.
_FIRST = 10
# How many addresses of a network take turns.
_TURNS = 200
# Stands for the address of a vantage host that the inventory gives no networks.
_SOMEWHERE = ("198.51.100.10", "203.0.113.10", "192.0.2.10", "2001:db8::10", "2001:db8:ffff::10")


@dataclass(frozen=True)
class Origins:
    """The source addresses that the vantage hosts can use."""

    model: Model
    vantage: tuple[Vantage, ...]
    _strangers: dict[int, tuple[Origin, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def outside(self, version: int = 4, turn: int = 0) -> Origin | None:
        """A client of no particular kind, out in the world. Another `turn` is another address, where there is one."""
        found = self.strangers(version)
        return found[turn % len(found)] if found else None

    def strangers(self, version: int) -> tuple[Origin, ...]:
        """All clients of no particular kind that take turns."""
        if version not in self._strangers:
            self._strangers[version] = self._places(("outside",), None, self._internal + self._listed, version)
        return self._strangers[version]

    def inside(self, version: int | None = None, turn: int = 0, network: IPNetwork | None = None) -> Origin | None:
        """A client in networks.internal, or in one of them."""
        wanted = [network] if network else list(self._internal)
        for chosen in wanted:
            if version in (None, chosen.version):
                found = self._first(("internal",), chosen, self._listed, chosen.version, turn)
                if found:
                    return found
        return None

    def within(self, network: IPNetwork) -> Origin | None:
        """A client in the network of an entry, if possible in that alone."""
        others = tuple(other for other in self._listed if other != network)
        tries = (("outside", self._internal + others), ("outside", self._internal), ("internal", others))
        for kind, without in tries:
            found = self._first((kind,), network, without, network.version, 0)
            if found:
                return found
        return None

    @cached_property
    def _internal(self) -> tuple[IPNetwork, ...]:
        return self.model.policy.networks.internal

    @cached_property
    def _listed(self) -> tuple[IPNetwork, ...]:
        filtering = self.model.policy.filtering
        return tuple(entry.client for entry in (*filtering.allow, *filtering.block) if entry.client is not None)

    def _first(
        self, kinds: tuple[str, ...], within: IPNetwork | None, without: tuple[IPNetwork, ...], version: int, turn: int
    ) -> Origin | None:
        found = self._places(kinds, within, without, version)
        return found[turn % len(found)] if found else None

    def _places(
        self, kinds: tuple[str, ...], within: IPNetwork | None, without: tuple[IPNetwork, ...], version: int
    ) -> tuple[Origin, ...]:
        """All that fits at the first host that has anything that does."""
        for vantage in self.vantage:
            if vantage.kind not in kinds:
                continue
            if vantage.source_networks:
                addresses = self._addresses(vantage, within, without, version)
                found = tuple(Origin(vantage.name, address) for address in addresses)
            else:
                unbound = self._unbound(vantage, within, version)
                found = (unbound,) if unbound else ()
            if found:
                return found
        return ()

    def _addresses(
        self, vantage: Vantage, within: IPNetwork | None, without: tuple[IPNetwork, ...], version: int
    ) -> list[IPAddress]:
        taken = (*without, *self._of_others(vantage))
        networks = [n for n in vantage.source_networks if n.version == version]
        both = [met for n in networks if (met := n if within is None else overlap(n, within))]
        return list(islice((a for network in both for a in addresses_of(network, taken)), _TURNS))

    def _of_others(self, vantage: Vantage) -> tuple[IPNetwork, ...]:
        """Parts of this host's networks that lead to another vantage host."""
        return tuple(
            theirs
            for other in self.vantage
            if other.name != vantage.name
            for theirs in other.source_networks
            for ours in vantage.source_networks
            if theirs != ours and overlap(theirs, ours) == theirs
        )

    def _unbound(self, vantage: Vantage, within: IPNetwork | None, version: int) -> Origin | None:
        """A host without networks is good for clients of no particular kind alone."""
        if vantage.kind == "internal":
            inside = within or next((n for n in self._internal if n.version == version), None)
            return Origin(vantage.name, inside[0], bound=False) if inside in self._internal else None
        if within is not None:
            return None
        known = [a for a in map(ipaddress.ip_address, _SOMEWHERE) if a.version == version]
        free = [a for a in known if not any(a in n for n in self._internal + self._listed)]
        return Origin(vantage.name, (free or known)[0], bound=False)


def overlap(one: IPNetwork, other: IPNetwork) -> IPNetwork | None:
    """What two networks have in common: the smaller one, or nothing."""
    if one.version != other.version or not one.overlaps(other):
        return None
    return max(one, other, key=lambda network: network.prefixlen)


def addresses_of(network: IPNetwork, without: Iterable[IPNetwork]) -> Iterator[IPAddress]:
    """The addresses of a network that stand in none of the others; what is taken is stepped over, however large.

    A server counts a /64 of IPv6 as one client, so of a larger network one address of each /64 is taken.
    """
    taken = sorted((int(n[0]), int(n[-1])) for n in without if n.version == network.version)
    first, last = int(network[0]), int(network[-1])
    # Neither the network's own address nor the broadcast address is a client's.
    spared = 1 if last - first > 1 else 0
    at = first + (_FIRST if last - first >= 4 * _FIRST else spared)
    step = 2**64 if network.version == 6 and network.prefixlen < 64 else 1
    while at <= last - spared:
        over = next((end for begin, end in taken if begin <= at <= end), None)
        if over is None:
            yield network[at - first]
            at += step
        else:
            at = over + 1

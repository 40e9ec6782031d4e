"""Networks and next hops.

In: a scalar of the YAML file. Out: a network without host bits, or a `NextHop`. How it fails: see `scalars`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from gatepost.findings import nearest, shown
from gatepost.policy.addresses import domain_name
from gatepost.policy.scalars import bad, text_of

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def network(value: Any) -> IPNetwork:
    """An IPv4 or IPv6 network without host bits; a single address is a network of one."""
    text = text_of(value, "a network")
    if "%" in text:
        raise bad("bad-network", f"'{shown(text)}': a network has no zone", "for example: 2001:db8::/32")
    try:
        return _not_mapped(ipaddress.ip_network(text), text)
    except PydanticCustomError:
        raise
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise bad(
            "bad-network", f"'{shown(text)}' is not a network", "for example: 192.0.2.0/24 or 2001:db8::/32"
        ) from None
    raise bad("host-bits", f"'{shown(text)}' has bits set beyond its prefix", f"did you mean {meant}?")


_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _not_mapped(found: IPNetwork, text: str) -> IPNetwork:
    """No IPv4 network in the clothes of IPv6: no daemon ever sees a client by such an address."""
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        meant = f"{found.network_address.ipv4_mapped}/{found.prefixlen - 96}"
        raise bad("bad-network", f"'{shown(text)}' is an IPv4 network", f"write {meant}")
    return found


@dataclass(frozen=True, order=True)
class NextHop:
    """Where mail of a domain is delivered. In brackets: this very host; without: its MX records are asked."""

    protocol: Literal["smtp", "lmtp"]
    host: str
    port: int
    ask_mx: bool

    def __str__(self) -> str:
        host = self.host if self.ask_mx else f"[{self.host}]"
        return f"{self.protocol}:{host}:{self.port}"


_NEXT_HOP = re.compile(
    r"(?P<protocol>[a-z]+):(?:\[(?P<exact>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?"
)
_PORTS = {"smtp": 25, "lmtp": 24}


def next_hop(value: Any) -> NextHop:
    """`smtp:[host]:25`, `lmtp:[192.0.2.1]:24`, `smtp:[2001:db8::1]:25`, or `smtp:host` to follow MX records."""
    text = text_of(value, "a next hop")
    example = "for example: smtp:[mailstore.example.org]:25 or lmtp:[192.0.2.7]:24"
    found = _NEXT_HOP.fullmatch(text)
    if not found:
        raise bad("bad-next-hop", f"'{shown(text)}' is not a next hop", example)
    protocol = found["protocol"]
    if protocol not in _PORTS:
        raise bad("bad-next-hop", f"'{shown(text)}': unknown protocol", nearest(protocol, _PORTS))
    port = int(found["port"]) if found["port"] else _PORTS[protocol]
    if not 0 < port < 65536:
        raise bad("bad-next-hop", f"'{shown(text)}': a port lies between 1 and 65535")
    if protocol == "lmtp" and not found["exact"]:
        raise bad("bad-next-hop", f"'{shown(text)}': LMTP knows no MX records", f"write lmtp:[{found['name']}]:{port}")
    host = _hop_host(found["exact"] or found["name"], text, example)
    if not found["exact"] and _address_in(host):
        raise bad("bad-next-hop", f"'{shown(text)}': an address has no MX records", f"write {protocol}:[{host}]:{port}")
    return NextHop("smtp" if protocol == "smtp" else "lmtp", host, port, ask_mx=not found["exact"])


def _address_in(host: str) -> IPAddress | None:
    try:
        found = ipaddress.ip_address(host.lower().removeprefix("ipv6:"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _hop_host(host: str, text: str, example: str) -> str:
    found = _address_in(host)
    if found:
        if "%" in host or found.is_multicast:
            raise bad("bad-next-hop", f"'{shown(text)}': no mail can be sent to '{shown(host)}'", example)
        return str(found)
    try:
        return host.lower() if host.lower() == "localhost" else domain_name(host)
    except PydanticCustomError:
        message = f"'{shown(text)}': '{shown(host)}' is neither a host name nor an address"
        raise bad("bad-next-hop", message, example) from None

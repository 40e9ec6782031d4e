"""The name service, asked with dnspython.

In: names and addresses, and optionally which name server to ask. Out: what stands there.
How it fails: what is not there is an empty list; a name server that does not answer is a `NameServiceError`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dns.exception
import dns.resolver
import dns.reversename

from gatepost.findings import shown
from gatepost.policy.values import IPAddress


class NameServiceError(Exception):
    """The name service gave no answer."""


@dataclass(frozen=True)
class NameService:
    """Asks one name server, or those of this machine."""

    server: IPAddress | None = None
    port: int = 53
    seconds: float = 10.0

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=self.server is None)
        if self.server is not None:
            resolver.nameservers, resolver.port = [str(self.server)], self.port
        resolver.lifetime = self.seconds
        return resolver

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each in one piece."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")]

    def addresses(self, name: str) -> list[IPAddress]:
        """IPv4 first."""
        return [ipaddress.ip_address(record.address) for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def exchangers(self, domain: str) -> list[str]:
        """The mail servers of a domain."""
        return [record.exchange.to_text(omit_final_dot=True).lower() for record in self._ask(domain, "MX")]

    def names(self, address: IPAddress) -> list[str]:
        """The names of an address."""
        reverse = dns.reversename.from_address(str(address)).to_text()
        return [record.target.to_text(omit_final_dot=True) for record in self._ask(reverse, "PTR")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.Timeout as error:
            raise NameServiceError(f"no name server answers for {name} {kind} within {self.seconds:g} s") from error
        except dns.exception.DNSException as error:
            raise NameServiceError(f"no answer for {name} {kind}: {shown(str(error), 120)}") from error

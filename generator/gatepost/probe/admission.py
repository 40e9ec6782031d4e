"""Before anything is asked of a server: is the probe permitted, and which addresses are meant?

In: what the user calls the host, the inventory, the prober's name, the name service. Out: an `Admitted`.
How it fails: `NotPermittedError`. Without an entry in the inventory, one conversation is needed in which the server
says its own name; nothing else is asked in it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from gatepost.findings import shown
from gatepost.inventory import Inventory
from gatepost.policy.values import IPAddress
from gatepost.probe.names import NameServiceError
from gatepost.probe.permission import (
    Names,
    NotPermittedError,
    Permission,
    belongs,
    how_to,
    listed,
    names_of,
    permitted_by_record,
)
from gatepost.probe.replies import NoAnswerError

# Says what a server calls itself: the texts of its greeting and of its answer to EHLO.
Introduce = Callable[[IPAddress], tuple[str, ...]]


@dataclass(frozen=True)
class Admitted:
    """A host that may be probed."""

    host: str
    reason: str
    addresses: tuple[IPAddress, ...]
    notes: tuple[str, ...] = ()

    def only(self, version: int) -> Admitted:
        """The same with the addresses of one IP version."""
        return replace(self, addresses=tuple(a for a in self.addresses if a.version == version))


def admit(host: str, inventory: Inventory | None, prober: str, names: Names, introduce: Introduce) -> Admitted:
    """Who is meant, and why it may be probed."""
    known = listed(host, inventory)
    if known is not None:
        one = _address(host)
        given = tuple(map(ipaddress.ip_address, known.addresses)) or _resolved(known.fqdn)
        return Admitted(known.fqdn, f"{known.name} stands in the inventory", (one,) if one else given)
    try:
        return _by_record(host, prober, names, introduce)
    except NameServiceError as error:
        raise NotPermittedError(how_to(host, prober, [str(error)])) from error


def _by_record(host: str, prober: str, names: Names, introduce: Introduce) -> Admitted:
    one = _address(host)
    called = names_of(one, names) if one else [host.lower().rstrip(".")]
    if not called:
        raise NotPermittedError(how_to(host, prober, [f"no name of {host} leads back to it"]))
    permission = permitted_by_record(called[0], prober, date.today(), names)
    addresses = [one] if one else names.addresses(called[0])
    return _confirmed(called[0], permission, addresses, names, introduce)


def _confirmed(
    host: str, permission: Permission, addresses: list[IPAddress], names: Names, introduce: Introduce
) -> Admitted:
    """The addresses at which there is a server of that domain. Any other may be a stranger's."""
    good: list[IPAddress] = []
    notes: list[str] = []
    for address in addresses:
        try:
            told = introduce(address)
        except NoAnswerError as error:
            told = ()
            notes.append(f"{address} does not introduce itself: {error}")
        if belongs(permission, told, address, names):
            good.append(address)
        elif told:
            name = shown(next(iter(told[0].split()), "nothing"))
            notes.append(f"{address} was left alone: it calls itself {name}, which is not in {permission.domain}")
    if not good and any("left alone" in note for note in notes):
        raise NotPermittedError(f"{shown(host)}: {permission.reason}, but {'; '.join(notes)}")
    return Admitted(host, permission.reason, tuple(good), tuple(notes))


def _address(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _resolved(name: str) -> tuple[IPAddress, ...]:
    """As this machine resolves names, /etc/hosts included."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))

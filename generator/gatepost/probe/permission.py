"""Who may be probed: hosts of the prober's own inventory, and hosts whose own domain says so in the name service.

In: a host, an inventory, the name of the prober, and how to look names up. Out: the `Permission`, or a refusal.
How it fails: `NotPermittedError` with how to get the permission; what could not be looked up permits nothing.

A record speaks for the domain that it stands in, and for no server elsewhere. Anybody can point an MX record, or an
address record, at a stranger's server; so the record must stand at the host's own name or above it, and the server
itself must go by a name in that domain: in its greeting, in its answer to EHLO, or in the reverse zone of its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gatepost.findings import shown
from gatepost.inventory import Host, Inventory
from gatepost.policy.values import IPAddress, is_domain

LABEL = "_gatepost-probe"
_TAG = "gatepost-probe"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]{0,99}")


class NotPermittedError(Exception):
    """There is no permission."""


class Names(Protocol):
    """The name service, as far as it is needed. Whatever is not there is an empty list."""

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name."""

    def addresses(self, name: str) -> list[IPAddress]:
        """The addresses of a name."""

    def exchangers(self, domain: str) -> list[str]:
        """The mail servers of a domain, by its MX records."""

    def names(self, address: IPAddress) -> list[str]:
        """The names of an address, by its reverse zone."""


@dataclass(frozen=True)
class Permission:
    """Why a host may be probed. With a `domain`, the server must still show that it belongs there."""

    reason: str
    domain: str = ""


def listed(host: str, inventory: Inventory | None) -> Host | None:
    """The mail server of the inventory that is meant."""
    known = inventory.hosts if inventory else ()
    wanted = host.lower().rstrip(".")
    return next((h for h in known if wanted in (h.name.lower(), h.fqdn, *h.addresses)), None)


def permitted_by_record(host: str, prober: str, today: date, names: Names) -> Permission:
    """The permission that stands in the name service."""
    seen: list[str] = []
    for domain in _above(host):
        for record in names.texts(f"{LABEL}.{domain}"):
            refused = _refused(record, prober, today)
            if refused is None:
                return Permission(f"{LABEL}.{domain} TXT names {prober}", domain)
            seen.append(f"{LABEL}.{domain}: {refused}")
    raise NotPermittedError(how_to(host, prober, seen))


def how_to(host: str, prober: str, seen: Iterable[str] = ()) -> str:
    """What to do to be permitted."""
    reasons = "".join(f"; {reason}" for reason in seen)
    domain = next(iter(_above(host)), "THE.HOSTS.OWN.NAME")
    record = f'{LABEL}.{domain}. TXT "{_TAG} allow={prober or "NAME"}; until=YYYY-MM-DD"'
    return (
        f"{shown(host)}: no permission to probe it{reasons}. Either it stands in the group mailservers of your "
        f"inventory (--inventory), or whoever owns its name publishes {record} and you name yourself with --as"
    )


def belongs(permission: Permission, told: Iterable[str], address: IPAddress, names: Names) -> str | None:
    """By which of its own words a server belongs to the domain that permits the probe; None where by none."""
    if not permission.domain:
        return "it stands in the inventory"
    for text in told:
        # Only the first word is the server's own name: further on it may well repeat ours.
        word = next(iter(text.split()), "")
        if within(word, permission.domain):
            return f"it calls itself {shown(word)}"
    for name in names.names(address):
        if within(name, permission.domain):
            return f"its address is {name} by the reverse zone"
    return None


def within(name: str, domain: str) -> bool:
    """Whether a name is a domain or stands below it."""
    plain = name.lower().rstrip(".")
    return plain == domain or plain.endswith(f".{domain}")


def _above(host: str) -> Iterator[str]:
    """The host's own name, and the domains above it but for the topmost."""
    labels = host.lower().rstrip(".").split(".")
    if is_domain(".".join(labels)):
        yield from (".".join(labels[n:]) for n in range(len(labels) - 1))


def _refused(record: str, prober: str, today: date) -> str | None:
    """Why a record does not permit this prober today; None when it does."""
    tag, _, rest = record.strip().partition(" ")
    fields = dict(_fields(rest))
    if tag != _TAG:
        return f"{shown(record)} does not begin with {_TAG}"
    try:
        until = date.fromisoformat(fields.get("until", ""))
    except ValueError:
        return f"{shown(record)} has no end: until=YYYY-MM-DD was expected"
    if until < today:
        return f"the permission ended on {until}"
    allowed = [name.strip().lower() for name in fields.get("allow", "").split(",")]
    if not _NAME.fullmatch(prober) or prober.lower() not in allowed:
        return f"{shown(record)} does not name {shown(prober) if prober else 'you: say who you are with --as'}"
    return None


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for field in text.split(";"):
        key, equals, value = field.strip().partition("=")
        if equals:
            yield key.strip().lower(), value.strip()


def names_of(host: IPAddress, names: Names) -> list[str]:
    """The names of a host that was given as an address: those of the reverse zone that lead back to it."""
    return [name for name in names.names(host) if is_domain(name) and host in names.addresses(name)]

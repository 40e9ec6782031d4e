"""What a mail is looked for by, and how that is asked in SQL.

In: addresses, ids, a Subject, a span of time, in any combination. Out: for each of them one or several conditions on
columns, of which one must hold in some event of the mail. Addresses are compared without their case; `@example.org` is
any address of that domain, `<>` the empty sender. A client can be a network. Fails with WantedError.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatepost_observer.store.literal import quoted
from gatepost_observer.subjects import subject_hash

NO_MAIL: Final = "kind NOT IN ('connect', 'login', 'warning', 'started', 'signatures')"


class WantedError(Exception):
    """What was typed cannot be looked for; the message is one line."""


@dataclass(frozen=True)
class Wanted:
    """What is known of the mail; None where it is not."""

    sender: str | None = None
    recipient: str | None = None
    message_id: str | None = None
    queue_id: str | None = None
    client: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def anything(self) -> bool:
        """Whether there is anything to look for."""
        return any(value is not None for value in vars(self).values())

    def conditions(self) -> list[list[str]]:
        """Each must hold, by one of its alternatives; a column alone in each, so that its filter can be used."""
        found = list(self._conditions())
        return found or [["TRUE"]]

    def _conditions(self) -> Iterator[list[str]]:
        if self.queue_id is not None:
            yield [f"{column} = {quoted(self.queue_id.strip())}" for column in ("queue_id", "mail", "queued_as")]
        if self.message_id is not None:
            yield [f"message_id = {quoted(self.message_id.strip().removeprefix('<').removesuffix('>'))}"]
        if self.subject is not None:
            yield [f"subject_hash = {quoted(subject_hash(self.subject))}"]
        if self.client is not None:
            yield [_client(self.client.strip())]
        if self.sender is not None:
            yield [_address("sender", self.sender)]
        if self.recipient is not None:
            yield [_address(column, self.recipient) for column in ("recipient", "original_recipient")]

    def span(self) -> str:
        """The condition on the time."""
        parts = [f'"time" >= {quoted(self.since)}'] if self.since else []
        parts += [f'"time" < {quoted(self.until)}'] if self.until else []
        return " AND ".join(parts) or "TRUE"

    def only_mails(self) -> str:
        """Without sessions and the daemons' own words, where nothing asked for leaves them out by itself."""
        named = (self.sender, self.recipient, self.message_id, self.queue_id, self.subject)
        return "" if any(value is not None for value in named) else f" AND {NO_MAIL}"


def _address(column: str, wanted: str) -> str:
    plain = wanted.strip().removeprefix("<").removesuffix(">").lower()
    if plain.startswith("@"):
        return f"ends_with(lower({column}), {quoted(plain)})"
    return f"{column} = ''" if not plain else f"lower({column}) = {quoted(plain)}"


def _client(wanted: str) -> str:
    try:
        if "/" not in wanted:
            return f"client = {quoted(str(ipaddress.ip_address(wanted)))}"
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        raise WantedError(
            f"--client: {wanted[:60]!r} is no address and no network, expected 203.0.113.9 or 203.0.113.0/24"
        ) from None
    return _within(network)


def _within(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """A network is cut into parts whose addresses all begin with the same groups of digits."""
    if isinstance(network, ipaddress.IPv6Network):
        raise WantedError(f"--client: {network} is a network of IPv6, expected an address, or a network of IPv4")
    groups = -(-network.prefixlen // 8)
    if groups == 0:
        return "contains(client, '.')"
    heads = [str(part.network_address).split(".")[:groups] for part in network.subnets(new_prefix=groups * 8)]
    return f"({' OR '.join(_begins(head) for head in heads)})"


def _begins(head: list[str]) -> str:
    whole = ".".join(head)
    return f"client = {quoted(whole)}" if len(head) == 4 else f"starts_with(client, {quoted(whole + '.')})"

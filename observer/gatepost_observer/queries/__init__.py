"""The questions: one SQL text each, which DuckDB and Spark SQL read unchanged, over the view `events`.

In: the name of a question and the scope it is asked in. Out: the text with placeholders (`:name`), and the values for
them; the engine puts these in, nobody else. A text in this folder is whole as it stands and asks for everything; where
it says `/*scope*/`, the conditions of the scope are put, where it says `/*internal*/` which clients are ours.
Pure, but for reading the texts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

NAMES: Final = (
    "arrivals", "domains", "entries", "extent", "findings", "flow", "hops", "lately", "networks", "pulse", "queues",
    "rare", "recipients", "refusals", "senders",
)  # fmt: skip

Values = dict[str, Any]

# Every value that a text can ask for, where nobody says otherwise.
DEFAULTS: Final[Values] = {"quarters": 4, "top": 10, "own": []}


@dataclass(frozen=True)
class Scope:
    """What a question is about. `since` and `until` are left out where the files hold nothing else: that is quicker."""

    since: datetime | None = None
    until: datetime | None = None
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    values: Values = field(default_factory=dict)

    def conditions(self) -> str:
        """The conditions, each beginning with AND."""
        said = [self._times()]
        if self.hosts:
            said.append("AND host IN (:scope_hosts)")
        if self.domains:
            said.append(_OF_DOMAIN.replace("/*times*/", self._times()))
        return " ".join(part for part in said if part)

    def _times(self) -> str:
        since = "AND time >= :scope_since" if self.since else ""
        return f"{since} AND time < :scope_until" if self.until else since

    def given(self) -> Values:
        """The values for the conditions."""
        mine: Values = {"scope_since": self.since, "scope_until": self.until}
        return {**DEFAULTS, **self.values, **mine, "scope_hosts": self.hosts, "scope_domains": self.domains}


# A mail is of a domain when its sender or one of its recipients is; what names neither is not of any domain.
_OF_DOMAIN: Final = """AND (
  split_part(lower(coalesce(recipient, '')), '@', -1) IN (:scope_domains)
  OR split_part(lower(coalesce(sender, '')), '@', -1) IN (:scope_domains)
  OR (recipient IS NULL AND (host, mail) IN (
    SELECT host, mail FROM events
    WHERE mail IS NOT NULL AND split_part(lower(recipient), '@', -1) IN (:scope_domains) /*times*/))
)"""


@cache
def text(name: str) -> str:
    """A question as it stands in its file."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def asked(name: str, scope: Scope, **more: Any) -> tuple[str, Values]:
    """A question in a scope: what an engine's `rows` takes."""
    return text(name).replace("/*scope*/", scope.conditions()), {**scope.given(), **more}


def arrivals(scope: Scope, internal: Iterable[str], callers: Collection[str] = ()) -> tuple[str, Values]:
    """How much came in, from outside and from our own people.

    `internal` are our networks; `callers` those of our IPv6 addresses that handed in a mail.
    """
    likes = [f"{prefix}%" for prefix in prefixes(internal)]
    values: Values = {f"ours_{n}": like for n, like in enumerate(likes)}
    said = "".join(f" OR client LIKE :{name}" for name in values)
    if callers:
        said += " OR client IN (:callers)"
        values["callers"] = sorted(callers)
    sql, given = asked("arrivals", scope)
    return sql.replace("/*internal*/", said), {**given, **values}


def prefixes(networks: Iterable[str]) -> list[str]:
    """IPv4 networks as beginnings of addresses: 10.0.0.0/8 is `10.`, 192.0.2.0/25 is 128 whole addresses."""
    found: list[str] = []
    for network in map(ipaddress.ip_network, networks):
        if isinstance(network, ipaddress.IPv4Network):
            found += _prefixes(network)
    return found


def _prefixes(network: ipaddress.IPv4Network) -> list[str]:
    whole = -(-network.prefixlen // 8)  # octets that are fixed once it is cut into networks of /0, /8, /16, /24 or /32
    parts = network.subnets(new_prefix=whole * 8)
    dot = "." if 0 < whole < 4 else ""
    return [".".join(str(part.network_address).split(".")[:whole]) + dot for part in parts]

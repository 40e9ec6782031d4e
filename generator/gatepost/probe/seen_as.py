"""Under which address a server saw us, where it tells.

In: texts of the server (its answer to EHLO, its refusals) and the Received fields of mails that came back.
Out: an address with the place where it stood, or None.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatepost.policy.values import IPAddress

_BRACKETED = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{2,45})[\])]")
_MOST_TEXTS = 2000


@dataclass(frozen=True)
class SeenAs:
    """An address, and where it was read."""

    address: IPAddress
    where: str


def seen_as(
    hello: Iterable[str], refusals: Iterable[str], received: Iterable[str], written: Iterable[str]
) -> SeenAs | None:
    """The first that is told. `written`: what we said ourselves; a server that repeats it has told nothing."""
    own = frozenset(_addresses(written))
    for where, texts in (
        ("the Received field of a mail that arrived", received),
        ("its answer to EHLO", hello),
        ("the text of a refusal", refusals),
    ):
        for address in _addresses(texts):
            if address not in own:
                return SeenAs(address, where)
    return None


def _addresses(texts: Iterable[str]) -> Iterator[IPAddress]:
    for _, text in zip(range(_MOST_TEXTS), texts, strict=False):
        for found in _BRACKETED.finditer(text):
            try:
                yield ipaddress.ip_address(found[1])
            except ValueError:
                continue

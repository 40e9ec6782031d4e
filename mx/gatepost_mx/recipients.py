"""When two recipients are the same one: variants of writing count once, different addresses count each.

In: a recipient as the client wrote it (`<"J.Doe"@Example.org.>`). Out: a number that stands for the address. The
addresses themselves are never kept: the number is a hash with a key that each server makes for itself. It fails never.
"""

from __future__ import annotations

import hashlib
import re

_QUOTES = re.compile(rb'\\(.)|"', re.DOTALL)


def plain(recipient: bytes) -> bytes:
    """The address without brackets, source route, quotes, case, and the final dot of its domain."""
    address = recipient.strip()
    if address.startswith(b"<"):
        address = address[1:].rpartition(b">")[0] or address[1:]
    if address.startswith(b"@"):  # <@relay.example:anna@example.org>
        address = address.partition(b":")[2] or address
    local, at, domain = address.strip().rpartition(b"@")
    unquoted = _QUOTES.sub(lambda match: match[1] or b"", local if at else domain)
    return _lower(unquoted + (at + domain.rstrip(b".") if at else b""))


def _lower(address: bytes) -> bytes:
    """Lower case, beyond ASCII too. Bytes that are no UTF-8 stay as they are."""
    text = address.decode("utf-8", "surrogateescape").lower()
    return text.encode("utf-8", "surrogateescape")


def number(recipient: bytes, key: bytes) -> int:
    """The number that stands for an address in the counts and on disk."""
    return int.from_bytes(hashlib.blake2b(plain(recipient), digest_size=7, key=key).digest(), "big")

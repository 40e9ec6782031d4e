"""Addresses become pseudonyms: the law lets nobody keep for ever who wrote to whom.

In: events as an Arrow batch, and the store's key. Out: the batch in which each address of a person has another local
part: the same for the same address, whatever its case, made with a key (HMAC-SHA-256), so that nobody without the key
can find out by trying. The domain stays, for the statistics. In `text` whatever looks like an address is replaced too,
and the addresses of the same row, however they look.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa

from gatepost_observer.events import ADDRESSES
from gatepost_observer.store import durable
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.schema import FIELDS

KEY: Final = "pseudonyms.key"
_BYTES: Final = 32
_PSEUDONYM: Final = re.compile(r"~[0-9a-f]{16}(@.*)?", re.DOTALL)
_LOOKS_LIKE_ONE: Final = re.compile(
    r"""(?P<named>\b(?:orig_to|to|from|user|sasl_username|sender|recipient)=)?"""
    r"""(?P<address>(?:"[^"@]{1,64}"|[^\s<>()\[\],;:"@']+)@(?:\[[^\]\s]+\]|[\w-]+(?:\.[\w-]+)*))""",
)

Replace = Callable[[str], str]


def key_of(store: Path) -> bytes:
    """The store's key; made when it is asked for the first time, readable by its owner alone."""
    place = store / KEY
    try:
        if not place.exists():
            durable.write(place, secrets.token_bytes(_BYTES), mode=0o600)
        with os.fdopen(os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as handle:
            key = handle.read()
    except OSError as error:
        raise StoreError(f"{place}: cannot be read: {error.strerror}") from error
    if len(key) != _BYTES:
        raise StoreError(f"{place}: holds {len(key)} bytes, expected {_BYTES}; without it old pseudonyms cannot go on")
    return key


def pseudonyms(key: bytes) -> Replace:
    """The function from an address to its pseudonym. What is one already, and the empty sender, stay."""
    known: dict[str, str] = {}

    def made(address: str) -> str:
        if not address or _PSEUDONYM.fullmatch(address):
            return address
        found = known.get(address)
        if found is None:
            mark = hmac.new(key, address.lower().encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()[:16]
            _, at, domain = address.rpartition("@")
            found = known[address] = f"~{mark}{at}{domain if at else ''}"
        return found

    return made


def without_addresses(text: str, own: tuple[str, ...], made: Replace) -> str:
    """A text in which pseudonyms stand for addresses: those of its row, and what looks like one."""
    for address in own:
        if address in text:
            alone = rf"(?<![\w.@+~-]){re.escape(address)}(?![\w@-])"
            text = made(address).join(re.split(alone, text))
    if "@" not in text:
        return text
    return _LOOKS_LIKE_ONE.sub(lambda found: (found["named"] or "") + made(found["address"]), text)


def _texts(batch: pa.RecordBatch, made: Replace) -> list[str | None]:
    rows = zip(*(batch.column(name).to_pylist() for name in ADDRESSES), strict=True)
    texts = batch.column("text").to_pylist()
    return [
        text and without_addresses(text, tuple(sorted({a for a in own if a}, key=len, reverse=True)), made)
        for text, own in zip(texts, rows, strict=True)
    ]


def forgotten(batch: pa.RecordBatch, made: Replace) -> pa.RecordBatch:
    """The events, with pseudonyms."""
    replaced: dict[str, list[str | None]] = {
        name: [value and made(value) for value in batch.column(name).to_pylist()] for name in ADDRESSES
    }
    replaced["text"] = _texts(batch, made)
    columns = [
        pa.array(replaced[name], pa.string()) if name in replaced else batch.column(name) for name in FIELDS.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FIELDS)

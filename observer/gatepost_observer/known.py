"""What the observer knows of the policy: whose domains these are, which line stands behind a refusal.

In: `/etc/gatepost/observer.json`, rendered by the generator for the log host. Out: a frozen `Known`, which answers for
one event at a time: `line` (the policy line behind it), `entry` (the list entry that it hit), `direction` (in, out,
internal). Without the file all of it is unknown, and everything else works. It fails with KnownError, which says in one
line what is wrong in which place of the file.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gatepost_observer.events import Event, Kind

VERSION: Final = 1

Direction = Literal["in", "out", "internal", "unknown"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Which fields of an entry can have caused a refusal of this kind.
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "blocked-client": ("client",),
    "blocked-sender": ("sender",),
    "blocked-recipient": ("recipient", "destination"),
    "blocked-helo": ("helo",),
    "blocked-term": ("term",),
}

# How SpamAssassin's rules for the entries are called: the number counts the entries of that list.
_RULE: Final = re.compile(r"\bGATEPOST_(BLOCK|ALLOW)_(\d+)\b")


class KnownError(Exception):
    """observer.json cannot be used; the message says why, in one line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Entry(_Strict):
    """An entry of the allow or the block list."""

    list: Literal["allow", "block"]
    field: Literal["sender", "client", "recipient", "destination", "helo", "term"]
    value: str = Field(min_length=1)
    reason: str | None = None
    line: str
    until: str | None = None

    @property
    def name(self) -> str:
        """As people call it: `block sender @scam.example`."""
        return f"{self.list} {self.field} {self.value}"


class Mailing(_Strict):
    """To whom the timers mail the report, and through which server."""

    to: tuple[str, ...] = Field(strict=False)
    via: str
    sender: str | None = Field(default=None, alias="from")


class Known(_Strict):
    """observer.json, whole and valid."""

    version: Literal[1] = 1
    policy: str | None = None
    organisation: str | None = None
    own_domains: dict[str, str] = Field(default_factory=dict)
    internal: tuple[str, ...] = Field(default=(), strict=False)
    store: str | None = None
    logs: tuple[str, ...] = Field(default=(), strict=False)
    keep: int | None = Field(default=None, gt=0)
    forget_addresses_after: int | None = Field(default=None, gt=0)
    report: Mailing | None = None
    country_database: str | None = None
    reasons: dict[str, str] = Field(default_factory=dict)
    entries: tuple[Entry, ...] = Field(default=(), strict=False)

    @field_validator("internal")
    @classmethod
    def _networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            ipaddress.ip_network(text)
        return given

    @field_validator("entries")
    @classmethod
    def _clients(cls, given: tuple[Entry, ...]) -> tuple[Entry, ...]:
        for entry in given:
            if entry.field == "client":
                ipaddress.ip_network(entry.value)
        return given

    @classmethod
    def load(cls, path: Path | str) -> Known:
        """Read observer.json."""
        path = Path(path)
        data = _json(path)
        if not isinstance(data, dict):
            raise KnownError(f"{path}: holds {_named(data)}, expected an object with the key version")
        if data.get("version") != VERSION or isinstance(data.get("version"), bool):
            raise KnownError(f"{path}: has version {_short(data.get('version'))}, expected {VERSION}: {_WHOSE}")
        try:
            return cls.model_validate(data)
        except ValidationError as wrong:
            raise KnownError(f"{path}: {_said(wrong)}") from None

    def line(self, event: Event) -> str | None:
        """Which policy line stands behind an event: the list entry's, the rule's, or the domain's."""
        entry = self.entry(event)
        if entry is not None:
            return entry.line
        reason = event.get("reason")
        if reason is not None and reason in self.reasons and event.get("kind") in _RULED:
            return self.reasons[reason]
        if event.get("kind") in _HANDED_ON:
            return self.own_domains.get(domain_of(event.get("recipient")) or "")
        return None

    def entry(self, event: Event) -> Entry | None:
        """Which list entry an event hit, as far as the log tells."""
        kind = event.get("kind")
        if kind == Kind.REFUSED:
            return self._refusing(event)
        if kind == Kind.FILTERED:
            return self._scored(event.get("tests") or "")
        return None

    def direction(self, event: Event) -> Direction:
        """Which way a mail went, as far as this event tells."""
        if not self.own_domains:
            return "unknown"
        inside = self.from_inside(event)
        target = domain_of(event.get("recipient"))
        if target is None:
            return "unknown" if inside is None else "out" if inside else "in"
        if target not in self.own_domains:
            return "out"
        return "internal" if inside else "in"

    def from_inside(self, event: Event) -> bool | None:
        """Whether a mail came from our own people; where the client is not known, the sender's domain tells."""
        if event.get("user"):
            return True
        client = event.get("client")
        if client:
            return self.is_internal(client)
        sender = event.get("sender")
        if sender is None:
            return None
        return sender == "" or domain_of(sender) in self.own_domains

    def is_internal(self, client: str) -> bool:
        """Whether an address belongs to us: an internal network, or the server itself."""
        return _within(client, self._internal)

    @cached_property
    def _internal(self) -> tuple[Network, ...]:
        return (*_LOOPBACK, *map(ipaddress.ip_network, self.internal))

    @cached_property
    def _by_list(self) -> Mapping[str, tuple[Entry, ...]]:
        return {name: tuple(e for e in self.entries if e.list == name) for name in ("allow", "block")}

    def _refusing(self, event: Event) -> Entry | None:
        fields = _FIELDS.get(event.get("reason") or "", ())
        able = [e for e in self._by_list["block"] if e.field in fields]
        hit = [e for e in able if matches(e, event)]
        if not hit and fields == ("term",) and len(able) == 1:
            return able[0]  # the log cuts long Subjects off: but there is only this one
        return max(hit, key=_exactness, default=None)

    def _scored(self, tests: str) -> Entry | None:
        for name, number in _RULE.findall(tests):
            listed = self._by_list[name.lower()]
            if int(number) < len(listed):
                return listed[int(number)]
        return None


_RULED: Final = frozenset({Kind.REFUSED, Kind.FILTERED, Kind.RETURNED, Kind.NOTICE})
_HANDED_ON: Final = frozenset({Kind.DELIVERED, Kind.DEFERRED, Kind.RETURNED})
_LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_WHOSE: Final = "it was rendered by another version of Gatepost"


def domain_of(address: str | None) -> str | None:
    """The domain of an address, in small letters; None where there is none."""
    if not address or "@" not in address:
        return None
    return address.rpartition("@")[2].lower() or None


def matches(entry: Entry, event: Event) -> bool:
    """Whether an event has what an entry names. Domains are meant without their subdomains, as at the gate."""
    if entry.field == "client":
        return bool(event.get("client")) and _within(event["client"], (_network(entry.value),))
    if entry.field == "term":
        return _term(entry.value).search(event.get("text") or "") is not None
    if entry.field == "destination":
        return domain_of(event.get("recipient")) == entry.value.lower().lstrip("@")
    value = (event.get(entry.field) or "").lower()
    wanted = entry.value.lower()
    return value.endswith(wanted) if wanted.startswith("@") else value == wanted


def _exactness(entry: Entry) -> int:
    """A whole address is looked up before its domain, as Postfix does."""
    return 1 if "@" in entry.value.lstrip("@") else 0


@lru_cache(maxsize=4096)
def _term(text: str) -> re.Pattern[str]:
    """Whole words, any case, any blanks between them: as the gate's table has it."""
    return re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, text.split())) + r"(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _network(text: str) -> Network:
    return ipaddress.ip_network(text)


@lru_cache(maxsize=65536)
def _within(client: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise KnownError(f"{path}: {error.strerror or error}, expected a file rendered by Gatepost") from None
    except UnicodeDecodeError:
        raise KnownError(f"{path}: is not UTF-8 text, expected JSON") from None
    except json.JSONDecodeError as error:
        raise KnownError(f"{path}: line {error.lineno} is not JSON: {error.msg}") from None
    except RecursionError:
        raise KnownError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise KnownError(f"{path}: {error}") from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"the key {_short(key)} stands there twice")
        data[key] = value
    return data


def _said(wrong: ValidationError) -> str:
    first = wrong.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {wrong.error_count() - 1} more)" if wrong.error_count() > 1 else ""
    return f"{place}: {first['msg']}, got {_short(first['input'])}{more}"


def _named(data: Any) -> str:
    names = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "a truth value"}
    return names.get(type(data), "nothing")


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:60] + "…"

"""What is said of a directory: its servers, where in it people are looked for, and the filter that finds one address.

In: a scalar of the YAML file. Out: a frozen value with one normal form. How it fails: see `scalars`.

A filter is read as RFC 4515 has it, not looked through for bad signs: a recipient may stand only where a value stands,
and whatever the directory holds, an address that nobody has must find nobody.
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

# What stands for the address that is looked for: all of it, or the part before the @.
PLACEHOLDERS = ("recipient", "local")
MOST_TEXT, MOST_DEPTH = 1000, 20
_PORTS = {"ldap": 389, "ldaps": 636}

_SERVER = re.compile(r"(?P<scheme>[a-z]+)://(?:\[(?P<v6>[^\[\]/]+)\]|(?P<name>[^:/\[\]]+))(?::(?P<port>[0-9]{1,5}))?/?")
_TYPE = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)"
# RFC 4514, but for values in #hex, which nobody writes by hand.
_RDN = rf'{_TYPE}=(?:[^\\,+"<>;=#]|\\(?:[ "#+,;<=>\\]|[0-9A-Fa-f]{{2}}))+'
_DN = re.compile(rf"{_RDN}(?:\+{_RDN})*(?:, ?{_RDN}(?:\+{_RDN})*)*")
# The left side and the sign of an item: `mail=`, `cn;lang-de~=`, `mail:caseExactMatch:=`, `:dn:2.5.13.2:=`.
_LEFT = re.compile(
    rf"(?P<attribute>{_TYPE}(?:;[A-Za-z0-9-]+)*)?(?P<rule>(?::dn)?(?::{_TYPE})?:=|[~<>]=|=)",
)
_VALUE = re.compile(r"(?:[^()\\*\0]|\\[0-9A-Fa-f]{2}|\*)*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, order=True)
class Server:
    """One server of a directory."""

    scheme: Literal["ldap", "ldaps"]
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether what is said to it never leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, order=True)
class Filter:
    """A search filter, and the attributes in which it looks for the address."""

    text: str
    attributes: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def server(value: Any) -> Server:
    """`ldaps://host`, `ldap://host`, each with a port where it is not the usual one."""
    text = text_of(value, "a server of a directory")
    example = "for example: ldaps://ldap.example.org or ldap://ldap.example.org:389"
    found = _SERVER.fullmatch(text)
    if not found:
        raise bad("bad-server", f"'{shown(text)}' is not a server of a directory", example)
    scheme = found["scheme"]
    if scheme not in _PORTS:
        raise bad("bad-server", f"'{shown(text)}': unknown protocol", nearest(scheme, _PORTS))
    port = int(found["port"]) if found["port"] else _PORTS[scheme]
    if not 0 < port < 65536:
        raise bad("bad-server", f"'{shown(text)}': a port lies between 1 and 65535")
    return Server("ldaps" if scheme == "ldaps" else "ldap", _host(found, text, example), port)


def _host(found: re.Match[str], text: str, example: str) -> str:
    host = found["v6"] or found["name"]
    try:
        if found["v6"]:
            return str(ipaddress.IPv6Address(host))
        if host.lower() == "localhost":
            return "localhost"
        return str(ipaddress.IPv4Address(host)) if re.fullmatch(r"[0-9.]+", host) else domain_name(host)
    except (ValueError, PydanticCustomError):
        message = f"'{shown(text)}': '{shown(host)}' is neither a host name nor an address"
        raise bad("bad-server", message, example) from None


def distinguished_name(value: Any) -> str:
    """A distinguished name (RFC 4514): where the search begins, or who asks."""
    text = _line(value, "a distinguished name", "bad-dn")
    if not _DN.fullmatch(text) or text[-1] == " ":
        hint = "for example: ou=people,dc=example,dc=org; a comma inside a value is written as \\,"
        raise bad("bad-dn", f"'{shown(text)}' is not a distinguished name (RFC 4514)", hint)
    return text


def search_filter(value: Any) -> Filter:
    """A search filter (RFC 4515) with {recipient} or {local} where the address is to stand."""
    text = _line(value, "a search filter", "bad-filter")
    reading = _Reading(text)
    narrow = reading.filter()
    if reading.at != len(text):
        raise reading.wrong("the filter ends here, and more follows", "several conditions are joined: (&(…)(…))")
    if not reading.attributes:
        raise bad(
            "filter-finds-everyone",
            f"'{shown(text)}' does not ask for the address",
            "write {recipient} where it is to stand: (mail={recipient})",
        )
    if not narrow:
        raise bad(
            "filter-finds-everyone",
            f"'{shown(text)}' can find somebody whatever the address is",
            "each part of (|…) must ask for {recipient} or {local}",
        )
    return Filter(text, tuple(dict.fromkeys(reading.attributes)))


def secret_name(value: Any) -> str:
    """The name by which a secret is found among those of Ansible Vault."""
    text = text_of(value, "the name of a secret")
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,59}", text):
        hint = "a name, not the secret itself: lower-case letters, digits, - and _, for example: ldap-example"
        # What was written may be the secret itself, so it is not repeated.
        raise bad("bad-secret-name", "this is not the name of a secret", hint)
    return text


def _line(value: Any, expected: str, identity: Literal["bad-dn", "bad-filter"]) -> str:
    text = text_of(value, expected)
    message = f"'{shown(text)}' is not {expected}"
    if len(text) > MOST_TEXT:
        message = f"{expected} of at most {MOST_TEXT} characters was expected"
    elif text.isprintable() and text == text.strip() and text:
        return text
    if identity == "bad-dn":
        raise bad("bad-dn", message, "one line of printable characters is expected")
    raise bad("bad-filter", message, "one line of printable characters is expected")


class _Reading:
    """One way through a filter, from the left. Each part tells whether it is narrow: whether it holds for nobody when
    the address is nobody's."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.attributes = text, 0, list[str]()

    def wrong(self, message: str, hint: str = "") -> PydanticCustomError:
        said = f"'{shown(self.text)}', character {self.at + 1}: {message}"
        return bad("bad-filter", said, hint or "for example: (mail={recipient})")

    def filter(self, depth: int = 0, *, negated: bool = False) -> bool:
        if depth > MOST_DEPTH:
            raise self.wrong("brackets are nested too deeply")
        self._take("(")
        sign = self.text[self.at : self.at + 1]
        if sign in ("&", "|"):
            narrow = self._several(depth, all if sign == "|" else any, negated)
        elif sign == "!":
            self.at += 1
            self.filter(depth + 1, negated=True)
            narrow = False
        else:
            narrow = self._item(negated)
        self._take(")")
        return narrow

    def _several(self, depth: int, joined: Any, negated: bool) -> bool:
        self.at += 1
        parts: list[bool] = []
        while self.text[self.at : self.at + 1] == "(":
            parts.append(self.filter(depth + 1, negated=negated))
        return bool(parts) and bool(joined(parts))

    def _item(self, negated: bool) -> bool:
        left = _LEFT.match(self.text, self.at)
        if left is None:
            raise self.wrong("attribute=value was expected", "the address stands as a value alone: (mail={recipient})")
        self.at = left.end()
        found = _VALUE.match(self.text, self.at)
        value = found[0] if found else ""
        names = [name[1] for name in _PLACEHOLDER.finditer(value)]
        self._placeholders(names, left["attribute"], left["rule"], value, negated)
        self.at += len(value)
        if names:
            self.attributes.append(left["attribute"])
        return bool(names)

    def _placeholders(self, names: list[str], attribute: str | None, rule: str, value: str, negated: bool) -> None:
        for name in names:
            if name not in PLACEHOLDERS:
                hint = nearest(name or "", PLACEHOLDERS)
                raise self.wrong(f"'{{{shown(name or '')}}}' is not a placeholder", f"{hint}; a brace itself is \\7b")
        if not names:
            return
        if "*" in value:
            raise self.wrong("a * beside the address finds other people, too", "write the * as \\2a, or leave it out")
        if rule in ("~=", "<=", ">=") or not attribute:
            raise self.wrong("the address is compared with = alone")
        if negated:
            raise self.wrong("the address stands under !, which finds everyone else")

    def _take(self, sign: str) -> None:
        if self.text[self.at : self.at + 1] != sign:
            more = "a ( was expected" if sign == "(" else "a ) was expected, or a sign is not escaped"
            raise self.wrong(more)
        self.at += 1

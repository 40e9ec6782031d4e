"""Domains, mail addresses, and patterns for them, each with one normal form.

In: a scalar of the YAML file. Out: a domain in A-labels, an `Address` or a `Pattern`. How it fails: see `scalars`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import idna
from pydantic_core import PydanticCustomError

from gatepost.findings import shown
from gatepost.policy.scalars import bad, text_of

# RFC 5321 §4.5.3.1: a local part of 64 octets, a path of 256 with its angle brackets; RFC 1035: a name of 253.
MOST_LOCAL, MOST_ADDRESS, MOST_DOMAIN = 64, 254, 253

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# Some scripts write words with them; RFC 5892 says where.
_JOINERS = "\u200c\u200d"
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\[ -~])*)"')


def domain_name(value: Any) -> str:
    """A fully qualified domain in lower case and A-labels (RFC 5890); an internationalised name is converted."""
    text = text_of(value, "a domain")
    if not text.isascii() and len(text) <= MOST_DOMAIN:
        # The conversion would leave out in silence what a reader cannot see.
        for hidden in (c for c in text if not c.isprintable() and c not in _JOINERS):
            raise bad("bad-domain", f"'{shown(value)}' holds U+{ord(hidden):04X}, which cannot be seen")
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise bad("bad-domain", f"'{shown(value)}' is no internationalised domain: {shown(str(error))}") from None
    text = text.lower()
    labels = text.split(".")
    if len(text) > MOST_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        stripped = text.strip(" .@")
        hint = f"write {stripped!r}" if stripped != text and is_domain(stripped) else "for example: example.org"
        raise bad("bad-domain", f"'{shown(value)}' is not a domain", hint)
    if len(labels) < 2 or labels[-1].isdigit():
        raise bad("bad-domain", f"'{shown(value)}' is not a fully qualified domain", "for example: mail.example.org")
    return text


def is_domain(text: str) -> bool:
    """Whether a text is a domain in its normal form."""
    labels = text.split(".")
    known = len(labels) > 1 and len(text) <= MOST_DOMAIN and not labels[-1].isdigit()
    return known and all(_LABEL.fullmatch(label) for label in labels)


@dataclass(frozen=True, order=True)
class Address:
    """A mail address (RFC 5321 Mailbox). `local` is unquoted; `domain` is in A-labels and lower case."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{quoted_local(self.local)}@{self.domain}"

    @property
    def key(self) -> str:
        """What is compared: mail systems fold the case of local parts, so Gatepost does."""
        return str(self).lower()


def quoted_local(local: str) -> str:
    """A local part as it stands on the wire: in quotes where RFC 5321 asks for them."""
    if DOT_ATOM.fullmatch(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def address(value: Any) -> Address:
    """One full mail address."""
    text = text_of(value, "a mail address")
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise bad("bad-address", f"'{shown(text)}' is not a full mail address", "for example: anna@example.org")
    parsed = Address(_local_part(local, text), domain_of(domain, text))
    if len(str(parsed)) > MOST_ADDRESS:
        raise bad("bad-address", f"'{shown(text)}' is longer than {MOST_ADDRESS} characters")
    return parsed


def _local_part(local: str, text: str) -> str:
    if not local.isascii():
        raise bad(
            "bad-address",
            f"'{shown(text)}': the part before the @ may hold ASCII alone",
            "addresses that need SMTPUTF8 (RFC 6531) are not supported: most servers still refuse them",
        )
    quoted = _QUOTED.fullmatch(local)
    plain = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local
    if len(quoted_local(plain)) > MOST_LOCAL:
        raise bad("bad-address", f"'{shown(text)}': more than {MOST_LOCAL} characters before the @")
    if not plain or not (quoted or DOT_ATOM.fullmatch(local)):
        raise bad(
            "bad-address",
            f"'{shown(text)}' is not a mail address (RFC 5321)",
            'an odd part before the @ stands in quotes: "odd name"@example.org',
        )
    return plain


def domain_of(domain: str, text: str) -> str:
    try:
        return domain_name(domain)
    except PydanticCustomError as error:
        raise bad(
            "bad-address", f"'{shown(text)}': {error.message()}", str((error.context or {}).get("hint", ""))
        ) from None


@dataclass(frozen=True, order=True)
class Pattern:
    """An address (`anna@example.org`) or everyone in a domain (`@example.org`, without its subdomains)."""

    local: str | None
    domain: str

    def __str__(self) -> str:
        return f"@{self.domain}" if self.local is None else str(Address(self.local, self.domain))

    def matches(self, key: str) -> bool:
        """Whether an address in its compared form (`Address.key`) is meant."""
        return key.endswith(f"@{self.domain}") if self.local is None else key == str(self).lower()


def pattern(value: Any) -> Pattern:
    """An address or `@domain`."""
    text = text_of(value, "an address or @domain")
    if text.startswith("@"):
        return Pattern(None, domain_of(text[1:], text))
    if "@" not in text and is_domain(text.lower()):
        raise bad(
            "bad-address",
            f"'{shown(text)}' is neither an address nor @domain",
            f'for everyone in the domain: "@{shown(text)}"',
        )
    known = address(text)
    return Pattern(known.local, known.domain)

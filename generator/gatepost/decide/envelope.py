"""An envelope address as the gate reads it: the text between < and > of MAIL FROM or RCPT TO.

In: a raw text, whatever a client may send. Out: a `Path`, or None where the gate answers 501.
How it fails: never. The rules are those of Postfix with strict envelopes, where neither % nor ! routes (they were
seen on running servers): comments, groups and two words in a row are syntax errors; a source route is dropped; quotes
are taken off; one dot behind the domain is taken off.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from gatepost.policy.values import quoted_local

_ROUTE = re.compile(r"\s*@[^:\"\\]*:")
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<literal>\[[^\]\\]*(?:\]|\Z))"
    r"|(?P<sign>[.@%!:])"
    r'|(?P<word>(?:[^ \t"\[.@%!:\\<>(,;]|\\.)+)',
    re.DOTALL,
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MOST_HOST = 255
# Signs in a local part with which a next hop might route the mail on to a third party.
_ROUTING = re.compile(r"[@%!]")


IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_LOOPBACK = frozenset({ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")})


@dataclass(frozen=True)
class Path:
    """One envelope address without quotes. `domain` is in lower case, and None where the client named none.

    The null sender is the path without either. `at_server` tells that the domain is the server's own address. `told`
    is the address as the gate repeats it: as it was written, without quotes.
    """

    local: str
    domain: str | None
    at_server: bool = False
    told: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """What lists are compared with, as `Address.key`."""
        if self.domain is None:
            return self.local.lower()
        return f"{quoted_local(self.local)}@{self.domain}".lower()

    @property
    def is_null(self) -> bool:
        """Whether this is `<>`, from which notices come."""
        return not self.local and self.domain is None

    @property
    def is_complete(self) -> bool:
        """Whether the domain is fully qualified, as it was written (an address in brackets is)."""
        domain = self.told.rpartition("@")[2].rstrip(".") if self.domain else ""
        return "." in domain or domain.startswith("[")

    @property
    def is_routed(self) -> bool:
        """Whether the local part names another destination, or could be read so: `user%other.example@ours`."""
        return _ROUTING.search(self.local) is not None


def read_path(raw: str, server: frozenset[IPAddress] = frozenset()) -> Path | None:
    """What the gate makes of a raw address, or None where it is none. `server`: the server's own addresses."""
    text = raw.strip(" \t")
    while text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip(" \t")
    text = text.rstrip(">")
    tokens = _tokens(_ROUTE.sub("", text, count=1) if text.startswith("@") else text)
    if tokens is None:
        return None
    text = "".join(tokens)
    return _resolved(text, _LOOPBACK | server, told=text)


def _resolved(text: str, server: frozenset[IPAddress], told: str) -> Path | None:
    """Quotes are off by now, and the last @ counts, even one that stood in them."""
    local, at, domain = text.rpartition("@")
    if not at:
        return Path(text, None, told=told)
    domain = domain.lower()
    if domain.endswith(".") and not domain.endswith(".."):
        domain = domain[:-1]
    # What begins with @ has no local part.
    if not local or local.startswith("@") or not (_literal(domain) or _is_host(domain)):
        return None
    here = _literal(domain) in server
    # The server takes its own address off, and looks again at what is left.
    return _resolved(local, server, told) if here and "@" in local else Path(local, domain, here, told)


def _tokens(text: str) -> list[str] | None:
    """Words, quoted strings and signs, without quotes; None where they do not make one address."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        at, kind = match.end(), str(match.lastgroup)
        if kind == "blank":
            continue
        if found and "sign" not in (kind, found[-1][0]):
            return None  # two words in a row
        found.append((kind, _plain(kind, match[kind])))
    return [value for _, value in found]


def _plain(kind: str, text: str) -> str:
    """A token without escapes; a bracket that was never closed is closed."""
    if kind == "literal":
        return text.removesuffix("]") + "]"
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _literal(domain: str) -> IPAddress | None:
    """The address in a domain that is one in brackets."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    inside = domain[1:-1]
    try:
        if inside.startswith("ipv6:"):
            found = ipaddress.IPv6Address(inside[5:])
            return found.ipv4_mapped or found
        return ipaddress.IPv4Address(inside)
    except ValueError:
        return None


def _is_host(domain: str) -> bool:
    labels = domain.split(".")
    numbers_alone = all(label.isdigit() for label in labels)
    return len(domain) <= _MOST_HOST and not numbers_alone and all(_LABEL.fullmatch(label) for label in labels)

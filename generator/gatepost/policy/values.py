"""The values that a policy is made of: domains, addresses, networks, next hops, durations, sizes, texts.

In: a scalar of the YAML file. Out: a frozen value that is known to be good and has one normal form.
How it fails: with a pydantic error whose type is the finding's id and whose context holds the hint.
Nothing that passes here holds a control character, so no value can ever begin a line of its own in a config file.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import idna
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from gatepost.findings import nearest, shown

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 5321 §4.5.3.1: a local part of 64 octets, a path of 256 with its angle brackets; RFC 1035: a name of 253.
MOST_LOCAL, MOST_ADDRESS, MOST_DOMAIN = 64, 254, 253

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\[ -~])*)"')
_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"([0-9]{1,12})\s*([kKmMgG]?)B?")
# Ten years: what is longer is a slip.
_MOST_SECONDS = 3660 * 86400
# RFC 5321 §4.5.3.1.7 asks for 64 kilooctets at least; beyond two gigabytes a daemon's counter may not reach.
_LEAST_SIZE, _MOST_SIZE = 64 * 1024, 2**31 - 1
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def bad(identity: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error that becomes a finding with this id."""
    return PydanticCustomError(identity, "{text}", {"text": message, "hint": hint})


def _is_text(value: Any, expected: str) -> str:
    if not isinstance(value, str):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f'put it in quotes: "{shown(value)}"' if number else ""
        raise bad("wrong-type", f"{expected} was expected, not {_kind(value)}", hint)
    return value


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else kinds.get(type(value), "a text")


# --- domains and addresses -------------------------------------------------------------------------------------------


def domain_name(value: Any) -> str:
    """A fully qualified domain in lower case and A-labels (RFC 5890); an internationalised name is converted."""
    text = _is_text(value, "a domain")
    if not text.isascii() and len(text) <= MOST_DOMAIN:
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
    text = _is_text(value, "a mail address")
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise bad("bad-address", f"'{shown(text)}' is not a full mail address", "for example: anna@example.org")
    parsed = Address(_local_part(local, text), _domain_of(domain, text))
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


def _domain_of(domain: str, text: str) -> str:
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
    text = _is_text(value, "an address or @domain")
    if text.startswith("@"):
        return Pattern(None, _domain_of(text[1:], text))
    if "@" not in text and is_domain(text.lower()):
        raise bad(
            "bad-address",
            f"'{shown(text)}' is neither an address nor @domain",
            f'for everyone in the domain: "@{shown(text)}"',
        )
    known = address(text)
    return Pattern(known.local, known.domain)


# --- networks and next hops ------------------------------------------------------------------------------------------


def network(value: Any) -> IPNetwork:
    """An IPv4 or IPv6 network without host bits; a single address is a network of one."""
    text = _is_text(value, "a network")
    if "%" in text:
        raise bad("bad-network", f"'{shown(text)}': a network has no zone", "for example: 2001:db8::/32")
    try:
        return _not_mapped(ipaddress.ip_network(text), text)
    except PydanticCustomError:
        raise
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise bad(
            "bad-network", f"'{shown(text)}' is not a network", "for example: 192.0.2.0/24 or 2001:db8::/32"
        ) from None
    raise bad("host-bits", f"'{shown(text)}' has bits set beyond its prefix", f"did you mean {meant}?")


_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _not_mapped(found: IPNetwork, text: str) -> IPNetwork:
    """No IPv4 network in the clothes of IPv6: no daemon ever sees a client by such an address."""
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        meant = f"{found.network_address.ipv4_mapped}/{found.prefixlen - 96}"
        raise bad("bad-network", f"'{shown(text)}' is an IPv4 network", f"write {meant}")
    return found


@dataclass(frozen=True, order=True)
class NextHop:
    """Where mail of a domain is delivered. In brackets: this very host; without: its MX records are asked."""

    protocol: Literal["smtp", "lmtp"]
    host: str
    port: int
    ask_mx: bool

    def __str__(self) -> str:
        host = self.host if self.ask_mx else f"[{self.host}]"
        return f"{self.protocol}:{host}:{self.port}"


_NEXT_HOP = re.compile(
    r"(?P<protocol>[a-z]+):(?:\[(?P<exact>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?"
)
_PORTS = {"smtp": 25, "lmtp": 24}


def next_hop(value: Any) -> NextHop:
    """`smtp:[host]:25`, `lmtp:[192.0.2.1]:24`, `smtp:[2001:db8::1]:25`, or `smtp:host` to follow MX records."""
    text = _is_text(value, "a next hop")
    example = "for example: smtp:[mailstore.example.org]:25 or lmtp:[192.0.2.7]:24"
    found = _NEXT_HOP.fullmatch(text)
    if not found:
        raise bad("bad-next-hop", f"'{shown(text)}' is not a next hop", example)
    protocol = found["protocol"]
    if protocol not in _PORTS:
        raise bad("bad-next-hop", f"'{shown(text)}': unknown protocol", nearest(protocol, _PORTS))
    port = int(found["port"]) if found["port"] else _PORTS[protocol]
    if not 0 < port < 65536:
        raise bad("bad-next-hop", f"'{shown(text)}': a port lies between 1 and 65535")
    if protocol == "lmtp" and not found["exact"]:
        raise bad("bad-next-hop", f"'{shown(text)}': LMTP knows no MX records", f"write lmtp:[{found['name']}]:{port}")
    host = _hop_host(found["exact"] or found["name"], text, example)
    if not found["exact"] and _address_in(host):
        raise bad("bad-next-hop", f"'{shown(text)}': an address has no MX records", f"write {protocol}:[{host}]:{port}")
    return NextHop("smtp" if protocol == "smtp" else "lmtp", host, port, ask_mx=not found["exact"])


def _address_in(host: str) -> IPAddress | None:
    try:
        found = ipaddress.ip_address(host.lower().removeprefix("ipv6:"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _hop_host(host: str, text: str, example: str) -> str:
    found = _address_in(host)
    if found:
        if "%" in host or found.is_multicast:
            raise bad("bad-next-hop", f"'{shown(text)}': no mail can be sent to '{shown(host)}'", example)
        return str(found)
    try:
        return host.lower() if host.lower() == "localhost" else domain_name(host)
    except PydanticCustomError:
        message = f"'{shown(text)}': '{shown(host)}' is neither a host name nor an address"
        raise bad("bad-next-hop", message, example) from None


# --- durations, sizes, texts -----------------------------------------------------------------------------------------


def duration(value: Any) -> int:
    """A duration in seconds: a number and s, m, h, d or w."""
    text = _is_text(value, "a duration") if not isinstance(value, int) or isinstance(value, bool) else str(value)
    found = _DURATION.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise bad("bad-duration", f"'{shown(text)}' is not a duration", "a number and s, m, h, d or w: 36h, 90d")
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > _MOST_SECONDS:
        raise bad("bad-duration", f"'{shown(text)}' is longer than ten years")
    return seconds


def size(value: Any) -> int:
    """A size in bytes: a number, or one with k, M or G (of 1024)."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _is_text(value, "a size")
    found = _SIZE.fullmatch(text)
    if not found:
        raise bad("bad-size", f"'{shown(text)}' is not a size", "a number and k, M or G: 50M")
    octets = int(found[1]) * _BYTES[found[2].lower()]
    if not _LEAST_SIZE <= octets <= _MOST_SIZE:
        raise bad(
            "bad-size", f"'{shown(text)}' does not lie between 64k (RFC 5321 §4.5.3.1.7) and 2G", "for example 50M"
        )
    return octets


def one_line(most: int, *, ascii_alone: bool = False) -> Callable[[Any], str]:
    """A validator for a text on one line, without control characters."""

    def check(value: Any) -> str:
        text = _is_text(value, "a text")
        if not text.strip():
            raise bad("bad-text", "this text is empty")
        if len(text) > most:
            raise bad("bad-text", f"this text is longer than {most} characters")
        for character in text:
            if not character.isprintable():
                message = f"'{shown(text)}' holds U+{ord(character):04X}, which cannot be seen"
                raise bad("bad-text", message, "one line of printable characters is expected")
            if ascii_alone and not character.isascii():
                raise bad("bad-text", f"'{shown(text)}' holds {character!r}: SMTP replies are ASCII (RFC 5321 §4.2)")
        return text

    return check


PLACEHOLDERS = ("help_url", "postmaster", "recipient")
_BRACED = re.compile(r"\{([^{}]*)\}|[{}]")


def reply_text(value: Any) -> str:
    """A text for an SMTP reply, with {help_url}, {postmaster} or {recipient} in it."""
    text = one_line(300, ascii_alone=True)(value)
    for found in _BRACED.finditer(text):
        if found[1] not in PLACEHOLDERS:
            hint = nearest(found[1] or "", PLACEHOLDERS)
            raise bad("unknown-placeholder", f"'{shown(found[0])}' is not a placeholder", hint)
    return text


def url(value: Any) -> str:
    """A web address (http or https), in printable ASCII without spaces."""
    text = _is_text(value, "a web address")
    if len(text) > 200 or not re.fullmatch(r"https?://[A-Za-z0-9._~%:/?#\[\]@!$&'()*+,;=-]+", text):
        raise bad("bad-url", f"'{shown(text)}' is not a web address", "for example: https://www.example.org/mail")
    return text


def version(value: Any) -> int:
    """The version of the policy's format. `true` and `1.0` are equal to 1 for Python, but not for a reader."""
    if isinstance(value, str):
        raise bad("wrong-type", "a number was expected, not a text", "write policy: 1")
    if type(value) is not int or value != 1:
        raise bad("unknown-value", f"'{shown(value)}' is no version of this format", "write policy: 1")
    return value


def extension(value: Any) -> str:
    """A file name's extension, in lower case and without the dot."""
    text = _is_text(value, "a file name extension")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,12}", text):
        raise bad("bad-extension", f"'{shown(text)}' is not a file name extension", "without the dot: exe, js, vbs")
    return text.lower()


def date(value: Any) -> datetime.date:
    """A calendar date, YYYY-MM-DD."""
    text = _is_text(value, "a date")
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise bad("bad-date", f"'{shown(text)}' is not a date", "for example: 2027-03-01") from None


def _value(check: Callable[[Any], Any], description: str, **schema: Any) -> Any:
    """The parts of an Annotated type: how it is read, written back and described in the JSON schema."""
    plain = {"type": "string", "description": description, **schema}
    return BeforeValidator(check), PlainSerializer(str, return_type=str), WithJsonSchema(plain)


Domain = Annotated[str, *_value(domain_name, "a domain, internationalised or not", examples=["example.org"])]
MailAddress = Annotated[Address, *_value(address, "a full mail address", examples=["anna@example.org"])]
MailPattern = Annotated[Pattern, *_value(pattern, "an address, or @domain", examples=["@scam.example"])]
Network = Annotated[IPNetwork, *_value(network, "a network in CIDR form", examples=["192.0.2.0/24"])]
Hop = Annotated[NextHop, *_value(next_hop, "protocol:[host]:port", examples=["smtp:[mailstore.example.org]:25"])]
Duration = Annotated[int, *_value(duration, "a number and s, m, h, d or w", pattern=r"^[0-9]{1,6} *[smhdw]$")]
Size = Annotated[int, *_value(size, "a number of bytes, or one with k, M or G", type=["string", "integer"])]
Line = Annotated[str, *_value(one_line(200), "one line of text")]
Term = Annotated[str, *_value(one_line(100), "words to look for", examples=["urgent bank transfer"])]
ReplyText = Annotated[str, *_value(reply_text, "one line of ASCII, with {help_url}, {postmaster}, {recipient}")]
Url = Annotated[str, *_value(url, "a web address", pattern=r"^https?://")]
Extension = Annotated[str, *_value(extension, "a file name extension", pattern=r"^[A-Za-z0-9_-]{1,12}$")]
Version = Annotated[int, BeforeValidator(version), WithJsonSchema({"const": 1})]
Date = Annotated[datetime.date, *_value(date, "a date, YYYY-MM-DD", format="date")]

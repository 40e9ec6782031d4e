"""The values that a policy is made of: domains, addresses, networks, next hops, durations, sizes, texts.

In: a scalar of the YAML file. Out: a frozen value that is known to be good and has one normal form.
How it fails: with a pydantic error whose type is the finding's id and whose context holds the hint.
Nothing that passes here holds a control character, so no value can ever begin a line of its own in a config file.
"""

from __future__ import annotations

import datetime
import posixpath
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from gatepost.findings import nearest, shown
from gatepost.policy.addresses import Address, Pattern, address, domain_name, is_domain, pattern, quoted_local
from gatepost.policy.hosts import IPAddress, IPNetwork, NextHop, network, next_hop
from gatepost.policy.ldap import Filter, Server, distinguished_name, search_filter, secret_name, server
from gatepost.policy.scalars import bad, text_of

__all__ = [
    "Address",
    "Filter",
    "IPAddress",
    "IPNetwork",
    "NextHop",
    "Pattern",
    "Server",
    "address",
    "bad",
    "domain_name",
    "is_domain",
    "network",
    "next_hop",
    "pattern",
    "quoted_local",
    "search_filter",
]

_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"([0-9]{1,12})\s*([kKmMgG]?)B?")
# Ten years: what is longer is a slip.
_MOST_SECONDS = 3660 * 86400
# RFC 5321 §4.5.3.1.7 asks for 64 kilooctets at least; beyond two gigabytes a daemon's counter may not reach.
_LEAST_SIZE, _MOST_SIZE = 64 * 1024, 2**31 - 1
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def duration(value: Any) -> int:
    """A duration in seconds: a number and s, m, h, d or w."""
    text = text_of(value, "a duration") if not isinstance(value, int) or isinstance(value, bool) else str(value)
    found = _DURATION.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise bad("bad-duration", f"'{shown(text)}' is not a duration", "a number and s, m, h, d or w: 36h, 90d")
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > _MOST_SECONDS:
        raise bad("bad-duration", f"'{shown(text)}' is longer than ten years")
    return seconds


def short_time(value: Any) -> int:
    """How long a client may be kept waiting: between a second and a minute."""
    seconds = duration(value)
    if seconds > 60:
        raise bad("bad-duration", f"'{shown(value)}': the client waits meanwhile", "at most 60s")
    return seconds


def size(value: Any) -> int:
    """A size in bytes: a number, or one with k, M or G (of 1024)."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value, "a size")
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
        text = text_of(value, "a text")
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
    text = text_of(value, "a web address")
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


def just_true(value: Any) -> bool:
    """What is switched on by `true` and off by leaving it out. 1 is equal to it for Python, but not for a reader."""
    if value is not True:
        raise bad("unknown-value", f"'{shown(value)}' is not known here", "write true, or leave the key out")
    return True


def extension(value: Any) -> str:
    """A file name's extension, in lower case and without the dot."""
    text = text_of(value, "a file name extension")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,12}", text):
        raise bad("bad-extension", f"'{shown(text)}' is not a file name extension", "without the dot: exe, js, vbs")
    return text.lower()


def server_path(value: Any) -> str:
    """The path of a file on a server: absolute and plain, so that nobody has to guess what it means."""
    text = one_line(200)(value)
    plain = posixpath.normpath(text) == text and text.strip() == text
    if not text.startswith("/") or not plain or text.startswith("//") or text == "/":
        raise bad("bad-path", f"'{shown(text)}' is not the path of a file", "the whole path: /etc/ssl/certs/mx.pem")
    return text


def date(value: Any) -> datetime.date:
    """A calendar date, YYYY-MM-DD."""
    text = text_of(value, "a date")
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise bad("bad-date", f"'{shown(text)}' is not a date", "for example: 2027-03-01") from None


def _in_units(units: dict[str, int]) -> Callable[[int], str]:
    """How a number of seconds or bytes is written: in the largest unit that divides it."""
    by_size = sorted(units.items(), key=lambda unit: -unit[1])

    def write(value: int) -> str:
        return next(f"{value // one}{unit}" for unit, one in by_size if value % one == 0)

    return write


written_duration = _in_units({unit: one for unit, one in _SECONDS.items() if unit != "w"})
written_size = _in_units({unit.upper(): one for unit, one in _BYTES.items()})


def described(
    check: Callable[[Any], Any], description: str, *, write: Callable[[Any], str] = str, **schema: Any
) -> Any:
    """The parts of an Annotated type: how it is read, written back and described in the JSON schema.

    What is to be written is the title there: the description belongs to the key.
    """
    plain = {"type": "string", "title": description, **schema}
    return BeforeValidator(check), PlainSerializer(write, return_type=str), WithJsonSchema(plain)


Domain = Annotated[str, *described(domain_name, "a domain, internationalised or not", examples=["example.org"])]
MailAddress = Annotated[Address, *described(address, "a full mail address", examples=["anna@example.org"])]
MailPattern = Annotated[Pattern, *described(pattern, "an address, or @domain", examples=["@scam.example"])]
Network = Annotated[IPNetwork, *described(network, "a network in CIDR form", examples=["192.0.2.0/24"])]
Hop = Annotated[NextHop, *described(next_hop, "protocol:[host]:port", examples=["smtp:[mailstore.example.org]:25"])]
Duration = Annotated[
    int, *described(duration, "a number and s, m, h, d or w", write=written_duration, pattern=r"^[0-9]{1,6} *[smhdw]$")
]
Size = Annotated[
    int, *described(size, "a number of bytes, or one with k, M or G", write=written_size, type=["string", "integer"])
]
Line = Annotated[str, *described(one_line(200), "one line of text")]
Term = Annotated[str, *described(one_line(100), "words to look for", examples=["urgent bank transfer"])]
ReplyText = Annotated[str, *described(reply_text, "one line of ASCII, with {help_url}, {postmaster}, {recipient}")]
Url = Annotated[str, *described(url, "a web address", pattern=r"^https?://")]
Extension = Annotated[str, *described(extension, "a file name extension", pattern=r"^[A-Za-z0-9_-]{1,12}$")]
Version = Annotated[int, BeforeValidator(version), WithJsonSchema({"const": 1, "title": "1"})]
ServerPath = Annotated[str, *described(server_path, "the path of a file on the server", pattern=r"^/.")]
Switch = Annotated[bool, Field(strict=True), WithJsonSchema({"type": "boolean", "title": "true or false"})]
Date = Annotated[datetime.date, *described(date, "a date, YYYY-MM-DD", format="date")]
JustTrue = Annotated[bool, BeforeValidator(just_true), WithJsonSchema({"const": True, "title": "true"})]
ShortTime = Annotated[
    int, *described(short_time, "1s to 60s", write=written_duration, pattern=r"^[0-9]{1,2} *[sm]$", examples=["5s"])
]
LdapServer = Annotated[Server, *described(server, "ldaps://host or ldap://host", examples=["ldaps://ldap.example.org"])]
LdapFilter = Annotated[Filter, *described(search_filter, "a search filter (RFC 4515) with {recipient} or {local}")]
DistinguishedName = Annotated[
    str, *described(distinguished_name, "a distinguished name (RFC 4514)", examples=["ou=people,dc=example,dc=org"])
]
SecretName = Annotated[str, *described(secret_name, "the name of a secret", examples=["ldap-example"])]

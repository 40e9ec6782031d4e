"""What the doors of a mail server are described with: paths on the server, login names, block lists and their answers.

In: a scalar of the YAML file. Out: a text or a frozen value in its one normal form. How it fails: see `scalars`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any

from gatepost.findings import shown
from gatepost.policy.addresses import domain_name
from gatepost.policy.scalars import bad, text_of
from gatepost.policy.values import described

# What stands for the name of each host in a path.
FQDN = "{fqdn}"
_PATH = re.compile(r"(?:/[A-Za-z0-9_@+=-](?:[A-Za-z0-9._@+=-]{0,99}))+")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")
_ANSWER = re.compile(r"(127\.\d{1,3}\.\d{1,3}\.)(\d{1,3})(?:\.\.(\d{1,3}))?")
_TELLS_AN_ERROR = ipaddress.IPv4Network("127.255.255.0/24")
_NO_LISTING = ipaddress.IPv4Address("127.0.0.1")


def server_path(value: Any) -> str:
    """The path of a file on the mail server; {fqdn} in it stands for the host's name."""
    text = text_of(value, "a path")
    plain = text.replace(FQDN, "fqdn")
    if len(text) > 200 or not _PATH.fullmatch(plain):
        raise bad(
            "bad-path",
            f"'{shown(text)}' is not the path of a file on the server",
            "letters, digits and ._@+=- between slashes: /etc/letsencrypt/live/{fqdn}/fullchain.pem",
        )
    return text


def login(value: Any) -> str:
    """The name by which a person logs in: a plain word, or a whole address. Dovecot compares names in lower case."""
    text = text_of(value, "a login name")
    name, at, domain = text.partition("@")
    if not _LOGIN.fullmatch(name) or (at and domain_name(domain) != domain):
        lower = text.lower()
        hint = f"write {lower}" if lower != text and _LOGIN.fullmatch(name.lower()) else "for example: anna"
        raise bad("bad-login", f"'{shown(text)}' is not a login name: small letters, digits and ._+- are", hint)
    return text


@dataclass(frozen=True, order=True)
class Answers:
    """Answers of a block list that mean `listed`: one address below 127.0.0.0/8, or some in a row."""

    network: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.network}{self.first}" + (f"..{self.last}" if self.last > self.first else "")

    def holds(self, answer: str) -> bool:
        """Whether an answer is one of these."""
        start, _, last = answer.rpartition(".")
        return f"{start}." == self.network and last.isdigit() and self.first <= int(last) <= self.last


def answers(value: Any) -> Answers:
    """`127.0.0.2`, or `127.0.0.2..11` for all from 127.0.0.2 to 127.0.0.11."""
    text = text_of(value, "an answer")
    found = _ANSWER.fullmatch(text)
    hint = "for example: 127.0.0.2 or 127.0.0.2..11"
    try:
        ends = [ipaddress.IPv4Address(f"{found[1]}{end}") for end in (found[2], found[3] or found[2])] if found else []
    except ValueError:
        ends = []
    if not found or not ends or ends[1] < ends[0]:
        raise bad("bad-answer", f"'{shown(text)}' is not an answer of a block list", hint)
    if ends[0] in _TELLS_AN_ERROR or ends[0] <= _NO_LISTING <= ends[1]:
        message = f"'{shown(text)}': by 127.0.0.1 and 127.255.255.x a list tells an error, it lists nobody (RFC 5782)"
        raise bad("bad-answer", message, hint)
    return Answers(f"{ends[0]}".rpartition(".")[0] + ".", int(ends[0]) & 255, int(ends[1]) & 255)


ServerPath = Annotated[
    str, *described(server_path, "a path on the server; {fqdn} is its name", examples=["/etc/ssl/gatepost/chain.pem"])
]
Login = Annotated[str, *described(login, "a login name", examples=["anna"])]
ListName = Annotated[str, *described(domain_name, "the domain of a block list", examples=["zen.example.org"])]
Answer = Annotated[Answers, *described(answers, "an answer, or some in a row", examples=["127.0.0.2..11"])]

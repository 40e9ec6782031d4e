"""Bytes of a log become text that is safe to keep and to show.

In: bytes that a stranger may have chosen. Out: one line of text without control characters; what is no UTF-8 becomes
U+FFFD, what cannot be printed (terminal escapes, marks that turn the writing direction) becomes a backslash escape.
It never fails.
"""

from __future__ import annotations

import re
from typing import Final

QUOTED_ADDRESS: Final = rb'"(?:[^"\\]|\\.)*"(?:@[^<>\s"]*)?'
PLAIN_ADDRESS: Final = rb'[^<>"\s][^<>\s]*'
# An address as Postfix logs it since 3.5: in its external form, so that what is not quoted holds no blank or bracket.
ADDRESS: Final = rb"(?:" + QUOTED_ADDRESS + rb"|" + PLAIN_ADDRESS + rb")?"

_ESCAPED = re.compile(r"\\(.)")


def shown(raw: bytes) -> str:
    """The bytes as text that may be kept and shown."""
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(_printed(c) for c in text)


def _printed(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def unquoted(address: str) -> str:
    """An address as Postfix writes it inside a reply: "a b"@example.org becomes a b@example.org."""
    if not address.startswith('"'):
        return address
    local, quote, domain = address[1:].rpartition('"')
    return _ESCAPED.sub(r"\1", local) + domain if quote else address

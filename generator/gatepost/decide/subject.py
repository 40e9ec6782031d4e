"""Terms in a Subject: whole words, whatever their case and whatever blanks stand between them.

In: a term of the policy and the header's value as sent. Out: whether it is there. How it fails: never; what claims
to be encoded and is not is looked at as it stands.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import lru_cache


def holds_as_sent(term: str, subject: str) -> bool:
    """Whether the Subject holds a term without being decoded: every character beyond ASCII is part of a word."""
    return _pattern(term, r"[\w\u0080-\U0010ffff]").search(subject) is not None


def holds_decoded(term: str, subject: str) -> bool:
    """Whether the Subject holds a term once its encoded words (RFC 2047) are decoded."""
    return _pattern(term, r"\w").search(decoded(subject)) is not None


@lru_cache(maxsize=4096)
def _pattern(term: str, letter: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in term.split())
    return re.compile(rf"(?<!{letter}){words}(?!{letter})", re.IGNORECASE)


def decoded(subject: str) -> str:
    """The Subject with its encoded words decoded, or as it was sent where that cannot be done."""
    try:
        return str(make_header(decode_header(subject)))
    except (HeaderParseError, LookupError, ValueError):
        return subject

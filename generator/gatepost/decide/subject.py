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
    """Whether the Subject holds a term without being decoded: the gate looks at bytes, and folds ASCII letters."""
    return _pattern(term, re.ASCII).search(subject) is not None


def holds_decoded(term: str, subject: str) -> bool:
    """Whether the Subject holds a term once its encoded words (RFC 2047) are decoded."""
    return _pattern(term, re.UNICODE).search(decoded(subject)) is not None


@lru_cache(maxsize=4096)
def _pattern(term: str, letters: re.RegexFlag) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in term.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE | letters)


def decoded(subject: str) -> str:
    """The Subject with its encoded words decoded, or as it was sent where that cannot be done."""
    try:
        return str(make_header(decode_header(subject)))
    except (HeaderParseError, LookupError, ValueError):
        return subject

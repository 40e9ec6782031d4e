"""A Subject is never kept; its hash is, so that whoever knows the Subject finds the mail.

In: a decoded Subject. Out: the first 16 hex digits of SHA-256 over it, in small letters, each run of blanks one blank.
"""

from __future__ import annotations

import hashlib


def subject_hash(subject: str) -> str:
    """What stands in the column `subject_hash`."""
    plain = " ".join(subject.split()).lower()
    return hashlib.sha256(plain.encode("utf-8", "backslashreplace")).hexdigest()[:16]

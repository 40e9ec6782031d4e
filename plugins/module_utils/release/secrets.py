"""Secrets: filled into a staged file on the server, and nowhere else.

For    staging.
In     a file of the manifest whose content has a word in each secret's place, and the secrets.
Out    the staged file with the secrets in it, and what it then is.
Fails  with SecretError, which names the secret and never tells it.

A manifest and a bundle hold only the words that stand in for secrets, so two releases that differ in a secret alone
would be one. What tells them apart is a fingerprint of each filled file, which the control node makes of the secrets
(HMAC) and which is kept here in a file that root alone reads.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from .errors import SecretError
from .manifest import File
from .store import Filled


def secrets_fill(staged: Path, file: File, secrets: Mapping[str, str], fingerprint: str) -> Filled:
    """Put the secrets in their places. Each has exactly one."""
    content = staged.read_bytes()
    for name, word in file.secrets.items():
        if name not in secrets:
            raise SecretError(f"{file.path} needs the secret {name!r}, and it was not sent; the server is untouched")
        if content.count(word.encode()) != 1:
            raise SecretError(f"{file.path} has no place, or several, for the secret {name!r}; render the bundle anew")
    # In one pass, so that a secret that looks like another's place stays what it is.
    names = {word.encode(): name for name, word in file.secrets.items()}
    places = re.compile(b"|".join(map(re.escape, names)))
    content = places.sub(lambda place: secrets[names[place[0]]].encode(), content)
    _overwrite(staged, content)
    return Filled(fingerprint, hashlib.sha256(content).hexdigest(), len(content))


def _overwrite(staged: Path, content: bytes) -> None:
    """The file is root's alone (staging made it so); it stays the same file."""
    with staged.open("r+b") as handle:
        handle.truncate()
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())

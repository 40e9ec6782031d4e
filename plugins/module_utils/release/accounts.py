"""Owner and group names of a manifest, as the numbers of this server.

For    activation and drift, which compare and set numbers.
In     names, as they stand in a manifest.
Out    uid and gid.
Fails  with ManifestError where the account does not exist: the package that brings it is missing.
"""

from __future__ import annotations

import grp
import pwd
from functools import lru_cache

from .errors import ManifestError


@lru_cache
def uid_of(owner: str) -> int:
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError as error:
        raise ManifestError(f"a file is to belong to {owner!r}, an account this server does not have") from error


@lru_cache
def gid_of(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise ManifestError(f"a file is to belong to {group!r}, a group this server does not have") from error

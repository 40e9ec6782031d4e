"""How long a certificate on this server is still valid: for `gatepost-mx status`.

In: its path, and the time. Out: a `Validity`, whose `warning` is empty while all is well.
How it fails: a file that openssl cannot read has a warning that says so.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime

# Those who renew by themselves do so thirty days before the end: with fourteen left, something has failed.
WARN_DAYS = 14
_DAY = 86400


@dataclass(frozen=True)
class Validity:
    """A certificate's last moment; None where it cannot be told, and `trouble` says why."""

    path: str
    end: datetime | None
    trouble: str = ""

    def days(self, now: datetime) -> int | None:
        """Whole days that are left; negative once it has expired."""
        return None if self.end is None else int((self.end - now).total_seconds() // _DAY)

    def warning(self, now: datetime) -> str:
        """What the administrator must know; nothing while all is well."""
        days = self.days(now)
        if days is None or self.end is None:
            return f"{self.path}: its last day cannot be told: {self.trouble}"
        when = f"{self.end:%Y-%m-%d %H:%M} UTC"
        if days < 0:
            return f"{self.path}: it expired on {when}"
        return f"{self.path}: it expires on {when}, within {days + 1} days" if days < WARN_DAYS else ""


def validity(path: str) -> Validity:
    """Ask openssl."""
    command = ["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - our argv
    except (OSError, subprocess.SubprocessError) as error:
        return Validity(path, None, str(error))
    return parsed(path, done.stdout, done.stderr)


def parsed(path: str, said: str, complaint: str = "") -> Validity:
    """What openssl said: `notAfter=2026-12-24 11:37:58Z`."""
    try:
        end = datetime.strptime(said.strip(), "notAfter=%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return Validity(path, None, (complaint.strip().splitlines() or ["no certificate"])[0][:200])
    return Validity(path, end)

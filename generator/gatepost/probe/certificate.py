"""The certificate that a server shows.

In: DER, as it came. Out: its names, its end, and whether it signed itself.
How it fails: None for what is no certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from gatepost.findings import shown

_MOST_NAMES = 20


@dataclass(frozen=True)
class Certificate:
    """What matters of it."""

    names: tuple[str, ...]
    until: datetime
    issuer: str
    self_signed: bool

    def speaks_for(self, host: str) -> bool:
        """Whether it was made for this name."""
        wanted = host.lower().rstrip(".")
        return any(_matches(name.lower(), wanted) for name in self.names)


def read_certificate(der: bytes) -> Certificate | None:
    """Take it apart."""
    try:
        found = x509.load_der_x509_certificate(der)
        names = tuple(shown(name, 100) for name in _names(found)[:_MOST_NAMES])
        issuer = shown(found.issuer.rfc4514_string(), 100)
        return Certificate(names, found.not_valid_after_utc, issuer, found.issuer == found.subject)
    except ValueError:
        return None


def _names(found: x509.Certificate) -> list[str]:
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(name) for name in alternative.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        common = found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return [str(attribute.value) for attribute in common]


def _matches(name: str, wanted: str) -> bool:
    """A star stands for one label."""
    return name == wanted or (name.startswith("*.") and wanted.partition(".")[2] == name[2:])

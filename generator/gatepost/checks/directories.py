"""Directories: what is said of recipients must travel so that nobody on the way reads or forges it."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import Finding
from gatepost.policy import Model
from gatepost.policy.sections import Ldap


def not_in_the_clear(model: Model) -> Iterator[Finding]:
    """`tls: none` is for a directory on the mail server itself."""
    for domain, known in _directories(model):
        away = [server for server in known.servers if not server.is_here]
        if known.tls == "none" and away:
            yield Finding(
                model.places.of(("domains", model.written_domains.get(domain, domain), "recipients", "ldap", "tls")),
                "ldap-in-the-clear",
                f"whoever stands between reads the password and every address, and may answer for {away[0].host}",
                "leave tls: none out; ldap:// is then encrypted by STARTTLS",
                severity="warning",
            )


def no_endless_wait(model: Model) -> Iterator[Finding]:
    """The LDAP library of Debian 12 (OpenLDAP 2.5) knows no time-out while an ldaps:// connection begins. A server that
    takes connections and then says nothing would keep every client waiting for hours; by STARTTLS it does not."""
    for domain, known in _directories(model):
        if known.servers[0].scheme == "ldaps":
            yield Finding(
                model.places.of(
                    ("domains", model.written_domains.get(domain, domain), "recipients", "ldap", "servers")
                ),
                "ldaps-may-hang",
                "on Debian 12 a server that takes connections and then hangs holds up the mail of every domain",
                f"write ldap://{known.servers[0].host}, which is encrypted as well (STARTTLS) and has a time-out",
                severity="warning",
            )


def _directories(model: Model) -> Iterator[tuple[str, Ldap]]:
    for domain, known in model.domains.items():
        if known.recipients.ldap is not None:
            yield domain, known.recipients.ldap

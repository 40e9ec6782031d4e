"""The way from a mail server to the log host: RELP over TLS, both sides known by name.

In: the model. Out: where each host finds its certificate, quoted for rsyslog, and the check that it is good. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.bundle import Check, Need
from gatepost.policy import Model
from gatepost.render.rsyslog.quoting import quoted

PORT = 2514
# Where the playbook puts the certificates that it makes.
FOLDER = "/etc/gatepost/tls"
_DAY = 86400


@dataclass(frozen=True)
class Certificate:
    """Paths on a host."""

    ca: str
    certificate: str
    key: str

    @property
    def quoted(self) -> Certificate:
        """The same as they stand in rsyslog.conf."""
        return Certificate(quoted(self.ca), quoted(self.certificate), quoted(self.key))

    @property
    def checks(self) -> tuple[Check, ...]:
        """It must be signed by that authority and be good for a day yet; and the key must be there."""
        return (
            Check(
                "the certificate for the log host is signed and in date",
                argv=("openssl", "verify", "-CAfile", self.ca, self.certificate),
            ),
            Check(
                "the certificate for the log host is good for a day",
                argv=("openssl", "x509", "-noout", "-checkend", str(_DAY), "-in", self.certificate),
            ),
            Check("the certificate's key can be read", argv=("openssl", "pkey", "-noout", "-in", self.key)),
        )


def certificate(model: Model) -> Certificate:
    """The host's certificate: yours, or the one that the playbook makes."""
    tls = model.policy.logs.tls
    if tls is not None:
        return Certificate(tls.ca, tls.certificate, tls.key)
    return Certificate(f"{FOLDER}/ca.pem", f"{FOLDER}/certificate.pem", f"{FOLDER}/key.pem")


def needs(model: Model) -> tuple[Need, ...]:
    """What the playbook has to bring."""
    return () if model.policy.logs.tls else ("certificate",)

"""The doors of a mail server: TLS, mail from people who log in, and what is asked before a stranger speaks.

In: plain data. Out: frozen sections of the policy; their descriptions are what the administrator reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gatepost.policy import values as v
from gatepost.policy.door_values import Answer, ListName, Login, ServerPath
from gatepost.policy.section import Section


def _some(given: Any) -> Any:
    """At least one; asked when each of them is good, so that one mistake is told once."""
    if not given:
        raise v.bad("bad-value", "at least one is needed here")
    return given


class Tls(Section):
    """Encryption. Without a certificate none is offered, and nobody can log in."""

    certificate: ServerPath | None = Field(
        None,
        description="The certificate with its chain, on the mail server. Its expiry and its key are checked before "
        "each release, and each day.",
    )
    key: ServerPath | None = Field(
        None, description="The key of the certificate, on the mail server, readable by root."
    )
    outgoing: Literal["dane", "may"] = Field(
        "dane",
        description="Mail that goes out: dane verifies hosts that publish keys in DNSSEC, on servers of which the "
        "inventory says gatepost_validating_resolver: true; elsewhere, and with may, TLS is used where it is offered.",
    )

    @model_validator(mode="after")
    def _both(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise v.bad("certificate-and-key", "a certificate and its key go together", "write certificate: and key:")
        return self


Each = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Submission(Section):
    """Mail from people who log in, on ports 587 (STARTTLS) and 465 (TLS from the start). They may send to anyone."""

    users: (
        Annotated[dict[Login, Annotated[tuple[v.MailAddress, ...], AfterValidator(_some)]], AfterValidator(_some)]
        | None
    ) = Field(None, description="Who may log in, and the sender addresses of each.")
    users_file: v.Line | None = Field(
        None,
        description="Instead of users: a text file, one `name: address, address` a line. The path starts at the "
        "policy's folder.",
    )
    passwords: ServerPath = Field(
        "/etc/gatepost/passwords",
        description="On the mail server: one `name:{SCHEME}hash` a line, as `doveadm pw` makes it. Readable by the "
        "group dovecot, and by nobody else.",
    )
    connections: Each = Field(20, description="The most connections that one client may have at a time.")
    mails_per_minute: Each = Field(60, description="The most mails that one client may send in a minute.")
    recipients_per_minute: Each = Field(600, description="The most recipients that one client may name in a minute.")
    mails_per_hour: Each = Field(
        200,
        description="The most mails that one user may send in an hour, from wherever. A stolen password sends no more.",
    )
    recipients_per_hour: Each = Field(1000, description="The most recipients that one user may write to in an hour.")

    @model_validator(mode="after")
    def _one_source(self) -> Submission:
        if (self.users is None) == (self.users_file is None):
            raise v.bad("one-source", "exactly one source of users was expected", "write users: or users_file:")
        return self


Weight = Annotated[int, Field(strict=True, ge=1, le=100)]


class BlockList(Section):
    """A list in the DNS of clients that are known for spam (RFC 5782)."""

    name: ListName = Field(description="The domain in which the list is asked.")
    answers: Annotated[tuple[Answer, ...], AfterValidator(_some)] = Field(
        description="The answers that count: 127.0.0.2, or 127.0.0.2..11. Any other answer weighs nothing."
    )
    weight: Weight = Field(1, description="What a listing weighs.")


class FrontDoor(Section):
    """What is asked of an outside client before it may speak. Internal networks, partners and allowed clients pass."""

    greet_wait: Annotated[v.Duration, Field(ge=1, le=30)] = Field(
        4, description="How long a new client must wait for the greeting. Who talks before it is refused."
    )
    block_lists: tuple[BlockList, ...] = Field((), description="Block lists in the DNS.")
    refuse_at: Weight = Field(1, description="Who weighs so much on all block lists together is refused.")

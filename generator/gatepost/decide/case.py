"""The case that the steps look at, and what each of them says of it.

A step is a small function from a case to what it has to say; `None` when its question does not arise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gatepost.decide.attempt import Action, Attempt, Step
from gatepost.decide.envelope import Path, read_path
from gatepost.policy import Entry, Model
from gatepost.policy.values import IPAddress


@dataclass(frozen=True)
class Case:
    """An attempt under a policy, with its addresses as the gate reads them. None: they are no addresses."""

    model: Model
    attempt: Attempt

    @cached_property
    def client(self) -> IPAddress:
        """The client; the gate takes an IPv4 address in IPv6's clothes for what it is."""
        return getattr(self.attempt.client, "ipv4_mapped", None) or self.attempt.client

    @cached_property
    def sender(self) -> Path | None:
        """The sender."""
        return read_path(self.attempt.sender, self.attempt.server_addresses)

    @cached_property
    def recipient(self) -> Path | None:
        """The recipient as named in the envelope."""
        recipient = read_path(self.attempt.recipient, self.attempt.server_addresses)
        return None if recipient is None or recipient.is_null else recipient

    @cached_property
    def is_bare_postmaster(self) -> bool:
        """Whether the recipient is `postmaster` without a domain."""
        return self.recipient is not None and self.recipient.key == "postmaster"

    @cached_property
    def is_logged_in(self) -> bool:
        """Whether somebody has logged in whom the policy knows (or of whom only that is said)."""
        name = self.attempt.login
        return self.attempt.authenticated if name is None else name.lower() in self.model.logins

    @cached_property
    def may_relay(self) -> bool:
        """Whether this client may send to anyone."""
        return self.is_logged_in or self.model.is_internal(self.client)

    @property
    def domain(self) -> str | None:
        """The recipient's domain, when it is one of ours."""
        domain = self.recipient.domain if self.recipient else None
        return domain if domain in self.model.domains else None

    @cached_property
    def delivered(self) -> Path:
        """The recipient once `postmaster` is resolved: what is filtered, and where the mail goes."""
        postmaster = self.model.policy.organisation.postmaster
        recipient = self.recipient or Path("postmaster", None)
        stands_in = recipient.local.lower() == "postmaster" and self.domain in self.model.stand_in_postmasters
        if self.is_bare_postmaster or stands_in:
            return Path(postmaster.local, postmaster.domain)
        return recipient

    def entries(self, name: str, kind: str) -> Iterator[tuple[str, Entry]]:
        """The entries of `allow` or `block` of one kind, each with the policy line it stands on."""
        for index, entry in enumerate(getattr(self.model.policy.filtering, name)):
            if entry.kind == kind:
                yield self.model.line("filtering", name, index, kind), entry

    def line(self, *path: str | int) -> str:
        """How a line of the policy is named."""
        return self.model.line(*path)


@dataclass(frozen=True)
class End:
    """What ends the way: the action, and the reply that the client sees."""

    action: Action
    code: int
    enhanced: str
    text: str


@dataclass(frozen=True)
class Said:
    """What a step has to say: the step itself, the end if it is one, and what a delivered mail is to carry."""

    step: Step
    end: End | None = None
    tagged: bool = False
    marked: bool = False


Ask = Callable[[Case], Said | None]


def goes_on(what: str, outcome: str, line: str) -> Said:
    """The step has no objection."""
    return Said(Step(what, outcome, line))


def refused(what: str, outcome: str, line: str, reply: tuple[int, str, str]) -> Said:
    """The step refuses, with this reply."""
    return Said(Step(what, outcome, line), End("reject", *reply))


# The reply to a mail that the gate takes, whatever happens to it behind.
TAKEN = (250, "2.0.0", "Ok")


def put_off(what: str, outcome: str, line: str, reply: tuple[int, str, str]) -> Said:
    """The step cannot tell at the moment: the client is to come again."""
    return Said(Step(what, outcome, line), End("defer", *reply))


def kept_back(what: str, outcome: str, line: str, action: Action) -> Said:
    """The step stops a mail that the gate has taken already: its sender hears nothing of it."""
    return Said(Step(what, outcome, line), End(action, *TAKEN))

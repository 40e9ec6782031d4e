"""The allow and block lists: which entry speaks of a mail.

An allow entry spares a mail all block entries of its kind, so both lists are asked by kind.
"""

from __future__ import annotations

from collections.abc import Callable

from gatepost.decide.case import Case
from gatepost.decide.subject import holds_as_sent, holds_decoded
from gatepost.policy import KINDS, Entry

Matches = Callable[[Entry], bool]


def first(case: Case, name: str, kind: str, matches: Matches) -> str | None:
    """The policy line of the first entry of this kind that matches."""
    return next((line for line, entry in case.entries(name, kind) if matches(entry)), None)


def by_client(case: Case) -> Matches:
    """Entries that mean the client."""
    return lambda entry: (
        entry.client is not None and (case.client.version == entry.client.version and case.client in entry.client)
    )


def by_sender(case: Case) -> Matches:
    """Entries that mean the sender."""
    key = case.sender.key if case.sender else ""
    return lambda entry: entry.sender is not None and entry.sender.matches(key)


def by_recipient(case: Case) -> Matches:
    """Entries that mean the recipient as named in the envelope."""
    key = case.recipient.key if case.recipient else ""
    return lambda entry: entry.recipient is not None and entry.recipient.matches(key)


def by_destination(case: Case) -> Matches:
    """Entries that mean the foreign domain of the recipient."""
    domain = case.recipient.domain if case.recipient else None
    return lambda entry: entry.destination == domain


def by_term_as_sent(case: Case) -> Matches:
    """Entries whose term stands in the Subject as sent."""
    return lambda entry: entry.term is not None and holds_as_sent(entry.term, case.attempt.subject or "")


def by_term_decoded(case: Case) -> Matches:
    """Entries whose term stands in the decoded Subject."""
    return lambda entry: entry.term is not None and holds_decoded(entry.term, case.attempt.subject or "")


def allowed_behind_the_gate(case: Case) -> str | None:
    """The allow entry, of whatever kind, that spares a mail the spam filter."""
    key, domain = case.delivered.key, case.delivered.domain
    matching: dict[str, Matches] = {
        "sender": by_sender(case),
        "client": by_client(case),
        "recipient": lambda entry: entry.recipient is not None and entry.recipient.matches(key),
        "destination": lambda entry: entry.destination == domain,
        "term": by_term_decoded(case),
    }
    return next((line for kind in KINDS if (line := first(case, "allow", kind, matching[kind]))), None)

"""At the doors: what is asked before a client may speak, and of people who log in.

In and out as in `gate`. `FRONT` is asked before all else, `login` once the client has named a recipient, and `owner` of
its sender.
"""

from __future__ import annotations

from gatepost.decide.case import Ask, Case, Said, goes_on, refused
from gatepost.policy.doors import BlockList

SUBMISSION = (587, 465)


def closed(case: Case) -> Said | None:
    """Does anybody listen at this port? Code 0 is no reply at all."""
    submission = case.model.policy.submission
    if case.attempt.port not in SUBMISSION or (submission and (case.attempt.tls or case.attempt.port == 587)):
        return None
    outcome = "TLS from the first byte is expected" if submission else "closed"
    return refused("door", outcome, case.line("submission"), (0, "", "no answer"))


def starttls(case: Case) -> Said | None:
    """Where people log in nothing is heard before TLS."""
    if case.attempt.port != 587 or case.attempt.tls:
        return None
    reply = (530, "5.7.0", "Must issue a STARTTLS command first")
    return refused("door", "nothing is heard before TLS", case.line("submission"), reply)


def greeting(case: Case) -> Said | None:
    """Did the client wait for the greeting? A client that is known passes unasked."""
    if case.attempt.port in SUBMISSION or not case.attempt.talks_early:
        return None
    line = case.line("front_door", "greet_wait")
    if case.model.passes_unasked(case.client):
        return goes_on("greeting", "a known client is not asked to wait", line)
    return refused("greeting", "talks before it is greeted", line, (550, "5.5.1", "Protocol error"))


def block_lists(case: Case) -> Said | None:
    """What does the client weigh on block lists? A list without a listed answer weighs nothing."""
    if case.attempt.port in SUBMISSION or not case.attempt.listings:
        return None
    door, line = case.model.policy.front_door, case.line("front_door", "refuse_at")
    if case.model.passes_unasked(case.client):
        return goes_on("block lists", "not asked about a known client", line)
    weights = {known.name: _weight(known, case) for known in door.block_lists}
    weight = sum(weights.values())
    if weight < door.refuse_at:
        return goes_on("block lists", f"weighs {weight}", line)
    heaviest = max(weights, key=lambda name: weights[name])
    text = f"Service unavailable; client [{case.client}] blocked using {heaviest}"
    return refused("block lists", f"weighs {weight}", line, (550, "5.7.1", text))


def _weight(known: BlockList, case: Case) -> int:
    """A list weighs once for each network of answers (RFC 5782: a list may answer several times)."""
    found = [answer for name, answer in case.attempt.listings if name.lower() == known.name]
    networks = {counted.network for counted in known.answers for answer in found if counted.holds(answer)}
    return known.weight * len(networks)


def login(case: Case) -> Said | None:
    """Has somebody logged in whom the policy knows?"""
    if case.attempt.port not in SUBMISSION:
        return None
    if not case.is_logged_in:
        reply = (530, "5.7.0", "Authentication required")
        return refused("login", "nobody whom the policy knows", case.line("submission"), reply)
    return goes_on("login", case.attempt.login or "logged in", _user_line(case))


def owner(case: Case) -> Said | None:
    """Does the sender address belong to who has logged in? The null sender is nobody's: receipts are sent from it."""
    name, sender = case.attempt.login, case.sender
    if name is None or sender is None or sender.is_null or case.attempt.port not in SUBMISSION:
        return None
    if sender.key in case.model.logins.get(name.lower(), ()):
        return goes_on("sender", f"an address of {name}", _user_line(case))
    text = f"Sender address rejected: not owned by user {name.lower()}"
    return refused("sender", f"no address of {name}", _user_line(case), (553, "5.7.1", text))


def _user_line(case: Case) -> str:
    submission, name = case.model.policy.submission, (case.attempt.login or "").lower()
    if submission is None or submission.users_file is not None:
        return case.line("submission", "users_file")
    return case.line("submission", "users", name) if name in case.model.logins else case.line("submission", "users")


FRONT: tuple[Ask, ...] = (closed, starttls, greeting, block_lists)

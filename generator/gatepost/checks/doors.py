"""The doors: who logs in needs TLS and writes as one of us; a block list counts once, and all of them can refuse."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import Finding, Place, nearest, shown
from gatepost.policy import Model


def login_is_encrypted(model: Model) -> Iterator[Finding]:
    """A password is never sent in the clear, so submission needs a certificate."""
    if model.policy.submission and not model.policy.tls.certificate:
        place = model.places.of_key(("submission",))
        message = "nobody can log in without TLS, and no certificate is named"
        yield Finding(place, "submission-without-tls", message, "write tls: {certificate: …, key: …}")


def senders_are_ours(model: Model) -> Iterator[Finding]:
    """Who logs in writes with an address of our own domains; that nobody can answer to it is told."""
    for name, addresses in sorted(model.logins.items()):
        for number, key in _in_order(model, name, addresses):
            domain = key.rpartition("@")[2]
            place = _place(model, name, number)
            if domain not in model.domains:
                message = f"{shown(name)}: {shown(domain)} is none of our domains"
                yield Finding(place, "foreign-sender", message, nearest(domain, model.domains))
            elif key not in model.recipients.get(domain, ()):
                message = f"{shown(name)}: {shown(key)} is not among the recipients of {domain}"
                hint = "answers to it will be refused"
                yield Finding(place, "sender-gets-no-answer", message, hint, severity="warning")


def _in_order(model: Model, name: str, addresses: frozenset[str]) -> Iterator[tuple[int, str]]:
    users = model.policy.submission and model.policy.submission.users
    keys = [known.key for known in users[name]] if users else sorted(addresses)
    return iter(enumerate(keys))


def _place(model: Model, name: str, number: int) -> Place:
    submission = model.policy.submission
    if submission and submission.users_file:
        return model.places.of(("submission", "users_file"))
    return model.places.of(("submission", "users", name, number))


def each_list_once(model: Model) -> Iterator[Finding]:
    """A list that is named twice would weigh twice."""
    seen: dict[str, int] = {}
    for index, known in enumerate(model.policy.front_door.block_lists):
        first = seen.setdefault(known.name, index)
        if first != index:
            line = model.places.of(("front_door", "block_lists", first)).line
            place = model.places.of(("front_door", "block_lists", index, "name"))
            yield Finding(place, "duplicate-list", f"this list stands already in line {line}", "name all answers there")


def lists_can_refuse(model: Model) -> Iterator[Finding]:
    """Lists that all together weigh less than refuse_at refuse nobody."""
    door = model.policy.front_door
    # A list counts once for each network of its answers.
    weight = sum(known.weight * len({answer.network for answer in known.answers}) for known in door.block_lists)
    if door.block_lists and weight < door.refuse_at:
        message = f"all block lists together weigh {weight}: nobody is ever refused"
        place = model.places.of(("front_door", "refuse_at"))
        yield Finding(place, "refuse-at-out-of-reach", message, f"refuse_at: {weight} or less was expected")

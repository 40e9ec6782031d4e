"""Lock-outs: partners must leave a world that can be locked out, and a lock-out must outlast the count before it."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.checks.networks import is_world, large_together
from gatepost.findings import Finding, PolicyPath
from gatepost.policy import Model
from gatepost.policy.values import IPNetwork, written_duration

_PARTNERS = ("networks", "partners")
_LOCK_OUT = ("unknown_recipients", "lock_out")


def partners_are_few(model: Model) -> Iterator[Finding]:
    """A partner is never locked out: a list that means the world would let everybody guess."""
    partners = model.policy.networks.partners
    wide = [index for index, network in enumerate(partners) if is_world(network)]
    for index in wide:
        message = f"{partners[index]} is a large part of the Internet"
        hint = "name the networks of your partners alone"
        yield Finding(model.places.of((*_PARTNERS, index)), "partner-too-wide", message, hint)
    if not wide and large_together(partners):
        message = "the partners' networks together are a large part of the Internet"
        yield Finding(model.places.of(_PARTNERS), "partner-too-wide", message, "name your partners alone")


def partners_are_strangers(model: Model) -> Iterator[Finding]:
    """Who is internal may do more than a partner already: one of the two lines is a slip."""
    for index, partner in enumerate(model.policy.networks.partners):
        both = next((own for own in model.policy.networks.internal if _overlap(own, partner)), None)
        if both is not None and not is_world(partner) and not is_world(both):
            message = f"{partner} has addresses of {both}, which is internal: those may send to anyone"
            hint = "name a partner's own networks alone"
            place = model.places.of((*_PARTNERS, index))
            yield Finding(place, "partner-is-internal", message, hint, severity="warning")


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def outlasts_the_count(model: Model) -> Iterator[Finding]:
    """Who is let in again while his guesses still count is locked out again at once; each lock-out is a longer one."""
    rule = model.policy.unknown_recipients.lock_out
    if rule.lasts < rule.within:
        message = f"the lock-out ({written_duration(rule.lasts)}) is shorter than the time in which is counted"
        hint = f"within ({written_duration(rule.within)}) ≤ for was expected; what is not written has a default"
        yield Finding(model.places.of(_written(model, "for", "within")), "lock-out-too-short", message, hint)
    elif rule.at_most < rule.lasts:
        message = f"the longest lock-out is shorter than the first one ({written_duration(rule.lasts)})"
        hint = "for ≤ longest was expected"
        yield Finding(model.places.of((*_LOCK_OUT, "longest")), "lock-out-too-short", message, hint)


def _written(model: Model, *keys: str) -> PolicyPath:
    """The first of these keys that the policy writes itself."""
    paths = [(*_LOCK_OUT, key) for key in keys]
    return next((path for path in paths if model.places.written(path)), paths[0])

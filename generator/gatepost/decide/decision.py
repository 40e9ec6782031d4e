"""The decision: all steps, one after the other, until one of them ends it."""

from __future__ import annotations

from gatepost.decide.attempt import Attempt, Step, Verdict
from gatepost.decide.behind import FILTER
from gatepost.decide.case import TAKEN, Ask, Case, End, Said
from gatepost.decide.doors import FRONT
from gatepost.decide.gate import ANNOUNCED, CONNECTED, DATA, ENVELOPE
from gatepost.policy import Model


def decide(model: Model, attempt: Attempt) -> Verdict:
    """What must happen to an attempt under a policy. Never raises."""
    case = Case(model, attempt)
    said: list[Said] = []
    for ask in _chain(case):
        answer = ask(case)
        if answer is None:
            continue
        said.append(answer)
        if answer.end:
            return _ended(case, answer.end, said)
    return _delivered(case, said)


def _chain(case: Case) -> tuple[Ask, ...]:
    envelope = () if case.is_bare_postmaster else ENVELOPE
    return (*FRONT, *CONNECTED, *ANNOUNCED, *envelope, *DATA, *FILTER)


def _ended(case: Case, end: End, said: list[Said]) -> Verdict:
    steps = tuple(answer.step for answer in said)
    # A mail that was taken is in a lane, and has a recipient; one that was refused has neither.
    taken = end.code == TAKEN[0]
    return Verdict(
        end.action,
        end.code,
        end.enhanced,
        end.text,
        steps,
        lane="normal" if taken else None,
        recipient=case.delivered.key if taken else None,
        next_hop=_next_hop(case)[0] if taken and end.action == "defer" else None,
    )


def _delivered(case: Case, said: list[Said]) -> Verdict:
    hop, line = _next_hop(case)
    steps = (*(answer.step for answer in said), Step("next hop", hop, line))
    return Verdict(
        "accept",
        *TAKEN,
        steps,
        lane="normal",
        next_hop=hop,
        recipient=case.delivered.key,
        tagged=any(answer.tagged for answer in said),
        marked=any(answer.marked for answer in said),
    )


def _next_hop(case: Case) -> tuple[str, str]:
    """Where the mail goes: the domain's own next hop, or the MX records of a foreign one."""
    domain = case.delivered.domain or ""
    if domain in case.model.domains:
        return str(case.model.domains[domain].deliver_to), case.line("domains", domain, "deliver_to")
    return f"smtp:{domain}", "always (RFC 5321 §5.1: its MX records)"

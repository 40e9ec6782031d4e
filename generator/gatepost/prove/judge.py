"""The judge: what decide says of a probe beside what the server did.

In: a probe and what was seen. Out: a `Result`: ok, differs (with every reason), or unknown.
How it fails: never; what cannot be told is unknown, never ok.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from gatepost.decide import Verdict, decide
from gatepost.findings import PolicyPath
from gatepost.policy import Model
from gatepost.prove.probe import Probe
from gatepost.prove.seen import Arrival, Reply, Seen

Outcome = Literal["ok", "differs", "unknown"]


@dataclass(frozen=True)
class Result:
    """One proof: what was tried, what must happen, what did happen. `probe` is None for what is no mail."""

    host: str
    what: str
    outcome: Outcome
    expected: str
    got: str
    # The policy lines that this truly speaks of.
    proves: tuple[PolicyPath, ...] = ()
    reasons: tuple[str, ...] = ()
    probe: Probe | None = None
    seen: Seen | None = None
    verdict: Verdict | None = None


def judge(model: Model, probe: Probe, seen: Seen) -> Result:
    """Compare."""
    if probe.origin is None:
        return _unknown(probe, seen, probe.homeless)
    if seen.error or not seen.replies:
        return _unknown(probe, seen, seen.error or "it was not sent")
    if seen.replies[-1].code == 421:
        return _unknown(probe, seen, f"the server does not serve: {seen.replies[-1]}")
    if doubt := _source_doubt(model, probe, seen.replies[-1]):
        return _unknown(probe, seen, doubt)
    verdict = _verdict(model, probe, seen)
    differences = (*_differences(probe, verdict, seen), *_takes_everyone(model, probe, verdict, seen))
    doubts = tuple(_doubts(probe, verdict, seen))
    if differences and _kept_for_its_score(model, probe, verdict, seen):
        differences, doubts = (), (f"kept back as spam, as this policy wants it at {seen.score:g} points",)
    outcome: Outcome = "differs" if differences else "unknown" if doubts else "ok"
    return Result(
        probe.host,
        probe.what,
        outcome,
        expected(probe, verdict),
        got(seen),
        tuple(path for path in probe.proves if _speaks_of(model, verdict, path, probe, seen)),
        differences or doubts,
        probe,
        seen,
        verdict,
    )


def _unknown(probe: Probe, seen: Seen, reason: str) -> Result:
    return Result(probe.host, probe.what, "unknown", "", "no answer", probe.proves, (reason,), probe, seen)


def _source(model: Model, probe: Probe) -> str | None:
    """Who alone knows whether a probe's recipient exists."""
    domain = probe.attempt.recipient.rpartition("@")[2].lower()
    return model.asked(domain) if domain in model.domains else None


def _source_doubt(model: Model, probe: Probe, reply: Reply) -> str | None:
    """Why an answer says nothing of the policy: who is asked for recipients does not answer, or does not know one."""
    source = _source(model, probe)
    if source and (reply.code, reply.enhanced) in ((451, "4.3.0"), (450, "4.1.1")):
        return f"{source} does not answer for it: {reply}"
    unforeseen = probe.attempt.recipient_exists is None and reply.enhanced == "5.1.1"
    return f"{source} does not know {probe.attempt.recipient}" if source and unforeseen else None


def _takes_everyone(model: Model, probe: Probe, verdict: Verdict, seen: Seen) -> Iterator[str]:
    taken = verdict.enhanced == "5.1.1" and seen.replies[-1].code == 250
    if taken and (source := _source(model, probe)):
        yield f"{source} takes an address that nobody has: mail to such addresses would be returned to forged senders"


def _verdict(model: Model, probe: Probe, seen: Seen) -> Verdict:
    """What decide says, of the client that really came and with the score that the server really found."""
    attempt = probe.attempt
    if probe.origin and not probe.origin.bound and seen.client:
        attempt = replace(attempt, client=ipaddress.ip_address(seen.client))
    plain = decide(model, attempt)
    if seen.score is None or attempt.spam_score:
        return plain
    scored = decide(model, replace(attempt, spam_score=seen.score))
    # An ordinary mail must not turn into spam on the way: there the score only says what the mail carries.
    return scored if probe.by_score or scored.action == plain.action else plain


def _kept_for_its_score(model: Model, probe: Probe, verdict: Verdict, seen: Seen) -> bool:
    """Whether all that is wrong with a probe is that it looks like spam, to a policy that is very strict."""
    if seen.score is None or verdict.action != "accept" or probe.attempt.spam_score:
        return False
    scored = decide(model, replace(probe.attempt, spam_score=seen.score))
    return scored.action == "quarantine" and not any(_differences(probe, scored, seen))


def _speaks_of(model: Model, verdict: Verdict, path: PolicyPath, probe: Probe, seen: Seen) -> bool:
    """Whether decide names this line: an entry may be shadowed by another, a score fall below a threshold."""
    named = {step.line for step in verdict.steps}
    if path[:2] in (("filtering", "allow"), ("filtering", "block")):
        near_miss = verdict.action == "accept" and path[1] == "block"
        return model.line(*path) in named or near_miss
    if path == ("organisation", "help_url"):
        return (model.policy.organisation.help_url or "?") in verdict.text
    if path[:2] == ("filtering", "spam"):
        return model.line(*path) in named and (not probe.by_score or seen.score is not None)
    return True


# --- the reply -------------------------------------------------------------------------------------------------------


def _differences(probe: Probe, verdict: Verdict, seen: Seen) -> Iterator[str]:
    reply = seen.replies[-1]
    if verdict.action == "reject":
        yield from _refusal(probe, verdict, reply)
        if seen.arrived:
            yield f"it arrived all the same, in the mailbox of {seen.arrived[0].mailbox}"
        if seen.quarantined:
            yield "it lies in quarantine"
    elif reply.code != 250 or (probe.mail is not None and reply.command != "."):
        yield f"expected 250, answered {reply}"
    elif probe.mail is not None:
        yield from _ending(probe, verdict, seen)
    for notice in seen.notices:
        yield f"a notice about it was sent to {notice.mailbox}: {notice.header('Subject') or 'without a subject'}"


def _refusal(probe: Probe, verdict: Verdict, reply: Reply) -> Iterator[str]:
    if probe.loose and 500 <= reply.code < 600:
        return
    if reply.code != verdict.code:
        yield f"expected {verdict.code} {verdict.enhanced}, answered {reply}"
        return
    if reply.enhanced != verdict.enhanced:
        yield f"expected the enhanced code {verdict.enhanced}, answered {reply}"
    if " ".join(verdict.text.split()) not in reply.text:
        yield f"the reply lacks the words {verdict.text!r}: {reply}"
    if verdict.enhanced == "5.1.1" and "User unknown" not in reply.text:
        yield f"the reply lacks the words 'User unknown': {reply}"


# --- the end ---------------------------------------------------------------------------------------------------------


def _ending(probe: Probe, verdict: Verdict, seen: Seen) -> Iterator[str]:
    """Where a mail that was taken must be found, and where not."""
    if verdict.action == "accept":
        yield from _delivery(verdict, seen)
        return
    if seen.arrived:
        yield f"expected to be kept back, but it arrived in the mailbox of {seen.arrived[0].mailbox}"
    if verdict.action == "quarantine" and not seen.quarantined and not _silent(seen):
        yield f"not in quarantine{_whereabouts(seen)}"
    if verdict.action == "discard" and seen.quarantined:
        yield "expected to be discarded, but it lies in quarantine"


def _delivery(verdict: Verdict, seen: Seen) -> Iterator[str]:
    wanted = (verdict.recipient or "").lower()
    there = [arrival for arrival in seen.arrived if arrival.mailbox.lower() == wanted]
    for arrival in seen.arrived:
        if arrival not in there:
            yield f"it arrived in the mailbox of {arrival.mailbox}, not of {wanted}"
    if seen.quarantined:
        yield f"expected to be delivered, but it lies in quarantine{_scored(seen)}"
    if len(there) > 1:
        yield f"it arrived {len(there)} times"
    if there:
        yield from _carries(verdict, there[0], seen)
    elif not seen.quarantined and not seen.unread and not _silent(seen):
        yield f"it did not arrive in the mailbox of {wanted}{_whereabouts(seen)}"


def _carries(verdict: Verdict, arrival: Arrival, seen: Seen) -> Iterator[str]:
    if arrival.header("X-Virus-Scanned") is None:
        yield "it was delivered without the scanner's header (X-Virus-Scanned)"
    marked = (arrival.header("X-Spam-Flag") or "").strip().upper() == "YES"
    if marked != verdict.marked:
        yield f"it is {'' if marked else 'not '}marked as spam{_scored(seen)}"
    tagged = arrival.header("X-Spam-Status") is not None or arrival.header("X-Spam-Score") is not None
    if tagged and not verdict.tagged:
        yield f"it tells a spam score{_scored(seen)}, and should not"


def _scored(seen: Seen) -> str:
    return "" if seen.score is None else f", with a score of {seen.score:g}"


def _whereabouts(seen: Seen) -> str:
    return f"; it waits in a queue: {seen.queued[0]}" if seen.queued else ""


def _silent(seen: Seen) -> bool:
    return seen.server_error is not None


def _doubts(probe: Probe, verdict: Verdict, seen: Seen) -> Iterator[str]:
    """Why the end of a mail that was taken cannot be told."""
    if probe.mail is None or verdict.action == "reject":
        return
    if verdict.action == "accept" and not seen.arrived:
        yield from seen.unread
    if verdict.action != "accept" or not seen.arrived:
        yield from [seen.server_error] if seen.server_error else []


# --- words -----------------------------------------------------------------------------------------------------------


def expected(probe: Probe, verdict: Verdict) -> str:
    """What must happen, in a few words."""
    reply = f"{verdict.code} {verdict.enhanced}"
    if verdict.action == "reject":
        return "refused" if probe.loose else reply
    if probe.mail is None:
        return "250"
    ends = {
        "accept": f"delivered to {verdict.recipient}{', marked' if verdict.marked else ''}",
        "quarantine": "quarantined",
        "discard": "discarded",
        "defer": "waits",
    }
    return f"250, {ends[verdict.action]}"


def got(seen: Seen) -> str:
    """What did happen, in a few words."""
    reply = seen.last
    words = [str(reply) if reply and reply.code >= 300 else f"{reply.code}" if reply else "no answer"]
    words += [f"arrived at {arrival.mailbox}" for arrival in seen.arrived]
    words += ["quarantined"] if seen.quarantined else []
    words += [f"waits: {reason}" for reason in seen.queued[:1]]
    words += ["a notice was sent"] if seen.notices else []
    return ", ".join(words)

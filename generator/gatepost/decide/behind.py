"""Behind the gate: the steps of docs/how-mail-is-decided.md that the filter takes, in their order.

The client has its 250 by then, and nothing is bounced: a mail is delivered, quarantined or discarded, or it waits.
"""

from __future__ import annotations

import re

from gatepost.decide import lists
from gatepost.decide.attempt import Step
from gatepost.decide.case import Ask, Case, Said, goes_on, kept_back


def scanner(case: Case) -> Said | None:
    """Can the scanners be reached?"""
    if not case.attempt.scanner_down:
        return None
    line = case.line("filtering", "viruses", "when_scanner_is_down")
    return kept_back("scanner", "not reached: the mail waits in the queue", line, "defer")


def virus(case: Case) -> Said:
    """Did ClamAV find something?"""
    if case.attempt.virus is None:
        return goes_on("viruses", "none found", case.line("filtering", "viruses"))
    action = case.model.policy.filtering.viruses.action
    outcome = f"{case.attempt.virus} found: {'quarantined' if action == 'quarantine' else 'discarded'}"
    return kept_back("viruses", outcome, case.line("filtering", "viruses", "action"), action)


def attachments(case: Case) -> Said:
    """Has an attachment a forbidden extension?"""
    forbidden = case.model.policy.filtering.attachments.forbidden
    for name in case.attempt.attachments:
        for number, extension in enumerate(forbidden):
            if _has_extension(name, extension):
                path = ("filtering", "attachments", "forbidden")
                here = (*path, number)
                line = case.line(*here if case.model.places.written(here) else path)
                return kept_back("attachments", f".{extension} is forbidden: quarantined", line, "quarantine")
    return goes_on("attachments", "none is forbidden", case.line("filtering", "attachments", "forbidden"))


def _has_extension(name: str, extension: str) -> bool:
    """Windows does not see dots and blanks at the end; mail programs may drop quotes and what cannot be shown."""
    return re.search(rf".\.{re.escape(extension)}[\W_]*\Z", name, re.IGNORECASE | re.DOTALL) is not None


def term(case: Case) -> Said | None:
    """Does the decoded Subject hold a blocked term?"""
    if case.attempt.subject is None or lists.first(case, "allow", "term", lists.by_term_decoded(case)):
        return None
    blocked = lists.first(case, "block", "term", lists.by_term_decoded(case))
    return kept_back("decoded term", "on the block list: quarantined", blocked, "quarantine") if blocked else None


def spam(case: Case) -> Said:
    """What does the spam score ask for? Our own recipients alone see it in headers."""
    allowed = lists.allowed_behind_the_gate(case)
    if allowed:
        return goes_on("spam", "on the allow list", allowed)
    score, limits = case.attempt.spam_score, case.model.policy.filtering.spam
    if score >= limits.quarantine_at:
        return kept_back(
            "spam", f"{score:g}: quarantined", case.line("filtering", "spam", "quarantine_at"), "quarantine"
        )
    ours = case.delivered.domain in case.model.domains
    marked, tagged = ours and score >= limits.mark_at, ours and score >= limits.tag_at
    key = "mark_at" if marked else "tag_at"
    carries = "marked" if marked else "tagged" if tagged else "neither marked nor tagged"
    step = Step("spam", f"{score:g}: {carries}", case.line("filtering", "spam", key))
    return Said(step, tagged=tagged, marked=marked)


FILTER: tuple[Ask, ...] = (scanner, virus, attachments, term, spam)

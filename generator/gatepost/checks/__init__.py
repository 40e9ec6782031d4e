"""Checks: what a well-formed policy must not say.

Each check is a pure function from the model to findings. Add one to `CHECKS`, with a bad example in tests/bad/ that
is named after the finding's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gatepost.checks import directories, domains, doors, entries, lockout, logs, networks, texts, thresholds
from gatepost.findings import Finding
from gatepost.policy import Model

CHECKS: tuple[Callable[[Model], Iterable[Finding]], ...] = (
    networks.no_open_relay,
    networks.no_list_of_everyone,
    domains.no_loop_by_name,
    domains.known_postmaster,
    domains.proof_recipient_exists,
    directories.not_in_the_clear,
    directories.no_endless_wait,
    thresholds.in_order,
    entries.not_expired,
    entries.right_side,
    entries.written_once,
    texts.help_url_is_known,
    doors.login_is_encrypted,
    doors.senders_are_ours,
    doors.each_list_once,
    doors.lists_can_refuse,
    lockout.partners_are_few,
    lockout.partners_are_strangers,
    lockout.outlasts_the_count,
    logs.forgets_in_time,
    logs.report_reaches_somebody,
)


def check_model(model: Model) -> Iterator[Finding]:
    """All findings of all checks."""
    for check in CHECKS:
        yield from check(model)

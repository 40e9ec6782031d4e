"""Logs: a log host that there is, and a time to forget that can be kept to."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.checks.domains import must_exist
from gatepost.findings import Finding, nearest
from gatepost.policy import Model
from gatepost.policy.values import written_duration

_DAY = 86400


def forgets_in_time(model: Model) -> Iterator[Finding]:
    """Files are rotated once a day, and what is gone cannot be forgotten."""
    logs = model.policy.logs
    forget = logs.forget_addresses_after
    if forget is None or _DAY <= forget <= logs.keep:
        return
    short = forget < _DAY
    yield Finding(
        model.places.of(("logs", "forget_addresses_after")),
        "forget-out-of-range",
        f"{written_duration(forget)} is {'less than a day' if short else 'longer than anything is kept'}",
        f"between 1d and logs.keep ({written_duration(logs.keep)}) was expected",
    )


def report_reaches_somebody(model: Model) -> Iterator[Finding]:
    """Of those who get the report, the ones in our own domains must exist."""
    for index, address in enumerate(model.policy.logs.report.to or ()):
        yield from must_exist(model, address, ("logs", "report", "to", index))


def log_host_is_known(model: Model, names: frozenset[str]) -> Iterator[Finding]:
    """The log host is one of the inventory; `names` are the full names of the group loghosts."""
    central = model.policy.logs.central
    if central is not None and central not in names:
        yield Finding(
            model.places.of(("logs", "central")),
            "unknown-log-host",
            f"the inventory's group loghosts has no host {central}",
            nearest(central, names) or "name a host there: loghosts: {hosts: …}",
        )

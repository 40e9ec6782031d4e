"""How old are the signatures that clamd has loaded? Not those on the disk: a reload that failed shows only so.

In: the answer to clamd's VERSION. Out: a `Result`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.policy import Model
from gatepost.prove.judge import Outcome, Result

PATH: PolicyPath = ("filtering", "signatures", "no_older_than")
WHAT = "the signatures that clamd has loaded"


def judge_signatures(model: Model, host: str, clamd: Mapping[str, Any] | None, error: str, now: datetime) -> Result:
    """Compare the age with the policy. No date is stale: own signatures alone have none."""
    most = model.policy.filtering.signatures.no_older_than

    def result(outcome: Outcome, got: str, *reasons: str) -> Result:
        return Result(host, WHAT, outcome, f"at most {_hours(most)}", got, (PATH,), reasons)

    if clamd is None or clamd["error"]:
        reason = error if clamd is None else str(clamd["error"])
        return result("unknown", "no answer", reason)
    if clamd["built"] is None:
        return result("differs", str(clamd["version"]), f"stale: no date in {clamd['version']!r}")
    age = (now - datetime.fromtimestamp(clamd["built"], UTC)).total_seconds()
    got = f"{_hours(max(age, 0))} ({clamd['version']})"
    if age > most:
        return result("differs", got, f"stale: the signatures are {_hours(age)} old, {_hours(most)} are allowed")
    return result("ok", got)


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} d"

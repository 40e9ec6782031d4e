"""Every line of the policy, written or defaulted, and how it stands after the proof.

In: the model and the results for one host. Out: a `Line` for each: proven, failed, could not tell, or unproven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from gatepost.findings import PolicyPath
from gatepost.policy import Entry, Model
from gatepost.policy.sections import Recipients
from gatepost.prove.judge import Outcome, Result

Standing = Literal["proven", "failed", "could not tell", "unproven"]

# Not about what happens to a mail: the format, names for people, and what prove itself may use.
NOT_ABOUT_MAIL = ("policy", "organisation.name", "proof", "logs.report", "logs.tls", "logs.countries")
_TOO_MUCH = "needs more traffic than a proof may make"
REASONS = {
    "filtering.viruses.when_scanner_is_down": "needs a scanner that is down, which no proof brings about",
    "logs.keep": "needs more time to pass than a proof has",
    "logs.forget_addresses_after": "needs more time to pass than a proof has",
    "logs": "a proof looks at the mail servers; what the log host has got, `gatepost report` shows there",
    "filtering.spam": "no probe got a score between this threshold and the next",
    "filtering.allow": "a probe would have to be delivered to somebody whom `proof:` does not name",
    "filtering.block": "another line decides before this one does",
    "domains": "a probe would have to be delivered to somebody whom `proof:` does not name",
    "organisation.help_url": "no reply of this policy names it",
    "networks.internal": "the server has no address of this IP version",
    "networks.partners": "needs a partner that stands on a block list, talks too early, or guesses",
    "tls.outgoing": "what leaves us is seen by those who receive it",
    "submission.users": "the inventory has no password of this user (gatepost_logins)",
    "submission.users_file": "the inventory has no password of any of these users (gatepost_logins)",
    "submission.connections": _TOO_MUCH,
    "submission.mails_per_minute": _TOO_MUCH,
    "submission.recipients_per_minute": _TOO_MUCH,
    "submission.mails_per_hour": _TOO_MUCH,
    "submission.recipients_per_hour": _TOO_MUCH,
    "limits": _TOO_MUCH,
    "front_door.greet_wait": "needs an address of our own that the server has not seen before",
    "front_door": "needs a client that stands on a block list; the lists' test entries are asked every five minutes",
    "unknown_recipients.lock_out": "a proof that guesses would lock its own vantage point out",
}


@dataclass(frozen=True)
class Line:
    """One line of the policy on one host."""

    path: PolicyPath
    line: str
    standing: Standing
    results: tuple[Result, ...] = ()
    reason: str = ""

    @property
    def name(self) -> str:
        """Its path as people write it."""
        return ".".join(map(str, self.path))


def lines(model: Model, results: Iterable[Result]) -> tuple[Line, ...]:
    """How each line stands."""
    found: dict[PolicyPath, list[Result]] = {}
    for result in results:
        for path in result.proves:
            found.setdefault(path, []).append(result)
    return tuple(_line(model, path, found) for path in leaves(model))


def _line(model: Model, path: PolicyPath, found: dict[PolicyPath, list[Result]]) -> Line:
    results = tuple(found.get(path, ()))
    outcomes = {result.outcome for result in results}
    standings: dict[Outcome, Standing] = {"differs": "failed", "ok": "proven", "unknown": "could not tell"}
    found_so = (standing for outcome, standing in standings.items() if outcome in outcomes)
    standing: Standing = next(found_so, "unproven")
    return Line(path, model.line(*path), standing, results, _reason(path) if standing == "unproven" else "")


def _reason(path: PolicyPath) -> str:
    name = ".".join(map(str, path))
    return next(
        (why for key, why in REASONS.items() if name == key or name.startswith(f"{key}.")), "no probe speaks of it"
    )


def leaves(model: Model) -> list[PolicyPath]:
    """The lines of a policy that say what happens to mail. An entry of a list is one line."""
    return [path for path in _below(model.policy, ()) if not _name(path).startswith(NOT_ABOUT_MAIL)]


def _name(path: PolicyPath) -> str:
    return ".".join(map(str, path))


def _below(value: Any, path: PolicyPath) -> Iterator[PolicyPath]:
    if isinstance(value, Entry):
        yield (*path, value.kind)
    elif isinstance(value, BaseModel) and not isinstance(value, Recipients):
        for name, field in type(value).model_fields.items():
            if getattr(value, name) is not None:
                yield from _below(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _below(inner, (*path, key))
    elif isinstance(value, tuple):
        # An empty list says something too, and so does a list as a whole: nothing else is meant.
        yield from (inner for index, item in enumerate(value) for inner in _below(item, (*path, index)))
        if path[-1] in ("internal", "forbidden"):
            yield path
    else:
        yield path

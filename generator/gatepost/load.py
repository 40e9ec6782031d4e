"""From a policy file to the model, or to all of its findings at once.

In: the path of a policy. Out: `Loaded`: the model (None when there are errors) and the findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatepost.checks import check_model
from gatepost.findings import Finding, Places, PolicyPath, errors, in_order
from gatepost.logins import Logins, logins_in_policy, read_logins
from gatepost.policy import Model, Policy
from gatepost.recipients import Listed, read_recipients, recipients_in_policy
from gatepost.source import Source, read_yaml
from gatepost.validate import normal_domain, validate


@dataclass(frozen=True)
class Loaded:
    """What came of reading a policy. `model` is there exactly when no finding is an error."""

    model: Model | None
    findings: tuple[Finding, ...]


def load(path: Path, *, name: str | None = None) -> Loaded:
    """Read, validate and check one policy. `name` is how findings call it (the file's own name if not given)."""
    return load_source(read_yaml(path, name=name), path.parent)


def load_source(source: Source, folder: Path) -> Loaded:
    """Validate and check what was read. Recipient files lie beside the policy, in `folder`."""
    if source.data is None:
        return Loaded(None, in_order(source.findings))
    policy, places, findings = validate(source)
    found = [*source.findings, *findings]
    if policy is None:
        return Loaded(None, in_order(found))
    # Of two ways to write one domain, the first was kept.
    written = {normal_domain(key): key for key in reversed(source.data["domains"])}
    model, more = _model(policy, places, folder, written)
    found += [*more, *check_model(model)]
    return Loaded(None if errors(found) else model, in_order(found))


def _model(policy: Policy, places: Places, folder: Path, written: dict[str, str]) -> tuple[Model, list[Finding]]:
    """Join the policy with its recipient lists."""
    findings: list[Finding] = []
    recipients: dict[str, frozenset[str]] = {}
    for domain in policy.domains:
        listed = _listed(domain, policy, places, folder, written[domain])
        findings += listed.findings
        recipients[domain] = listed.keys
    logins = _logins(policy, places, folder)
    return Model(policy, places, recipients, written, logins.senders), [*findings, *logins.findings]


def _logins(policy: Policy, places: Places, folder: Path) -> Logins:
    submission = policy.submission
    if submission is None:
        return Logins({})
    if submission.users_file is None:
        return logins_in_policy(submission.users or {})
    name = submission.users_file
    return read_logins(folder / name, name, places.of(("submission", "users_file")))


def _listed(domain: str, policy: Policy, places: Places, folder: Path, written: str) -> Listed:
    at: PolicyPath = ("domains", written, "recipients")
    known = policy.domains[domain].recipients
    if known.asked:
        return Listed(frozenset())
    if known.file is not None:
        return read_recipients(domain, folder / known.file, known.file, places.of((*at, "file")))
    addresses = known.list or ()
    each = [places.of((*at, "list", index)) for index in range(len(addresses))]
    return recipients_in_policy(domain, addresses, each, places.of((*at, "list")))

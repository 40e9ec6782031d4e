"""The work of each phase, as plain data for gatepost_probe: what to send from where, and where to look afterwards.

In: a plan, and for the second phase what the first one told. Out: work for each host, and how long it may take.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from gatepost.decide import decide
from gatepost.inventory import Host, Inventory
from gatepost.policy import Model
from gatepost.prove.hosts import Unreached, Work
from gatepost.prove.probe import Probe
from gatepost.prove.setting import parsed

# Attempts in one conversation: a server slows down and hangs up where there are many errors.
_IN_ONE = 8
_CONNECTIONS = 4
# Recipients of one mail, where a mail may have several.
_RECIPIENTS = 20
# Seconds: what a phase takes at least, and what each attempt or mail may add.
_LEAST, _AN_ATTEMPT, _A_MAIL = 45.0, 0.5, 0.6
# Clocks differ; mails of this run are told by their marks, the time only spares looking at old ones.
_CLOCKS = 3600.0


@dataclass(frozen=True)
class Plan:
    """One run: its token, which marks all of its mails, and its probes."""

    run: str
    now: datetime
    inventory: Inventory
    hosts: tuple[Host, ...]
    probes: tuple[Probe, ...]

    def mark(self, probe: Probe) -> str:
        """What a probe's mail carries: for probes that are one mail together, the mark of the first."""
        return f"{self.run}.{self._leaders.get(probe.id, probe.id)}"

    @cached_property
    def _leaders(self) -> dict[str, str]:
        return {probe.id: mail[0].id for mails in self.conversations.values() for mail in mails for probe in mail}

    @cached_property
    def conversations(self) -> dict[tuple[str, ...], list[list[Probe]]]:
        """The mails of each vantage host, server, source and HELO: they can share a conversation."""
        found: dict[tuple[str, ...], list[list[Probe]]] = defaultdict(list)
        for probe in self.sendable:
            vantage = probe.origin.vantage if probe.origin else ""
            mails = found[(vantage, probe.host, str(probe.attempt.client), probe.attempt.helo, *_manner(probe))]
            shared = next((mail for mail in reversed(mails) if _one_mail(mail, probe)), None)
            if shared is None:
                mails.append([probe])
            else:
                shared.append(probe)
        return found

    @cached_property
    def sendable(self) -> tuple[Probe, ...]:
        """The probes that have somewhere to come from."""
        return tuple(probe for probe in self.probes if probe.origin)

    @property
    def mails(self) -> int:
        """How many mails are sent."""
        return sum(mail[0].mail is not None for mails in self.conversations.values() for mail in mails)

    def reader_of(self, mailbox: str) -> str | None:
        """The host on which a mailbox is read."""
        domain = mailbox.rpartition("@")[2].lower()
        readers = [v for v in self.inventory.vantage if v.imap]
        foreign = (v.name for v in readers if domain in v.mailbox_domains)
        ours = (v.name for v in readers if not v.mailbox_domains)
        return next(foreign, None) or next(ours, None)


@dataclass(frozen=True)
class Phase:
    """Work for each host, and how long the longest of it may take."""

    work: Work
    seconds: float


# --- sending ---------------------------------------------------------------------------------------------------------


def sending(plan: Plan) -> Phase:
    """What each vantage host sends."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (vantage, *_), mails in plan.conversations.items():
        groups[vantage] += list(_groups(plan, mails))
    seconds = _LEAST + _AN_ATTEMPT * len(plan.sendable)
    many = _CONNECTIONS * max(1, len(plan.hosts))
    work = {host: {"deadline": seconds, "connections": many, "groups": given} for host, given in groups.items()}
    return Phase({"send": work}, seconds)


def _manner(probe: Probe) -> tuple[str, ...]:
    """How the server is spoken to: probes of another manner need another conversation."""
    attempt = probe.attempt
    tls = "wrapped" if attempt.port == 465 else "starttls" if attempt.tls else ""
    return str(attempt.port), tls, attempt.login or "", "early" if attempt.talks_early else ""


def _opening(plan: Plan, probe: Probe) -> dict[str, Any]:
    """What a conversation begins with. A password is never sent in the clear, not even to see it refused."""
    port, tls, login, early = _manner(probe)
    known = {name: password for v in plan.inventory.vantage for name, password in v.logins.items()}
    password = known.get(login, "") if tls else "not-the-password"
    return {"port": int(port), "tls": tls, "login": [login, password] if login else None, "early": bool(early)}


def _one_mail(mail: list[Probe], probe: Probe) -> bool:
    """Whether a probe can be one more recipient of a mail."""
    first = mail[0]
    both = probe.together and first.together and probe.mail is not None
    return both and len(mail) < _RECIPIENTS and (first.mail, first.wire_sender) == (probe.mail, probe.wire_sender)


def _groups(plan: Plan, mails: list[list[Probe]]) -> Iterator[dict[str, Any]]:
    first = mails[0][0]
    host = next(host for host in plan.hosts if host.name == first.host)
    bound = first.origin is not None and first.origin.bound
    for at in range(0, len(mails), _IN_ONE):
        yield {
            "target": _target(host, first.attempt.client.version),
            **_opening(plan, first),
            "source": str(first.attempt.client) if bound else None,
            "helo": first.attempt.helo,
            "attempts": [_attempt(plan, mail) for mail in mails[at : at + _IN_ONE]],
        }


def _target(host: Host, version: int) -> str:
    return next((a for a in host.addresses if ipaddress.ip_address(a).version == version), host.fqdn)


def _attempt(plan: Plan, probes: list[Probe]) -> dict[str, Any]:
    first = probes[0]
    # The others are not named in the headers: many names in a row, in their order, look like spam.
    envelope = (first.attempt.sender, first.attempt.recipient)
    text = first.mail.text(*envelope, plan.mark(first), plan.now) if first.mail else None
    named = [{"id": probe.id, "rcpt_to": probe.wire_recipient} for probe in probes]
    return {"mail_from": first.wire_sender, "recipients": named, "mail": text}


# --- looking ---------------------------------------------------------------------------------------------------------


def looking(model: Model, plan: Plan, told: Mapping[str, Any]) -> Phase:
    """Where each mail that was taken has to be looked for."""
    mails = [probe for probe in plan.sendable if probe.mail]
    taken = {probe.id for probe in mails if _taken(probe, told)}
    seconds = _LEAST + _A_MAIL * len(taken)
    common = {"run": plan.run, "begun": plan.now.timestamp() - _CLOCKS, "deadline": seconds}
    servers = {host.name: {**common, **_of_server(model, plan, host, taken)} for host in plan.hosts}
    # When the mailboxes are looked into, the servers have settled already.
    boxes = _mailboxes(model, plan, mails, taken)
    looks = {**common, "deadline": 15.0, "connections": _CONNECTIONS}
    mailbox = {name: {**looks, "mailboxes": given} for name, given in boxes.items()}
    return Phase({"server": servers, "mailbox": mailbox}, 2 * seconds)


def _taken(probe: Probe, told: Mapping[str, Any]) -> bool:
    """Whether the server took the mail itself."""
    answer = told.get(probe.origin.vantage) if probe.origin else None
    if answer is None or isinstance(answer, Unreached):
        return False
    said = answer["attempts"].get(probe.id, {"said": []})["said"]
    return bool(said) and said[-1][0] == "." and said[-1][1][-1].startswith("2")


def _of_server(model: Model, plan: Plan, host: Host, taken: set[str]) -> dict[str, Any]:
    mine = [probe for probe in plan.sendable if probe.host == host.name and probe.id in taken]
    kept = [plan.mark(p) for p in mine if not p.by_score and decide(model, p.attempt).action == "quarantine"]
    ends = {(p.attempt.sender, r) for p in mine for r in (p.attempt.recipient, decide(model, p.attempt).recipient) if r}
    return {"wait_for": kept, "envelopes": sorted(ends)}


def _mailboxes(model: Model, plan: Plan, mails: list[Probe], taken: set[str]) -> dict[str, list[dict[str, Any]]]:
    """For each host its mailboxes: of recipients, and of senders, who must get no notice."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for probe in mails:
        verdict = decide(model, probe.attempt)
        delivered = verdict.action == "accept" and probe.id in taken and not probe.by_score
        for user in _ends(probe, verdict.recipient):
            wanted[user] |= {plan.mark(probe)} if delivered and user == (verdict.recipient or "").lower() else set()
    boxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for user, marks in sorted(wanted.items()):
        if (reader := plan.reader_of(user)) is not None:
            boxes[reader].append({"user": user, "login": _login(user), "wait_for": sorted(marks)})
    return boxes


def _login(user: str) -> str:
    """The address without the quotes that only SMTP needs: that is how a mail store calls a mailbox."""
    known = parsed(user)
    return f"{known.local}@{known.domain}".lower() if known else user


def _ends(probe: Probe, recipient: str | None) -> set[str]:
    named = (probe.attempt.sender, probe.attempt.recipient, recipient or "")
    return {address.key for text in named if (address := parsed(text)) is not None}

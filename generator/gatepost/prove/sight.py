"""What the hosts told, put together for each probe.

In: the plan and the answers of both phases. Out: a `Seen` for each probe that could be sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatepost.prove.hosts import Unreached
from gatepost.prove.probe import Probe
from gatepost.prove.seen import Arrival, Seen, replies_of, transcript_of
from gatepost.prove.work import Plan


@dataclass(frozen=True)
class _Found:
    """Everything that was found, by mark."""

    arrived: Mapping[str, list[Arrival]]
    notices: Mapping[str, list[Arrival]]
    quarantined: Mapping[str, list[str]]
    queued: Mapping[str, list[str]]


def sight(plan: Plan, told: Mapping[str, Any], answers: Mapping[Any, Mapping[str, Any]]) -> dict[str, Seen]:
    """Each probe with all that is known of it."""
    found = _found(answers)
    return {probe.id: _seen(plan, probe, told, answers, found) for probe in plan.sendable}


def _found(answers: Mapping[Any, Mapping[str, Any]]) -> _Found:
    arrived: dict[str, list[Arrival]] = defaultdict(list)
    notices: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in _arrivals(answers["mailbox"]):
        arrived[arrival.mark].append(arrival)
        for mark in arrival.about:
            notices[mark].append(arrival)
    quarantined: dict[str, list[str]] = defaultdict(list)
    for answer in answers["server"].values():
        for mail in [] if isinstance(answer, Unreached) else answer["quarantined"]:
            quarantined[mail["mark"]].append(mail["head"])
    return _Found(arrived, notices, quarantined, _queued(answers["server"]))


def _arrivals(mailboxes: Mapping[str, Any]) -> Iterator[Arrival]:
    for answer in mailboxes.values():
        for user, box in {} if isinstance(answer, Unreached) else answer["mailboxes"].items():
            for mail in box["mails"]:
                headers = tuple((name, value) for name, value in mail["headers"])
                yield Arrival(user, mail["mark"], headers, tuple(mail["about"]))


def _seen(
    plan: Plan, probe: Probe, told: Mapping[str, Any], answers: Mapping[Any, Mapping[str, Any]], found: _Found
) -> Seen:
    sent = told.get(probe.origin.vantage) if probe.origin else None
    if sent is None or isinstance(sent, Unreached):
        where = probe.origin.vantage if probe.origin else "nowhere"
        return Seen(error=f"{where}: {sent.reason if sent else 'it was not asked'}")
    answer = sent["attempts"][probe.id]
    mark = plan.mark(probe)
    arrived = tuple(_of(probe, found.arrived.get(mark, [])))
    # A notice about a mail to several is about those whom it did not reach.
    notices = () if probe.together and arrived else tuple(found.notices.get(mark, ()))
    server = answers["server"].get(probe.host, Unreached("it was not asked"))
    return Seen(
        replies_of(answer["said"]),
        transcript_of(answer),
        answer["error"],
        answer["client"],
        arrived,
        notices,
        tuple(found.quarantined.get(mark, ())),
        tuple(found.queued.get(mark, ())),
        tuple(_unread(plan, probe, answers["mailbox"])),
        _server_error(server, probe),
    )


def _of(probe: Probe, arrived: list[Arrival]) -> Iterator[Arrival]:
    """Where several probes are one mail, what arrived for each of them."""
    for arrival in arrived:
        if not probe.together or arrival.mailbox == probe.attempt.recipient.lower():
            yield arrival


def _queued(servers: Mapping[str, Any]) -> dict[str, list[str]]:
    """Where each mail waits that has not arrived, and why."""
    found: dict[str, list[str]] = defaultdict(list)
    for answer in servers.values():
        for mail in [] if isinstance(answer, Unreached) else answer["queued"]:
            where = f"{mail['id']} in {mail['instance']} ({mail['queue']})"
            found[mail["mark"]].append(f"{where}: {mail['reason'] or 'no reason yet'}")
    return found


def _server_error(server: Any, probe: Probe) -> str | None:
    if isinstance(server, Unreached):
        return f"{probe.host}: {server.reason}"
    error: str | None = server["queue_error"]
    return error


def _unread(plan: Plan, probe: Probe, mailboxes: Mapping[str, Any]) -> Iterator[str]:
    """Why the recipient's mailbox is not known."""
    user = probe.attempt.recipient.lower()
    reader = plan.reader_of(user)
    if reader is None:
        yield f"no host of the inventory reads the mailbox of {user}"
        return
    answer = mailboxes.get(reader)
    if isinstance(answer, Unreached):
        yield f"{reader}: {answer.reason}"
    elif answer is not None and (error := answer["mailboxes"].get(user, {}).get("error")):
        yield f"the mailbox of {user} on {reader}: {error}"

"""The report as plain data, for `--json`.

In: a report. Out: what `json` can write.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from gatepost.probe import words
from gatepost.probe.frontdoor import FrontDoor
from gatepost.probe.rows import Row
from gatepost.probe.run import Report


def as_data(report: Report) -> dict[str, Any]:
    """All of it. The password is not part of a report."""
    return {
        "host": report.host,
        "verdict": report.verdict,
        "proven_by": "mailbox" if report.asked.mails_relay else "RCPT",
        "permission": report.permission,
        "prober": report.asked.prober,
        "begun": report.begun.isoformat(),
        "seconds": round(report.seconds, 1),
        "run": report.run,
        "addresses": [str(address) for address in report.addresses],
        "names": list(report.names),
        "sender": report.asked.sender,
        "target": report.asked.target,
        "seen_as": {"address": str(report.client.address), "where": report.client.where} if report.client else None,
        "counts": dict(Counter(row.outcome for row in report.rows)),
        "front_doors": [_door(door, report.host) for door in report.doors],
        "rows": [_row(row) for row in report.rows],
        "notes": list(report.notes),
    }


def _door(door: FrontDoor, host: str) -> dict[str, Any]:
    shown = door.certificate
    certificate = {
        "names": list(shown.names),
        "until": shown.until.isoformat(),
        "issuer": shown.issuer,
        "self_signed": shown.self_signed,
        "speaks_for_host": shown.speaks_for(host) or shown.speaks_for(door.name),
    } if shown else None  # fmt: skip
    return {
        "channel": str(door.channel),
        "greeting": door.greeting,
        "hello": door.hello,
        "extensions": dict(door.extensions),
        "tls": door.tls or None,
        "tls_error": door.tls_error or None,
        "certificate": certificate,
        "answers": [asdict(answer) for answer in door.answers],
        "our_address": door.client,
        "error": door.error or None,
    }


def _row(row: Row) -> dict[str, Any]:
    e = row.envelope
    return {
        "kind": row.kind,
        "address": str(row.channel.address),
        "port": row.channel.port,
        "tls": row.channel.tls,
        "what": row.what,
        "helo": e.helo if e else "",
        "mail_from": e.wire_sender if e else None,
        "rcpt_to": e.wire_recipient if e else None,
        "outcome": row.outcome,
        "verdict": row.verdict,
        "answer": row.answer,
        "why": row.why,
        "envelope": words.envelope_of(row),
        "mail": row.mark or None,
    }

"""What amavis says about a mail, in its stock log template (2.6 to 2.13) and in ours, which adds tests and Subject.

In: its lines. Out: one event for each Passed or Blocked line; warnings. The line is read from left to right, each
field where the template has it: virus names, file names, addresses and Message-IDs come from strangers.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Action, Found, Kind
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.smtpd import bare, client_address
from gatepost_observer.parse.text import ADDRESS, shown
from gatepost_observer.subjects import subject_hash

_ADDRESS: Final = rb"<" + ADDRESS + rb">"
_MAIL: Final = re.compile(
    rb"(?:\((?P<log_id>[\w-]+)\) )?(?P<word>Passed|Blocked) "
    rb"(?P<found>CLEAN|SPAMMY|SPAM|INFECTED|BANNED|BAD-HEADER(?:-\d+)?|UNCHECKED(?:-ENCRYPTED)?|OVERSIZED|MTA-BLOCKED|"
    rb"TEMPFAIL|OTHER|CC[\w,-]*)"
    rb"(?: \((?P<names>.*)\))?(?: \{(?P<actions>[A-Za-z0-9,]*)\})?(?P<between>, | )"
    rb"(?P<bank>(?:[A-Z][\w./-]* ?)*)"
    rb"(?:\[(?P<client>[^\]]*)\](?::\d+)? ?)?(?:\[(?P<origin>[^\]]*)\] ?)?"
    rb"(?P<sender>" + _ADDRESS + rb"|\(\?\)|) -> (?P<recipients>" + _ADDRESS + rb"(?:, ?" + _ADDRESS + rb")*)"
    rb"(?:, quarantine: (?P<quarantine>[^,\s]+)(?:, (?![\w-]+: )[^,\s:]+)*)?(?:, Queue-ID: (?P<queue_id>[0-9A-Za-z]+))?"
    rb"(?:, Message-ID: (?P<message_id><[^>]*>|[^,\s]*))?(?:, Resent-Message-ID: (?:<[^>]*>|[^,\s]*))?"
    rb"(?:, mail_id: (?P<mail_id>[\w+-]+))?(?:, Hits: (?P<hits>[^,\s]+))?(?:, size: (?P<size>\d+))?"
    rb"(?:, queued_as: (?P<queued_as>[0-9A-Za-z/]+))?(?P<more>.*)$"
)
_TESTS: Final = re.compile(rb", Tests: \[([^\]]*)\](?:, [^\]]*)?$")
_SUBJECT: Final = re.compile(rb", Subject: ((?:[0-9a-f]{2})+)(?:, \d+ ms)?$")
_RECIPIENT: Final = re.compile(_ADDRESS)
_FOUND: Final = {
    b"CLEAN": Found.CLEAN,
    b"SPAMMY": Found.SPAM,
    b"SPAM": Found.SPAM,
    b"INFECTED": Found.VIRUS,
    b"BANNED": Found.ATTACHMENT,
    b"BAD-HEADER": Found.BAD_HEADER,
    b"UNCHECKED": Found.UNCHECKED,
    b"OVERSIZED": Found.OVERSIZED,
}
# A category by its number, as templates of older versions show it: CC_CLEAN is 1.
_NUMBERED: Final = {
    b"1": Found.CLEAN, b"3": Found.OVERSIZED, b"4": Found.BAD_HEADER, b"5": Found.SPAM, b"6": Found.SPAM,
    b"7": Found.UNCHECKED, b"8": Found.ATTACHMENT, b"9": Found.VIRUS,
    b"CLEAN": Found.CLEAN, b"OVERSIZED": Found.OVERSIZED, b"BADH": Found.BAD_HEADER, b"SPAMMY": Found.SPAM,
    b"SPAM": Found.SPAM, b"UNCHECKED": Found.UNCHECKED, b"BANNED": Found.ATTACHMENT, b"VIRUS": Found.VIRUS,
}  # fmt: skip
_HITS: Final = re.compile(rb"(-?\d+(?:\.\d+)?)(?:([+-]\d+(?:\.\d+)?))?$")
_TROUBLE: Final = re.compile(rb"(?:\([\w-]+\) )?(?:\((!+)\)|(TROUBLE|WARN|WARNING|FATAL)\b:? ?)")
_LOADED: Final = re.compile(rb"starting\.? ")
_STOPPED: Final = re.compile(rb"(?:Net::Server: )?.*(?:Server closing!|shutting down)|No longer|exiting")


def amavis(said: Said) -> bool:
    """A line of amavis. Its many other notes are known as such; a Passed or Blocked line that cannot be read is not."""
    message = said.message
    match = _MAIL.match(message)
    if match:
        _filtered(said, match)
        return True
    trouble = _TROUBLE.match(message)
    if trouble:
        said.event(Kind.WARNING, {"reason": "error" if trouble[1] == b"!!" else "warning", "text": shown(message)})
    elif _LOADED.match(message):
        said.event(Kind.STARTED, {"action": Action.STARTED.value, "text": shown(message)})
    return re.match(rb"(?:\([\w-]+\) )?(?:Passed|Blocked) [A-Z]", message) is None


def _filtered(said: Said, match: re.Match[bytes]) -> None:
    people = [shown(raw[1:-1]) for raw in _RECIPIENT.findall(match["recipients"])]
    queue_id = match["queue_id"].decode("ascii") if match["queue_id"] else None
    queued_as = match["queued_as"].decode("ascii").split("/")[0] if match["queued_as"] else None
    mail = said.trail.by_id(said.host, queue_id) if queue_id else None
    if mail and queued_as:
        said.trail.became(said.host, mail, queued_as, said.time)
    found = _found(match["found"])
    names = shown(match["names"]) if match["names"] else None
    tests = _TESTS.search(match["more"])
    sender = match["sender"]
    said.event(
        Kind.FILTERED,
        {
            "reason": found.value, "action": _action(match).value, "queue_id": queue_id, "queued_as": queued_as,
            "mail": (mail.mail if mail else queue_id), "message_id": bare(match["message_id"] or b"") or None,
            "sender": shown(sender[1:-1]) if sender.startswith(b"<") else None,
            "recipient": people[0] or None, "recipients": len(people),
            "size": int(match["size"]) if match["size"] else None,
            "client": _client(match), "lane": None, "subject_hash": _subject(match["more"]),
            "score": _score(match["hits"]),
            "tests": shown(tests[1]) if tests and tests[1] else None,
            "virus": names if found is Found.VIRUS else None,
            "attachment": names if found is Found.ATTACHMENT else None,
            "quarantine": shown(match["quarantine"]) if match["quarantine"] else None,
            "text": shown(match["word"] + b" " + match["found"]),
        },
    )  # fmt: skip


def _subject(more: bytes) -> str | None:
    """Our template tells the decoded Subject in hex: nothing in it can be taken for a field, and it is not kept."""
    match = _SUBJECT.search(more)
    return subject_hash(bytes.fromhex(match[1].decode("ascii")).decode("utf-8", "backslashreplace")) if match else None


def _client(match: re.Match[bytes]) -> str | None:
    return client_address(match["origin"] or match["client"] or b"")


def _found(word: bytes) -> Found:
    if word.startswith(b"CC"):
        return _NUMBERED.get(word[2:].lstrip(b"_-").split(b",")[0], Found.OTHER)
    if word.startswith((b"BAD-HEADER", b"UNCHECKED")):
        word = word[:10] if word[0] == 66 else b"UNCHECKED"
    return _FOUND.get(word, Found.OTHER)


def _action(match: re.Match[bytes]) -> Action:
    if match["word"] == b"Passed":
        return Action.PASSED
    actions = match["actions"] or b""
    if match["quarantine"] or b"Quarantined" in actions:
        return Action.QUARANTINED
    for word, action in (
        (b"Rejected", Action.REJECTED),
        (b"Bounced", Action.BOUNCED),
        (b"TempFailed", Action.DEFERRED),
    ):
        if word in actions:
            return action
    if match["found"] in (b"MTA-BLOCKED", b"TEMPFAIL"):
        return Action.DEFERRED if match["found"] == b"TEMPFAIL" else Action.REJECTED
    return Action.DISCARDED


def _score(hits: bytes | None) -> float | None:
    match = _HITS.match(hits) if hits else None
    return float(match[1]) + float(match[2] or 0) if match else None

"""What scanners besides amavis say: rspamd and spamd about mails, ClamAV and sa-update about their signatures.

In: their lines. Out: events. clamd's FOUND makes none: whoever asked clamd tells what became of the mail, with its id.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Action, Found, Kind
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.smtpd import bare, client_address
from gatepost_observer.parse.text import shown

_CLOCK: Final = re.compile(rb"(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} -> )")
_TROUBLE: Final = re.compile(rb"\^?[!*]?(ERROR|WARNING)?:? ?")
_LOADED: Final = re.compile(rb"(?:Loaded \d+ signatures|Database correctly reloaded)")
_RELOAD_FAILED: Final = re.compile(rb"(?:reload db failed|Database reload (?:failed|error)|reload_db: .*fail)", re.I)


def _told(said: Said) -> bytes:
    clock = _CLOCK.match(said.message)
    return said.message[clock.end() :] if clock else said.message


def _warned(said: Said, text: bytes) -> bool:
    """An error or a warning, as ClamAV marks them."""
    for mark, reason in ((b"ERROR", "error"), (b"WARNING", "warning"), (b"LibClamAV Error", "error"),
                         (b"LibClamAV Warning", "warning")):  # fmt: skip
        if text.lstrip(b"^!*").startswith(mark):
            said.event(Kind.WARNING, {"reason": reason, "text": shown(text)})
            return True
    return False


def clamd(said: Said) -> bool:
    """A line of clamd."""
    text = _told(said)
    if _LOADED.match(text):
        said.event(Kind.SIGNATURES, {"action": Action.LOADED.value, "text": shown(text)})
    elif _RELOAD_FAILED.match(text):
        said.event(Kind.SIGNATURES, {"action": Action.FAILED.value, "text": shown(text)})
    elif text.startswith((b"clamd daemon ", b"+++ Started")):
        said.event(Kind.STARTED, {"action": Action.STARTED.value, "text": shown(text)})
    elif text.startswith((b"Exiting", b"--- Stopped", b"Shutting down")):
        said.event(Kind.STARTED, {"action": Action.STOPPED.value, "text": shown(text)})
    else:
        _warned(said, text)
    return True


_UPDATED: Final = re.compile(
    rb"(?:\S+\.c[lv]d(?: database)? (?:updated|is up[- ]to[- ]date)|Database updated|\S+ database is up-to-date) ?\("
)


def freshclam(said: Said) -> bool:
    """A line of freshclam: which signatures are there, and what went wrong."""
    text = _told(said)
    if _UPDATED.match(text):
        said.event(Kind.SIGNATURES, {"action": Action.LOADED.value, "text": shown(text)})
    elif re.match(rb"(?:\^|!)?(?:ERROR: )?(?:Update failed|Can't (?:download|query)|Verification)", text):
        said.event(Kind.SIGNATURES, {"action": Action.FAILED.value, "text": shown(text)})
    else:
        _warned(said, text)
    return True


def sa_update(said: Said) -> bool:
    """A line about SpamAssassin's rules."""
    text = said.message
    if re.search(rb"(?i)update (?:was )?(?:available|finished)|rules? (?:were |was )?updated|updates complete", text):
        said.event(Kind.SIGNATURES, {"action": Action.LOADED.value, "text": shown(text)})
    elif re.search(rb"(?i)error|failed|cannot|could not", text):
        said.event(Kind.SIGNATURES, {"action": Action.FAILED.value, "text": shown(text)})
    return True


_INFECTED: Final = re.compile(rb"Message (?:from|([0-9A-Za-z]+) from) <([^>]*)> to <([^>]*)>.* infected by (\S+)$")


def clamav_milter(said: Said) -> bool:
    """A line of clamav-milter."""
    match = _INFECTED.match(said.message)
    if match:
        queue_id = match[1].decode("ascii") if match[1] else None
        said.event(
            Kind.FILTERED,
            {"reason": Found.VIRUS.value, "action": Action.REJECTED.value, "queue_id": queue_id, "mail": queue_id,
             "sender": shown(match[2]), "recipient": shown(match[3]), "virus": shown(match[4])},
        )  # fmt: skip
    else:
        _warned(said, said.message)
    return True


_SPAMD: Final = re.compile(
    rb"(?:spamd: )?result: ([Y.]) +(-?[\d.]+) - (\S*) scantime=[\d.]+,size=(\d+),user=.*?,"
    rb"mid=(<[^>]*>|\(unknown\)|[^,]*)"
)


def spamd(said: Said) -> bool:
    """A line of SpamAssassin's own daemon; its score is a whole number there."""
    match = _SPAMD.match(said.message)
    if match:
        verdict = Found.SPAM if match[1] == b"Y" else Found.CLEAN
        said.event(
            Kind.FILTERED,
            {"reason": verdict.value, "action": Action.PASSED.value, "score": float(match[2]),
             "tests": shown(match[3]) or None, "size": int(match[4]), "message_id": bare(match[5]) or None},
        )  # fmt: skip
    elif said.message.startswith((b"spamd: error", b"error:")):
        said.event(Kind.WARNING, {"reason": "error", "text": shown(said.message)})
    return True


_RSPAMD: Final = re.compile(
    rb"(?:(?:\([\w ]+\) )?<[^>]*>; \w+; )?rspamd_task_write_log: id: (?:<?)([^>]*?)(?:>?), "
    rb"(?:qid: <([^>]*)>, )?(?:ip: ([0-9A-Fa-f.:]+|unknown), )?(?:user: (.*?), )?"
    rb"(?:smtp_from: <([^>]*)>, |from: <([^>]*)>, )?"
    rb"\([^:]*: . \(([a-z ]+)\): \[(-?[\d.]+)/(-?[\d.]+)\] \[(.*)\]\)(?:, len: (\d+))?"
    rb"(.*)$"
)
_RCPTS: Final = re.compile(rb", (?:smtp_)?rcpts?: <([^>]*)>")
_ACTIONS: Final = {
    b"reject": (Found.SPAM, Action.REJECTED),
    b"add header": (Found.SPAM, Action.PASSED),
    b"rewrite subject": (Found.SPAM, Action.PASSED),
    b"quarantine": (Found.SPAM, Action.QUARANTINED),
    b"discard": (Found.SPAM, Action.DISCARDED),
    b"soft reject": (Found.OTHER, Action.DEFERRED),
    b"greylist": (Found.OTHER, Action.DEFERRED),
    b"no action": (Found.CLEAN, Action.PASSED),
}
_SYMBOL: Final = re.compile(rb"([A-Z][A-Z0-9_.]*)\((-?[\d.]+)\)")
_VIRUS: Final = re.compile(rb"(?:CLAM\w*|\w*VIRUS\w*|SOPHOS\w*|FPROT\w*|AVAST\w*|KASPERSKY\w*)\([^)]*\)\{([^;}]*)")


def rspamd(said: Said) -> bool:
    """A line of rspamd: its word on a mail stands in rspamd_task_write_log."""
    match = _RSPAMD.match(said.message)
    if match is None:
        return b"rspamd_task_write_log: id:" not in said.message[:200]
    message_id, queue_id, client, user, sender, other, word, score, _, symbols, size, more = match.groups()
    found, action = _ACTIONS.get(word, (Found.OTHER, Action.PASSED))
    virus = _VIRUS.search(symbols)
    recipients = _RCPTS.search(more)
    people = [shown(raw) for raw in recipients[1].split(b",")] if recipients else []
    mail_id = shown(queue_id) if queue_id and queue_id != b"undef" else None
    mail = said.trail.by_id(said.host, mail_id) if mail_id else None
    from_whom = sender if sender is not None else other
    said.event(
        Kind.FILTERED,
        {
            "reason": (Found.VIRUS if virus else found).value, "action": action.value, "queue_id": mail_id,
            "mail": mail.mail if mail else mail_id,
            "message_id": shown(message_id) if message_id and message_id != b"undef" else None,
            "client": client_address(client or b""), "user": shown(user) if user else None,
            "sender": shown(from_whom) if from_whom is not None else None,
            "recipient": people[0] if people else None, "recipients": len(people) or None,
            "score": float(score), "size": int(size) if size else None,
            "tests": ",".join(f"{n.decode()}={v.decode()}" for n, v in _SYMBOL.findall(symbols)) or None,
            "virus": shown(virus[1]) if virus else None,
        },
    )  # fmt: skip
    return True

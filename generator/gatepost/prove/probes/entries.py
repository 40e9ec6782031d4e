"""Probes of the allow and the block list: each entry, with the mail that it is about.

An allowed mail is sent with the test string of the spam filter, which it must pass, and (once for each kind) with that
of the virus scanner, which it must not. Where a block entry means the same mail, this proves as well that allow wins.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.policy import Entry
from gatepost.prove.mails import Mail, eicar, gtube
from gatepost.prove.probe import Origin, Probe
from gatepost.prove.setting import LOCAL, Setting

SPAM = 1000.0
VIRUS = "EICAR"
HELP: PolicyPath = ("organisation", "help_url")


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them."""
    filtering = setting.model.policy.filtering
    seen: set[str] = set()
    for index, entry in enumerate(filtering.allow):
        yield from _allowed(setting, index, entry, with_virus=entry.kind not in seen)
        seen.add(entry.kind)
    for index, entry in enumerate(filtering.block):
        yield from _blocked(setting, index, entry)


def _allowed(setting: Setting, index: int, entry: Entry, *, with_virus: bool) -> Iterator[Probe]:
    path = setting.entry_path("allow", index, entry)
    origin, recipient, facts = _envelope(setting, entry)
    if not setting.may_get_mail(recipient) or not setting.surely_exists(recipient):
        # Nobody may be written to whom the policy does not name for it, or of whom a directory alone knows: the line
        # stays unproven.
        return
    subject = _allowed_subject(setting, entry)
    yield setting.probe(
        f"an allowed {entry.kind}, as spam",
        (path,),
        origin,
        recipient,
        mail=Mail(subject, gtube()),
        spam_score=SPAM,
        **facts,
    )
    if with_virus:
        yield setting.probe(
            f"an allowed {entry.kind}, with a virus",
            (path, ("filtering", "viruses", "action")),
            origin,
            recipient,
            mail=Mail(subject, eicar()),
            virus=VIRUS,
            **facts,
        )


def _allowed_subject(setting: Setting, entry: Entry) -> str:
    if entry.term is None:
        return Mail().subject
    blocked = next((e.term for e in setting.model.policy.filtering.block if e.term), "")
    return _subject(f"{entry.term} {blocked}".strip())


def _blocked(setting: Setting, index: int, entry: Entry) -> Iterator[Probe]:
    path = setting.entry_path("block", index, entry)
    origin, recipient, facts = _envelope(setting, entry)
    if entry.term is not None:
        yield from _terms(setting, path, entry.term, origin, recipient)
        return
    yield setting.probe(f"a blocked {entry.kind}", (path, HELP), origin, recipient, **facts)


def _envelope(setting: Setting, entry: Entry) -> tuple[Origin | None, str, dict[str, Any]]:
    """From where, to whom, and with which sender a mail comes that an entry is about."""
    outside = setting.origins.outside(setting.version, 2)
    if entry.sender is not None:
        return outside, setting.reader, {"sender": setting.someone(entry.sender.local, entry.sender.domain)}
    if entry.client is not None:
        origin = setting.origins.within(entry.client) if entry.client.version in setting.versions else None
        return origin, setting.reader, {}
    if entry.recipient is not None:
        local, domain = entry.recipient.local, entry.recipient.domain
        if local is None and domain in setting.model.domains:
            return outside, setting.known(domain), {}
        return outside, setting.someone(local, domain), {}
    if entry.destination is not None:
        inside = setting.origins.inside(setting.version)
        return inside, f"{LOCAL}@{entry.destination}", {"sender": setting.own_sender()}
    return outside, setting.reader, {}


def _terms(setting: Setting, path: PolicyPath, term: str, origin: Origin | None, recipient: str) -> Iterator[Probe]:
    """A term as it is, in other letters and blanks, encoded, and a word that only looks like it."""
    changed = "  ".join(term.swapcase().split())
    near = " ".join([*term.split()[:-1], f"{term.split()[-1]}x"])
    tries = (
        ("a blocked term", _subject(f"Re: {term} please")),
        ("a blocked term in other letters and blanks", _subject(changed)),
        ("a blocked term in encoded words", _encoded(f"Re: {term} please")),
        ("a near miss of a blocked term", _subject(near)),
    )
    for what, subject in tries:
        yield setting.probe(what, (path,), origin, recipient, mail=Mail(subject))


def _subject(words: str) -> str:
    """A Subject as a mail program would send it: encoded where it is not ASCII."""
    return words if words.isascii() else _encoded(words)


def _encoded(words: str) -> str:
    """RFC 2047, in pieces of less than 75 characters, cut between characters."""
    pieces: list[str] = []
    piece = ""
    for character in words:
        if len((piece + character).encode()) > 42:
            pieces, piece = [*pieces, piece], ""
        piece += character
    return "\r\n ".join(f"=?utf-8?B?{b64encode(part.encode()).decode('ascii')}?=" for part in [*pieces, piece])

"""Mail traffic of a town that never was: events from a seed, the same for the same seed, for tests and for looking.

In: a seed, the first day, how many days, how busy. Out: events in the order of their times. Networks are those that
RFC 5737 and RFC 3849 keep for examples, domains end in example or test.
"""

# ruff: noqa: E501 - what servers say is long
from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

OWN = ("example.org", "example.net")
_PEOPLE = ("anna", "boris", "carla", "dieter", "elif", "frank", "gerda", "hannes", "ines", "jakob", "info", "office")
_FOREIGN = (
    "freemail.example", "supplier.example", "ministry.example", "county.example", "school.example", "bank.example",
    "newsletter.example", "builder.example", "museum.example", "water-works.example", "partner.example", "press.example",
)  # fmt: skip
_SPAM_DOMAINS = ("scam.example", "cheap-pills.example", "win-now.example", "invoice-2026.example", "parcel.example")
_VIRUSES = ("Win.Trojan.Emotet-9951234-0", "Doc.Downloader.Valyria-7", "Html.Phishing.Bank-1", "Pdf.Dropper.Agent-12")
_FILES = ("invoice.exe", "scan.js", "photo.scr", "letter.vbs", "backup.iso")
_DEFERRED = (
    ("450 4.2.0", "host mx.{d}[198.51.100.{n}] said: 450 4.2.0 <{r}>: Recipient address rejected: Greylisted (in reply to RCPT TO command)"),
    ("421 4.4.2", "connect to mx.{d}[198.51.100.{n}]:25: Connection timed out"),
    ("452 4.2.2", "host mailstore.example.org[192.0.2.25] said: 452 4.2.2 <{r}> Mailbox full (in reply to end of DATA command)"),
)  # fmt: skip
_RETURNED = (
    ("550 5.1.1", "host mx.{d}[198.51.100.{n}] said: 550 5.1.1 <{r}>: User unknown (in reply to RCPT TO command)"),
    ("554 5.7.1", "host mx.{d}[198.51.100.{n}] said: 554 5.7.1 Message rejected as spam (in reply to end of DATA command)"),
)  # fmt: skip


class Town:
    """The traffic of one town over some days."""

    def __init__(
        self, seed: int = 1, first: str = "2026-11-16", days: int = 7, an_hour: int = 60, hosts: int = 2
    ) -> None:
        self.dice = random.Random(seed)
        self.first = datetime.fromisoformat(first).replace(tzinfo=UTC)
        self.days, self.an_hour = days, an_hour
        self.hosts = [f"mx{n + 1}.example.org" for n in range(hosts)]
        self.number = 0

    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        happened = [event for hour in range(self.days * 24) for event in self._hour(self.first + timedelta(hours=hour))]
        return sorted(happened, key=lambda event: event["time"])

    def _hour(self, start: datetime) -> Iterator[Event]:
        weekend = 0.25 if start.weekday() >= 5 else 1.0
        work = max(0.05, math.sin((start.hour - 5) / 15 * math.pi)) if 5 <= start.hour <= 20 else 0.05
        busy = self.an_hour * weekend * work
        yield from self._signatures(start)
        growth = 1 + 0.01 * (start - self.first).days
        busy *= growth * self.dice.uniform(0.8, 1.25)
        for _ in range(int(busy * 0.7)):
            yield from self._mail_in(start)
        for _ in range(int(busy * 0.3)):
            yield from self._mail_out(start)
        storm = 6 if start.weekday() == 2 and start.hour in (13, 14) else 1
        for _ in range(int(self.an_hour * 0.6 * storm * self.dice.uniform(0.6, 1.5))):
            yield from self._knock(start)
        if self.dice.random() < 0.2:
            yield from self._oddity(start)

    def _at(self, start: datetime, after: float = 0) -> int:
        moment = start + timedelta(seconds=self.dice.uniform(0, 3590))
        return int(moment.timestamp() * 1_000_000) + int(after * 1_000_000)

    def _id(self) -> str:
        self.number += 1
        return f"4jY{self.number:08X}z"

    def _own(self) -> str:
        return f"{self.dice.choice(_PEOPLE)}@{self.dice.choice(OWN)}"

    def _stranger(self, domains: tuple[str, ...] = _FOREIGN) -> str:
        domain = domains[min(int(self.dice.expovariate(0.5)), len(domains) - 1)]
        return f"{self.dice.choice(_PEOPLE)}.{self.dice.randrange(40)}@{domain}"

    def _client(self) -> str:
        if self.dice.random() < 0.12:
            return f"2001:db8:{self.dice.randrange(1, 20):x}:{self.dice.randrange(4):x}::{self.dice.randrange(1, 99):x}"
        return (
            f"203.0.113.{self.dice.randrange(256)}"
            if self.dice.random() < 0.6
            else f"198.51.100.{self.dice.randrange(256)}"
        )

    def _said(self, kind: str, time: int, host: str, **more: Any) -> Event:
        told = {key: value for key, value in more.items() if value is not None}
        return {"time": time, "host": host, "instance": "postfix", "kind": kind, **told}

    def _mail_in(self, start: datetime) -> Iterator[Event]:
        spam = self.dice.random() < 0.18
        sender = self._stranger(_SPAM_DOMAINS if spam else _FOREIGN)
        if self.dice.random() < 0.04:
            sender = ""
        client = self._client()
        found, more = self._found(spam)
        yield from self._through(start, sender, [self._own()], client, None, found, more)

    def _mail_out(self, start: datetime) -> Iterator[Event]:
        sender = self._own()
        inside = self.dice.random() < 0.25
        to = [self._own() if inside else self._stranger() for _ in range(1 + int(self.dice.expovariate(1.5)))]
        user = sender.partition("@")[0] if self.dice.random() < 0.3 else None
        yield from self._through(start, sender, to, f"192.0.2.{self.dice.randrange(10, 200)}", user, "clean", {})

    def _found(self, spam: bool) -> tuple[str, Event]:
        roll = self.dice.random()
        if spam:
            score = round(self.dice.uniform(9, 40), 1)
            return "spam", {"score": score, "action": "quarantined", "tests": "BAYES_99=3.5", "quarantine": "spam-1.gz"}
        if roll < 0.006:
            return "virus", {"virus": self.dice.choice(_VIRUSES), "action": "quarantined", "quarantine": "virus-1"}
        if roll < 0.012:
            return "attachment", {"attachment": self.dice.choice(_FILES), "action": "quarantined"}
        if roll < 0.05:
            return "tagged", {"score": round(self.dice.uniform(2, 5), 1), "action": "passed"}
        return "clean", {"score": round(self.dice.uniform(-4, 2), 1), "action": "passed"}

    def _through(
        self, start: datetime, sender: str, to: list[str], client: str, user: str | None, found: str, more: Event
    ) -> Iterator[Event]:
        host, time, first, second = self.dice.choice(self.hosts), self._at(start), self._id(), self._id()
        size = int(min(self.dice.lognormvariate(9.6, 1.3), 40_000_000))
        tls = self.dice.choices(("TLSv1.3", "TLSv1.2", None), (0.72, 0.2, 0.08))[0]
        mail = {"mail": first, "sender": sender, "size": size, "message_id": f"{first}@{host}"}
        yield self._said("connect", time, host, program="smtpd", client=client, tls=tls, helo="mail.example")
        yield self._said(
            "accepted", time, host, program="smtpd", queue_id=first, recipients=len(to), client=client, user=user,
            tls=tls, inside=False, **mail,
        )  # fmt: skip
        for each in to:
            yield self._said(
                "delivered", time + 900_000, host, program="smtp", queue_id=first, queued_as=second, recipient=each,
                relay="127.0.0.1", relay_port=10024, inside=True, delay=0.9, code=250, status="2.0.0", **mail,
            )  # fmt: skip
            yield self._said(
                "filtered", time + 880_000, host, program="amavis", queue_id=first, recipient=each, reason=found,
                client=client, action=more.get("action", "passed"), **mail, **{k: v for k, v in more.items() if k != "action"},
            ) | {"instance": "amavis"}  # fmt: skip
        yield self._said("closed", time + 901_000, host, program="qmgr", queue_id=first, **mail)
        if more.get("action", "passed") != "passed":
            return
        behind = {"instance": "postfix-normal"}
        yield self._said(
            "accepted", time + 870_000, host, program="smtpd", queue_id=second, recipients=len(to), client="127.0.0.1",
            inside=True, **mail,
        ) | behind  # fmt: skip
        for each in to:
            for event in self._handed_on(time, host, second, each, mail):
                yield event | behind
        yield self._said("closed", time + 2_000_000, host, program="qmgr", queue_id=second, **mail) | behind

    def _handed_on(self, time: int, host: str, queue: str, to: str, mail: Event) -> Iterator[Event]:
        domain = to.partition("@")[2]
        ours = domain in OWN
        relay = "mailstore.example.org" if ours else f"mx.{domain}"
        where = {"relay": relay, "relay_address": "192.0.2.25" if ours else "198.51.100.25", "relay_port": 25}
        common = {
            "queue_id": queue,
            "recipient": to,
            "program": "lmtp" if domain == "example.net" else "smtp",
            **where,
            **mail,
        }
        seconds = round(self.dice.lognormvariate(-0.5 if ours else 0.8, 0.9), 2)
        parts = {"delay_before": 0.1, "delay_queue": 0.02, "delay_connect": 0.1, "delay_send": max(0.0, seconds - 0.22)}
        words = {"d": domain, "n": self.dice.randrange(1, 250), "r": to}
        roll = self.dice.random()
        if roll < (0.01 if ours else 0.07):
            code, text = self.dice.choice(_DEFERRED[2:] if ours else _DEFERRED[:2])
            said = {"code": int(code[:3]), "status": code[4:], "text": text.format(**words)}
            yield self._said("deferred", time + 2_000_000, host, delay=seconds + 20, **parts, **said, **common)
            seconds += 1800
        if not ours and roll > 0.985:
            code, text = self.dice.choice(_RETURNED)
            said = {"code": int(code[:3]), "status": code[4:], "text": text.format(**words)}
            yield self._said("returned", time + 2_000_000, host, delay=seconds, **parts, **said, **common)
            yield self._said(
                "notice",
                time + 2_001_000,
                host,
                program="bounce",
                queue_id=queue,
                queued_as=self._id(),
                reason="undeliverable",
            )
            return
        tls = self.dice.choices(("TLSv1.3", "TLSv1.2", None), (0.85, 0.12, 0.03))[0]
        yield self._said(
            "delivered", time + int(seconds * 1e6), host, delay=seconds, inside=False, tls=tls, code=250, status="2.0.0",
            text="250 2.0.0 Ok", **parts, **common,
        )  # fmt: skip

    def _knock(self, start: datetime) -> Iterator[Event]:
        host, time, client = self.dice.choice(self.hosts), self._at(start), self._client()
        reason, code, status = self.dice.choices(
            (("unknown-recipient", 550, "5.1.1"), ("relay", 554, "5.7.1"), ("block-list", 554, "5.7.1"),
             ("blocked-sender", 554, "5.7.1"), ("blocked-client", 554, "5.7.1"), ("blocked-term", 554, "5.7.1"),
             ("unknown-domain", 450, "4.1.8"), ("rate", 450, "4.7.1"), ("protocol", 503, "5.5.1")),
            (62, 6, 14, 6, 4, 0.4, 4, 2, 1.6),
        )[0]  # fmt: skip
        sender = self._stranger(_SPAM_DOMAINS)
        to = f"{self.dice.choice(_PEOPLE)}{self.dice.randrange(2000)}@{OWN[0]}"
        if reason == "relay":
            to = self._stranger()
        more: Event = {"blocked-sender": {"sender": f"x{self.dice.randrange(9)}@scam.example"},
                       "blocked-client": {"client": f"203.0.113.{64 + self.dice.randrange(32)}"},
                       "block-list": {"list": "bl.example"},
                       "blocked-term": {"text": "header Subject: urgent bank transfer"}}.get(reason, {})  # fmt: skip
        said = {"sender": sender, "recipient": to, "client": client, "text": f"{code} {status} refused", **more}
        yield self._said("connect", time, host, program="smtpd", client=said["client"], helo="x.example")
        yield self._said(
            "refused", time, host, program="smtpd", reason=reason, code=code, status=status, helo="x.example", **said
        )

    def _oddity(self, start: datetime) -> Iterator[Event]:
        host, time = self.dice.choice(self.hosts), self._at(start)
        if self.dice.random() < 0.6:
            yield self._said(
                "login",
                time,
                host,
                program="smtpd",
                client=self._client(),
                user=self.dice.choice(("admin", "test", "scanner")),
                code=535,
            )
        else:
            yield self._said(
                "warning", time, host, program="smtpd", reason="warning",
                text=f"hostname host-{self.dice.randrange(99)}.example does not resolve to address 203.0.113.{self.dice.randrange(255)}",
            )  # fmt: skip

    def _signatures(self, start: datetime) -> Iterator[Event]:
        if start.hour % 6 == 0:
            for host in self.hosts:
                day = f"{start:%a %b %d} 08:00:00 {start.year}"
                yield self._said(
                    "signatures",
                    self._at(start),
                    host,
                    program="clamd",
                    action="loaded",
                    text=f"daily.cld version 27{start.timetuple().tm_yday}, {day}",
                )


# What strangers write where an address is expected: markup, queries, escapes, marks that turn the direction.
HOSTILE = (
    "<script>alert(1)</script>@evil.example",
    '"><img src=x onerror=alert(1)>@evil.example',
    "'); DROP TABLE events; --@evil.example",
    "\x1b]0;owned\x07\x1b[2J@evil.example",
    "\u202egro.elpmaxe@evil.example",
    "\x00nul\r\nnewline@evil.example",
    "&lt;b&gt;&amp;@evil.example",
    "]]><!-- </style></title></svg>@evil.example",
    "שלום@evil.example",
    "a" * 10_000 + "@evil.example",
    "${HOME}%s{{7*7}}:since@evil.example",
)


def hostile(time: int) -> list[Event]:
    """Every kind of event, with such a text wherever a text may stand."""
    told: list[Event] = []
    for number, text in enumerate(HOSTILE):
        anywhere = dict.fromkeys(
            ("sender", "recipient", "helo", "user", "client", "client_name", "relay", "text", "virus", "attachment",
             "list", "tests", "queue_id", "mail", "program", "tls", "host"), text,
        )  # fmt: skip
        kinds = ("accepted", "refused", "filtered", "delivered", "deferred", "returned", "login", "warning",
                 "signatures", "started", "connect")  # fmt: skip
        for kind in kinds:
            reason = {"filtered": ("spam", "virus", "attachment")[number % 3], "refused": text}.get(kind, text)
            event = {**anywhere, "time": time + number, "kind": kind, "reason": reason, "action": text, "code": 535}
            told += [event] * 200  # enough to stand in every list
    return told


def example_known() -> dict[str, Any]:
    """observer.json of the town."""
    block = {"list": "block", "reason": None, "until": None}
    return {
        "version": 1,
        "policy": "example.yml",
        "organisation": "City of Example",
        "own_domains": {"example.org": "example.yml:9", "example.net": "example.yml:12"},
        "internal": ["192.0.2.0/24", "2001:db8:1::/48"],
        "reasons": {"unknown-recipient": "example.yml:38", "relay": "example.yml:17", "spam": "example.yml:19"},
        "entries": [
            {**block, "field": "sender", "value": "@scam.example", "reason": "phishing wave", "line": "example.yml:31"},
            {**block, "field": "sender", "value": "trickster@freemail.example", "line": "example.yml:32"},
            {**block, "field": "client", "value": "203.0.113.64/27", "line": "example.yml:33"},
            {**block, "field": "destination", "value": "typo.example", "line": "example.yml:36"},
            {**block, "field": "term", "value": "urgent bank transfer", "line": "example.yml:37"},
            {"list": "allow", "field": "sender", "value": "billing@supplier.example", "line": "example.yml:24"},
        ],
    }

"""Counting a log's lines, as fast as Python can: what `gatepost summary` is made of.

In: lines with their ends, in order. Out: the numbers in a Tally. It fails on nothing that a line says.

This is the one place where speed rules: one loop looks at each line, with the head's fixed places instead of a pattern,
and does nothing for a line that counts nothing. That the numbers are those of the events is a property test.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Final

from gatepost_observer.parse.heads import Heads
from gatepost_observer.summary.details import add
from gatepost_observer.summary.tally import MESSAGE, Tally

_HEAD: Final = re.compile(
    rb"(?P<iso>(?:<\d{1,3}>(?:1 )?)?\d{4}-\d\d-\d\d[T ]\d\d)[:\d]*(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))? \S+ |"
    rb"(?P<old>(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d):\d\d:\d\d(?:\.\d+)? \S+ "
)
_PROGRAM: Final = re.compile(rb"([^\s:\[\]]+)(?:\[\d+\])?: (?:\[ID \d+ [a-z0-9.]+\] )?")
_TO: Final = re.compile(
    rb'to=<("(?:[^"\\]|\\.)*"[^<>\s"]*|[^>]*)>, (?:orig_to=<(?:"(?:[^"\\]|\\.)*"[^<>\s"]*|[^>]*)>, )?'
    rb"relay=([^,]+), (?:conn_use=[^,]+, )?delay=([\d.]+), (?:delays=[^,]+, )?(?:dsn=[^,]+, )?status=(\S+)(.*)$"
)
_VERDICT: Final = re.compile(rb"(reject|reject_warning|hold|discard): (\S+ from \S+?: .*)$")
_CONTENT: Final = re.compile(rb"((?:milter-)?(?:reject|hold|discard)|warning): (header|body|END-OF-MESSAGE) (.*)$")
_UNREACHED: Final = (
    re.compile(rb"connect to (\S+?): ([^;]+); address \S+ port.*$"),
    re.compile(rb"connect to ([^\[]+)\[\S+?\]: (.+?) \(port \d+\)$"),
)
_DAEMONS: Final = frozenset(
    (b"smtpd", b"cleanup", b"qmgr", b"smtp", b"lmtp", b"local", b"virtual", b"pipe", b"bounce", b"pickup")
)
_LONG: Final = 1 << 16
_MANY: Final = 1_000


class Counter:
    """Counts lines into a tally; holds what the last line's head was like, since the next one's mostly is like it."""

    def __init__(self, tally: Tally, instances: frozenset[bytes] | None = None, day: str | None = None) -> None:
        self.tally = tally
        self.instances = instances
        self.day = day
        self.reference: float | None = None
        self._hour = b""
        self._wanted = True
        self._numbered = True  # whether the lines name the process: postfix/smtpd[12]
        self._any = False  # whether a line of Postfix was seen in this hour
        self._key: tuple[str, int] = ("", 0)
        self._counts = [0] * 5
        self._host = b""
        self._where = 0
        self._places: dict[bytes, bytes | None] = {}

    def settle(self) -> None:
        """Write down what was counted in the current hour."""
        if self._any:
            self.tally.days[self._key[0]] = None
            self._any = False
        if any(self._counts):
            hours = self.tally.hours
            before = hours.get(self._key, [0] * 5)
            hours[self._key] = [a + b for a, b in zip(before, self._counts, strict=True)]
        self._counts = [0] * 5

    def _turn(self, line: bytes) -> bool:
        """Read a head of another hour, host or form anew; False for a line without one."""
        head = _HEAD.match(line)
        if head is None:
            return False
        hour = head["iso"] or head["old"]
        if hour != self._hour:
            self.settle()
            known = Heads(self.reference)
            day, number = _day_and_hour(hour, line, known)
            self._key = (day, number)
            self._wanted = self.day is None or self.day == day
            self._hour = hour
        start = head.end()
        before = line.rfind(b" ", 0, start - 1)
        self._where, self._host = before, line[before:start]
        program = _PROGRAM.match(line, start)
        if program and program[1].startswith(b"postfix"):
            self._numbered = b"[" in program[0]
        return True

    def count(self, lines: Iterable[bytes]) -> None:
        """Count these lines, each with its end. Long, since a call for each line would cost more than the line."""
        tally = self.tally
        sizes, clients, senders = tally.sizes, tally.clients, tally.senders
        recipients, waiting = tally.recipients, tally.waiting
        homes: dict[bytes, list[float]] = {}  # by recipient, what is known of the domain
        details, cut, counts = tally.details, tally.cut, self._counts
        refused, warned = details.refused, details.warned
        hour, host, where = self._hour, self._host, self._where
        width, start = len(hour), where + len(host)
        mark = self._mark()
        body = where + len(mark)
        size_delivered = size_received = others = 0
        some = False
        number = 0
        for number, line in enumerate(lines, 1):  # noqa: B007 - the last one is the count
            if line[where:body] == mark and line[:width] == hour:
                some = True
                kind = line[body : body + 6]
                at = line.find(b"]", body) + 3  # one character is found much faster than several
                daemon = b""
            else:
                if line[where:start] != host or line[:width] != hour or not width:
                    self._any = some
                    turned = self._turn(line)
                    some = self._any
                    hour, host, where, counts = self._hour, self._host, self._where, self._counts
                    width, start, mark = len(hour), where + len(host), self._mark()
                    body = where + len(mark)
                    if not turned:
                        others += 1
                        continue
                place = self._place(line, start) if self._wanted else None
                if place is None:
                    others += 1
                    continue
                some = True
                daemon, at = place
                kind = daemon + b"["
            try:
                first = line[at]
                if kind == b"smtpd[":
                    if first > 57:
                        if line[at + 1] > 96:  # a word: connect, disconnect, lost, Anonymous, …
                            if first > 108 or first == 102:  # warning, panic, fatal
                                warned(b"smtpd", line[at:-1])
                            continue
                        if line[at : at + 17] == b"NOQUEUE: reject: ":
                            counts[4] += 1
                            refused(line[at + 17 : -1])
                            continue
                    colon = line.find(b":", at)
                    if line[colon + 2 : colon + 9] == b"client=":
                        counts[0] += 1
                        clients[line[at:colon]] = line[colon + 9 : -1]
                    elif at > 2:
                        self._smtpd(line[at:colon], line[colon + 2 : -1], counts, line[at:-1])
                    continue
                if 57 < first < 99 and line[at + 1] > 96:  # Trusted, Untrusted, Anonymous, …
                    continue
                colon = line.find(b":", at)
                told = line[colon + 2 : colon + 6]
                if told == b"to=<" and at > 2:
                    end = line.find(b">", colon)
                    begin = line.find(b",", end + 9) + 8
                    if line[begin - 6 : begin] != b"delay=":  # conn_use comes before it
                        begin = line.find(b",", begin) + 8
                    status = line.find(b"(", begin)
                    if (
                        line[end + 1 : end + 9] != b", relay="
                        or line[begin - 8 : begin] != b", delay="
                        or line[status - 14 : status] != b", status=sent "
                        or line[status + 1] == 102  # forwarded
                        or line[colon + 6] == 34  # a quoted address, which may hold anything
                    ):
                        self._delivery(daemon or _before(line, body), line[at:colon], line[colon + 2 : -1], counts)
                        continue
                    delay = float(line[begin : line.find(b",", begin)])
                    recipient = line[colon + 6 : end]
                    qid = line[at:colon]
                    if qid in sizes:
                        size = sizes[qid]
                        size_delivered += size
                    else:
                        size = 0
                        tally.unsized.append((qid, recipient))
                    counts[1] += 1
                    recipients[recipient] = recipients.get(recipient, 0) + MESSAGE + size
                    entry = homes.get(recipient)
                    if entry is None:
                        entry = homes[recipient] = self._home(recipient)
                    entry[1] += delay
                    if delay > entry[2]:
                        entry[2] = delay
                elif kind[:5] == b"qmgr[" and at > 2:
                    if told == b"remo":
                        qid = line[at:colon]
                        if sizes.pop(qid, None) is None and cut:
                            tally.gone.add(qid)
                        if qid in waiting:
                            waiting.remove(qid)
                    elif told == b"from":
                        end = line.find(b">", colon)
                        if line[end + 1 : end + 8] != b", size=":
                            end = line.rfind(b">, size=", colon)
                            if end < 0:
                                self._other(b"qmgr", line[at:colon], line[colon + 2 : -1], counts, line[at:-1])
                                continue
                        qid = line[at:colon]
                        if qid in sizes:
                            continue
                        size = int(line[end + 8 : line.find(b",", end + 8)])
                        sizes[qid] = size
                        client = clients.pop(qid, None)
                        sender = line[colon + 8 : end]
                        if client is None:
                            if cut:
                                tally.unmet[qid] = (sender, size)
                        else:
                            size_received += size
                            senders[sender] = senders.get(sender, 0) + MESSAGE + size
                            if b"@" not in sender:
                                tally.without_domain(sender, size, client)
                    else:
                        self._other(b"qmgr", line[at:colon], line[colon + 2 : -1], counts, line[at:-1])
                elif told != b"mess" and at > 2:
                    self._other(
                        daemon or _before(line, body), line[at:colon], line[colon + 2 : -1], counts, line[at:-1]
                    )
            except (IndexError, ValueError):  # a line that ends before its message does
                continue
        self._any = some
        self.settle()
        tally.size_delivered += size_delivered
        tally.size_received += size_received
        tally.others += others
        tally.lines += number

    def _mark(self) -> bytes:
        """What stands between the time and the daemon in nearly all lines; nothing is like it where no line counts."""
        if not self._wanted or not self._numbered or (self.instances is not None and b"postfix" not in self.instances):
            return b"\n"
        return self._host + b"postfix/"

    def _place(self, line: bytes, start: int) -> tuple[bytes, int] | None:
        """The daemon, and where its message begins; None for another program, or an instance not asked for."""
        match = _PROGRAM.match(line, start)
        if match is None:
            return None
        name = match[1]
        if name in self._places:
            daemon = self._places[name]
        else:
            daemon = self._daemon(name)
            if len(self._places) < _MANY:
                self._places[name] = daemon
        return None if daemon is None else (daemon, match.end())

    def _daemon(self, name: bytes) -> bytes | None:
        instance, slash, rest = name.partition(b"/")
        daemon = rest.rpartition(b"/")[2]
        if not slash:
            return b"postfix-script" if name in (b"postfix", b"postfix-script") else None
        if self.instances is None:
            return daemon if instance.startswith(b"postfix") or daemon in _DAEMONS else None
        return daemon if instance in self.instances else None

    def _smtpd(self, qid: bytes, rest: bytes, counts: list[int], text: bytes) -> None:
        """What smtpd says less often."""
        match = _VERDICT.match(rest)
        if match and (qid == b"NOQUEUE" or qid.isalnum()):
            if self.tally.details.verdict(match[1], match[2]):
                counts[4] += 1
        elif qid in (b"fatal", b"panic"):
            self.tally.details.warned(b"smtpd", text)
        elif rest[:7] == b"client=" and qid.isalnum():
            counts[0] += 1
            self.tally.clients[qid] = rest[7:]

    def _other(self, daemon: bytes, qid: bytes, rest: bytes, counts: list[int], text: bytes) -> None:
        """What the other daemons say less often."""
        tally = self.tally
        details = tally.details
        if qid in (b"warning", b"fatal", b"panic"):
            details.warned(daemon, text)
        elif daemon == b"cleanup":
            match = _CONTENT.match(rest)
            if match:
                details.content(match[1], match[2], match[3])
                counts[4] += 1
        elif daemon == b"master":
            add(details.masters, text[text.rfind(b": ") + 2 :] if b": " in text else text)
        elif daemon == b"postscreen" or daemon == b"smtpd":  # smtpd of another service: postfix/submission/smtpd
            self._smtpd(qid, rest, counts, text)
        elif daemon == b"pickup" and rest.startswith((b"uid=", b"sender=")):
            counts[0] += 1
            tally.clients[qid] = b"pickup"
        elif daemon == b"smtp":
            for pattern in _UNREACHED:
                match = pattern.search(text)
                if match:
                    add(details.failures.setdefault(match[2].lower(), {}), match[1])
                    return
        if rest[:4] == b"to=<" and daemon not in (b"postscreen", b"smtpd"):
            self._delivery(daemon, qid, rest, counts)

    def _delivery(self, daemon: bytes, qid: bytes, rest: bytes, counts: list[int]) -> None:
        """One recipient's fate, where it is not simply sent."""
        match = _TO.match(rest[:_LONG])
        if match is None:
            return
        tally = self.tally
        recipient, relay, delay, status, reply = match.groups()
        if status == b"sent" and reply.startswith(b" (forwarded as "):
            tally.forwarded += 1
        elif status == b"sent":
            self._sent(qid, recipient, float(delay), counts)
        elif status == b"deferred":
            tally.details.deferral(daemon, reply[2:])
            counts[2] += 1
            self._put_off(qid)
            self._delayed(recipient, [1, 0.0, float(delay)])
        elif status == b"bounced":
            tally.details.bounce(relay, reply[2:])
            counts[3] += 1

    def _sent(self, qid: bytes, recipient: bytes, delay: float, counts: list[int]) -> None:
        tally = self.tally
        size = tally.sizes.get(qid, 0)
        if not size:
            tally.unsized.append((qid, recipient))
        tally.size_delivered += size
        counts[1] += 1
        tally.recipients[recipient] = tally.recipients.get(recipient, 0) + MESSAGE + size
        self._delayed(recipient, [0, delay, delay])

    def _delayed(self, recipient: bytes, more: list[float]) -> None:
        """Note deferrals and delays of the recipient's domain."""
        entry = self._home(recipient)
        entry[:] = entry[0] + more[0], entry[1] + more[1], max(entry[2], more[2])

    def _home(self, recipient: bytes) -> list[float]:
        """What is known of a recipient's domain: deferrals, delays, the longest."""
        domain = recipient.rpartition(b"@")[2] if recipient[:1] == b'"' else recipient.partition(b"@")[2] or recipient
        return self.tally.domains.setdefault(domain, [0, 0.0, 0.0])

    def _put_off(self, qid: bytes) -> None:
        tally = self.tally
        if qid not in tally.waiting:
            tally.waiting.add(qid)
            tally.deferred_mails += 1
            if tally.cut:
                tally.first_deferrals.add(qid)


def _before(line: bytes, body: int) -> bytes:
    """The daemon of a line whose fixed places were as expected: postfix/submission/smtpd is smtpd."""
    return line[body : line.find(b"[", body)].rpartition(b"/")[2]


def _day_and_hour(hour: bytes, line: bytes, heads: Heads) -> tuple[str, int]:
    """The day as 2026-11-24, and the hour, as the line's own clock shows them."""
    if b"-" in hour:
        stamp = hour[hour.rfind(b">") + 1 :].removeprefix(b"1 ") if hour[:1] == b"<" else hour
        return stamp[:10].decode("ascii"), int(stamp[11:13])
    head = heads.read(line)
    if head is None:
        return "", int(hour[-2:])
    return time.strftime("%Y-%m-%d", time.localtime(head[0] / 1_000_000)), int(hour[-2:])

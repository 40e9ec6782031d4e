"""Lines read one by one: all that Postfix says, also what is rare. The reference for what the faster pattern reads.

In: a line without its end. Out: the numbers in a Tally, and in a Likeness what the line's head has in common with
others. It fails on nothing that a line says.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.summary.details import add
from gatepost_observer.summary.hours import BOUNCED, DEFERRED, DELIVERED, RECEIVED, REJECTED, Hours
from gatepost_observer.summary.pattern import QID, Likeness
from gatepost_observer.summary.tally import MESSAGE, Tally

# The hour, the host, the program, its process, and what Solaris puts between.
_HEAD: Final = re.compile(
    rb"(?:((?:<\d{1,3}>(?:1 )?)?\d{4}-\d\d-\d\d[T ]\d\d)[:\d]*(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))? |"
    rb"((?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d):\d\d:\d\d(?:\.\d+)? )"
    rb"(\S+) ([^\s:\[\]]+)(\[\d+\])?: (\[ID \d+ [a-z0-9.]+\] )?"
)
_QID: Final = re.compile(QID)
_TO: Final = re.compile(
    rb'to=<([#-~]+|"(?:[^"\\]|\\.)*"[^<>\s"]*|[^>]*)>, (?:orig_to=<(?:"(?:[^"\\]|\\.)*"[^<>\s"]*|[^>]*)>, )?'
    rb"relay=([^,]+), (?:conn_use=[^,]+, )?delay=([.-9]{1,10}), (?:delays=[^,]+, )?(?:dsn=[^,]+, )?"
    rb"status=(\S+)(.*)$"
)
_FROM: Final = re.compile(rb'from=<([#-~]*|"(?:[^"\\]|\\.)*"[^<>\s"]*|[^>]*)>, size=(\d{1,14}),')
_VERDICT: Final = re.compile(rb"(reject|reject_warning|hold|discard): (\S+ from \S+?: .*)$")
_CONTENT: Final = re.compile(rb"((?:milter-)?(?:reject|hold|discard)|warning): (header|body|END-OF-MESSAGE) (.*)$")
_UNREACHED: Final = (
    re.compile(rb"connect to (\S+?): ([^;]+); address \S+ port.*$"),
    re.compile(rb"connect to ([^\[]+)\[\S+?\]: (.+?) \(port \d+\)$"),
)
_DAEMONS: Final = frozenset(
    (b"smtpd", b"cleanup", b"qmgr", b"smtp", b"lmtp", b"local", b"virtual", b"pipe", b"bounce", b"pickup")
)
_ALARMS: Final = (b"warning", b"fatal", b"panic")
_CLOCK: Final = len(":04:26")
_COLON: Final = ord(":")
_LONG: Final = 1 << 16
_MANY: Final = 1_000


def seconds_of(text: bytes) -> float:
    """A delay as it is told."""
    try:
        return float(text)
    except ValueError:
        return 0.0


class Single:
    """Counts a line."""

    def __init__(self, tally: Tally, hours: Hours, instances: frozenset[bytes] | None = None) -> None:
        self.tally = tally
        self.hours = hours
        self.instances = instances
        self.likenesses: dict[tuple[int, int], Likeness] = {}
        self._places: set[tuple[int, int, bytes, bytes]] = set()
        self._daemons: dict[bytes, bytes | None] = {}

    def count(self, line: bytes) -> None:
        """Count one line, without its end."""
        self.tally.lines += 1
        head = _HEAD.match(line)
        if head is None:
            return
        iso, old, host, name, process, solaris = head.groups()
        hour = iso or old
        if hour != self.hours.hour:
            self.hours.turn(hour)
        daemon = self._daemon(name)
        place = len(hour), head.start(3), host, name
        if place not in self._places and process and not solaris and len(self._places) < _MANY:
            self._places.add(place)
            self._learn(place, line[len(hour)], daemon)
        if daemon is not None and self.hours.wanted:
            self.hours.seen = True
            self._said(daemon, line[head.end() :])

    def likeness(self, line: bytes) -> Likeness | None:
        """What is known of lines like this one."""
        head = _HEAD.match(line)
        return head and self.likenesses.get((len(head[1] or head[2]), head.start(3)))

    def _learn(self, place: tuple[int, int, bytes, bytes], behind: int, daemon: bytes | None) -> None:
        hour, start, host, name = place
        rest = start - 1 - hour
        if rest < _CLOCK or behind != _COLON:
            return
        like = self.likenesses.setdefault((hour, start), Likeness(hour, rest))
        lane = name.rpartition(b"/")[0]
        if daemon is None:
            like.learn(host, b"", name)
        elif lane and (self.instances is not None or lane.startswith(b"postfix")):
            like.learn(host, lane, b"")

    def _daemon(self, name: bytes) -> bytes | None:
        """The daemon of this program; None for another program, or an instance not asked for."""
        if name not in self._daemons:
            if len(self._daemons) > _MANY:
                self._daemons.clear()
            self._daemons[name] = self._daemon_of(name)
        return self._daemons[name]

    def _daemon_of(self, name: bytes) -> bytes | None:
        instance, slash, rest = name.partition(b"/")
        daemon = rest.rpartition(b"/")[2]
        if not slash:
            return b"postfix-script" if name in (b"postfix", b"postfix-script") else None
        if self.instances is None:
            return daemon if instance.startswith(b"postfix") or daemon in _DAEMONS else None
        return daemon if instance in self.instances else None

    def _said(self, daemon: bytes, text: bytes) -> None:
        """What one of Postfix's daemons says."""
        qid, colon, rest = text.partition(b": ")
        if qid in _ALARMS and colon:
            self.tally.details.warned(daemon, qid, rest)
        elif daemon == b"master":
            add(self.tally.details.masters, text[text.rfind(b": ") + 2 :] if b": " in text else text)
        elif daemon == b"smtp" and text.startswith(b"connect to "):
            self._unreached(text)
        elif _QID.fullmatch(qid):
            self._about(daemon, qid, rest)

    def _about(self, daemon: bytes, qid: bytes, rest: bytes) -> None:
        """What is said about one mail, or one try to send one."""
        if rest.startswith(b"removed"):
            self.tally.removed(qid)
        elif rest.startswith(b"from=<"):
            self._queued(qid, rest[:_LONG])
        elif rest.startswith(b"to=<"):
            self._delivery(daemon, qid, rest[:_LONG])
        elif daemon in (b"smtpd", b"postscreen"):
            self._taken_or_refused(qid, rest)
        elif daemon == b"cleanup":
            match = _CONTENT.match(rest)
            if match:
                self.tally.details.content(match[1], match[2], match[3])
                self.hours.counts[REJECTED] += 1
        elif daemon == b"pickup" and rest.startswith((b"uid=", b"sender=")):
            self.hours.counts[RECEIVED] += 1
            self.tally.clients[qid] = b"pickup"

    def _unreached(self, text: bytes) -> None:
        for pattern in _UNREACHED:
            match = pattern.search(text)
            if match:
                add(self.tally.details.failures.setdefault(match[2].lower(), {}), match[1])
                return

    def _taken_or_refused(self, qid: bytes, rest: bytes) -> None:
        match = _VERDICT.match(rest)
        if match:
            self.tally.details.verdict(match[1], match[2])
            self.hours.counts[REJECTED] += 1
        elif rest.startswith(b"client="):
            self.hours.counts[RECEIVED] += 1
            self.tally.clients[qid] = rest[7:]

    def _queued(self, qid: bytes, rest: bytes) -> None:
        match = _FROM.match(rest)
        if match:
            self.tally.queued(qid, match[1], MESSAGE + int(match[2]))

    def _delivery(self, daemon: bytes, qid: bytes, rest: bytes) -> None:
        """One recipient's fate."""
        match = _TO.match(rest)
        if match is None:
            return
        tally, counts = self.tally, self.hours.counts
        recipient, relay, delay, status, reply = match.groups()
        if status == b"sent" and reply.startswith(b" (forwarded as "):
            tally.forwarded += 1
        elif status == b"sent":
            self._sent(qid, recipient, seconds_of(delay))
        elif status == b"deferred":
            tally.details.deferral(daemon, reply[2:])
            counts[DEFERRED] += 1
            tally.put_off(qid)
            self._delayed(recipient, [1, 0.0, seconds_of(delay)])
        elif status == b"bounced":
            tally.details.bounce(relay, reply[2:])
            counts[BOUNCED] += 1

    def _sent(self, qid: bytes, recipient: bytes, delay: float) -> None:
        tally = self.tally
        size = tally.sizes.get(qid, MESSAGE)
        if size == MESSAGE:  # unknown, or nothing at all
            tally.unsized.append((qid, recipient))
        self.hours.counts[DELIVERED] += 1
        tally.recipients[recipient] = tally.recipients.get(recipient, 0) + size
        self._delayed(recipient, [0, delay, delay])

    def _delayed(self, recipient: bytes, more: list[float]) -> None:
        """Note deferrals and delays of the recipient's domain."""
        entry = self.tally.domain(recipient)
        entry[:] = entry[0] + more[0], entry[1] + more[1], max(entry[2], more[2])

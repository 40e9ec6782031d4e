"""The numbers of a log, and how those of its parts are added.

In: what the counter saw. Out: a Tally, which can be added to the one of the lines before it, so that two processes can
share a log.

What makes the parts of a cut log addable is that a Tally keeps what it could not know: a size that was told before the
cut (`unsized`), a first `from=` line whose client was told before it (`unmet`), and the mails it has seen deferred.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost_observer.summary.details import Details

MESSAGE: Final = 1 << 48
"""One message, in a number whose lower part counts bytes (of less than 256 terabytes)."""


class Tally:
    """The numbers of a log."""

    def __init__(self, cut: bool = False) -> None:
        self.cut = cut  # there are lines before the first one
        self.hours: dict[
            tuple[str, int], list[int]
        ] = {}  # day and hour: received, delivered, deferred, bounced, rejected
        self.days: dict[str, None] = {}
        self.shared = False  # several processes have counted
        self.lines = 0  # read one by one, which all are as long as none of Postfix is met
        self.forwarded = self.deferred_mails = 0
        self.details = Details()
        # Messages and bytes in one number, MESSAGE for each message: half the memory, and half the time, of two.
        self.senders: dict[bytes, int] = {}
        self.nobody: dict[bytes, int] = {}  # by client: mails whose sender has no domain
        self.recipients: dict[bytes, int] = {}
        self.domains: dict[bytes, list[float]] = {}  # of recipients: deferrals, sum of delays, greatest delay
        self.sizes: dict[bytes, int] = {}
        self.clients: dict[bytes, bytes] = {}
        self.waiting: set[bytes] = set()
        self.without_size: dict[bytes, bytes] = {}
        # What only the lines before the cut know.
        self.unsized: list[tuple[bytes, bytes]] = []
        self.unmet: dict[bytes, tuple[bytes, int]] = {}
        self.first_deferrals: set[bytes] = set()
        self.gone: set[bytes] = set()

    def packed(self) -> dict[str, Any]:
        """As plain dictionaries and lists, to be sent to another process."""
        details = {**self.details.__dict__, "memory": {}, "hosts": {}}
        return {**self.__dict__, "details": details}

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> Tally:
        """The tally that was packed."""
        tally, details = cls(), Details()
        details.__dict__.update(packed["details"])
        tally.__dict__.update({**packed, "details": details})
        return tally

    def queued(self, qid: bytes, sender: bytes, size: int) -> None:
        """A mail is in the queue; told again after a deferral, it is no other mail."""
        if qid in self.sizes:
            return
        self.sizes[qid] = size  # MESSAGE in it
        client = self.clients.pop(qid, None)
        if client is not None:
            self.received_from(sender, size, client)
        elif self.cut:
            self.unmet[qid] = (sender, size)

    def domain(self, recipient: bytes) -> list[float]:
        """What is known of a recipient's domain: deferrals, delays, the longest."""
        domain = recipient.rpartition(b"@")[2] if recipient[:1] == b'"' else recipient.partition(b"@")[2] or recipient
        return self.domains.setdefault(domain, [0, 0.0, 0.0])

    def put_off(self, qid: bytes) -> None:
        """A mail has a recipient who must wait."""
        if qid not in self.waiting:
            self.waiting.add(qid)
            self.deferred_mails += 1
            if self.cut:
                self.first_deferrals.add(qid)

    def removed(self, qid: bytes) -> None:
        """A mail has left the queue."""
        if self.sizes.pop(qid, None) is None and self.cut:
            self.gone.add(qid)
        self.waiting.discard(qid)

    def received_from(self, sender: bytes, size: int, client: bytes) -> None:
        """A mail whose client and sender are both known."""
        self.senders[sender] = self.senders.get(sender, 0) + size
        if b"@" not in sender:
            self.without_domain(sender, size, client)

    def without_domain(self, sender: bytes, size: int, client: bytes) -> None:
        """A sender without a domain counts for the client's."""
        key = sender if client == b"pickup" else self.details.host(client)
        self.nobody[key] = self.nobody.get(key, 0) + size

    def add(self, later: Tally) -> None:
        """Add the tally of the lines that follow."""
        for qid, (sender, size) in later.unmet.items():
            client = self.clients.pop(qid, None)
            if client is not None:
                later.received_from(sender, size, client)
            elif qid not in self.sizes:
                self.unmet.setdefault(qid, (sender, size))
        for qid, recipient in later.unsized:
            known = self.sizes.get(qid)
            if known is None or known == MESSAGE:
                self.unsized.append((qid, recipient))
            else:
                later.recipients[recipient] += known - MESSAGE
        self.deferred_mails += later.deferred_mails - len(later.first_deferrals & self.waiting)
        self.first_deferrals |= later.first_deferrals - self.waiting
        self._sums(later)
        for qid in later.gone:
            if self.sizes.pop(qid, None) is None:
                self.gone.add(qid)
            self.clients.pop(qid, None)
            self.waiting.discard(qid)
        self.sizes.update(later.sizes)
        self.clients.update(later.clients)
        self.waiting |= later.waiting

    def _sums(self, later: Tally) -> None:
        for name in ("lines", "forwarded"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.days.update(later.days)
        for key, counts in later.hours.items():
            mine = self.hours.setdefault(key, [0] * 5)
            self.hours[key] = [a + b for a, b in zip(mine, counts, strict=True)]
        for ours, theirs in (
            (self.senders, later.senders),
            (self.nobody, later.nobody),
            (self.recipients, later.recipients),
        ):
            for who, sums in theirs.items():
                ours[who] = ours.get(who, 0) + sums
        for domain, (deferrals, delays, longest) in later.domains.items():
            entry = self.domains.setdefault(domain, [0, 0.0, 0.0])
            entry[:] = entry[0] + deferrals, entry[1] + delays, max(entry[2], longest)
        self.details.add(later.details)

    def finish(self) -> None:
        """Nothing comes before the first line: what could not be known stays unknown."""
        for qid, recipient in self.unsized:
            self.without_size.setdefault(qid, recipient)
        self.unsized = []
        self.details.hosts.clear()
        self.details.memory.clear()

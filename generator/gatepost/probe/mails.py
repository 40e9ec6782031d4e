"""The test mails of a probe: small, marked, and saying of themselves what they are.

In: a run's token, who probes, and the envelope. Out: octets as they go over the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from gatepost.probe.channel import Channel
from gatepost.relaying import Envelope

HEADER = "X-Gatepost-Probe"
END = b"\r\n.\r\n"


@dataclass
class Letters:
    """Makes the mails of one run, each with a mark of its own; `most` of them at all."""

    run: str
    prober: str
    mailbox: str
    now: datetime
    most: int
    made: int = 0

    def for_envelope(self, envelope: Envelope, channel: Channel) -> tuple[str, bytes] | None:
        """The mail for an accepted envelope, or nothing when there were enough."""
        if self.made >= self.most:
            return None
        mark = self.mark()
        return mark, self.text(mark, f"{channel}: {envelope.form}").encode("ascii", "replace") + END

    def mark(self) -> str:
        """The next mark."""
        self.made += 1
        return f"{self.run}.{self.made}"

    def text(self, mark: str, what: str) -> str:
        """Headers and body, without the end of the data."""
        lines = (
            f"From: {self.mailbox}",
            f"To: {self.mailbox}",
            f"Subject: relay test {mark}",
            f"Date: {format_datetime(self.now)}",
            f"Message-ID: <{mark}@{self.mailbox.rpartition('@')[2]}>",
            f"{HEADER}: {mark}",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=us-ascii",
            "",
            f"A test by {self.prober or self.mailbox}, whether this server passes on mail of strangers:",
            what,
            f"The mark of this mail is {mark}.",
        )
        return "\r\n".join(lines)

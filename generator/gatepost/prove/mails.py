"""The mails that probes send: ordinary ones, and the harmless test strings that scanners know.

In: what a mail shall hold. Out: its text as it goes over the wire.
The test strings stand here in pieces, so that no scanner takes this file for what it tests.
"""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

MARK = "X-Gatepost-Probe"

ORDINARY = (
    "Dear reader,\r\n\r\nthis mail was sent by Gatepost to see whether it arrives as the mail policy says.\r\n"
    "It needs no answer, and it will be removed from your mailbox in a moment.\r\n\r\nKind regards,\r\nthe mail servers"
)


def gtube() -> str:
    """The line to which every SpamAssassin gives 1000 points."""
    return "".join(("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE", "-TEST-EMAIL*C.34X"))


def eicar() -> str:
    """The harmless file that every virus scanner finds."""
    return "".join(("X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTI", "VIRUS-TEST-FILE", "!$H+H*"))


def zipped(name: str, content: bytes) -> bytes:
    """An archive with one file in it, byte for byte the same each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return packed.getvalue()


@dataclass(frozen=True)
class Mail:
    """What a probe's mail holds. `subject` goes out as it is; `odd` is a mail made to look like advertisement."""

    subject: str = "A mail from Gatepost"
    body: str = ORDINARY
    attachment: tuple[str, bytes] | None = None
    odd: bool = False

    def text(self, sender: str, recipient: str, mark: str, now: datetime) -> str:
        """The whole mail, with CRLF at each line's end."""
        author = sender or recipient
        domain = author.rpartition("@")[2]
        headers = [
            f"From: Gatepost <{author}>",
            f"To: {recipient if '@' in recipient else f'{recipient}@{domain}'}",
            f"Subject: {self.subject}",
            f"Message-ID: <{mark}@{domain}>",
            f"{MARK}: {mark}",
        ]
        # A mail without a date is one of the things that make a mail suspicious.
        headers += [] if self.odd else [f"Date: {format_datetime(now)}"]
        return "\r\n".join([*headers, *self._content(mark)]) + "\r\n"

    def _content(self, mark: str) -> list[str]:
        if self.attachment is None:
            kind = "html" if self.odd else "plain"
            return ["MIME-Version: 1.0", f"Content-Type: text/{kind}; charset=us-ascii", "", self.body]
        name, content = self.attachment
        return [
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="={mark}="',
            "",
            f"--={mark}=",
            "Content-Type: text/plain; charset=us-ascii",
            "",
            self.body,
            f"--={mark}=",
            f'Content-Type: application/octet-stream; name="{name}"',
            f'Content-Disposition: attachment; filename="{name}"',
            "Content-Transfer-Encoding: base64",
            "",
            base64.encodebytes(content).decode("ascii").strip().replace("\n", "\r\n"),
            f"--={mark}=--",
        ]

"""A server's reply, taken apart. Whoever is probed may be hostile: every octet is bounded, and made printable here.

In: octets as they come. Out: a `Reply`, whose texts hold no control characters.
How it fails: `NoAnswerError` for whatever is no reply; that is never taken for a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatepost.findings import shown

LONGEST_LINE, MOST_LINES = 2048, 100
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_SHOWN = 500


class NoAnswerError(Exception):
    """The server said nothing, closed, or talked nonsense."""


@dataclass(frozen=True)
class Reply:
    """One reply. `lines` are the texts behind the codes."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it on one line, without codes."""
        rests = (line[found.end() :] if (found := _ENHANCED.match(line)) else line for line in self.lines)
        return shown(" ".join(" ".join(rests).split()), _SHOWN)

    @property
    def enhanced(self) -> str:
        """The enhanced code, or nothing."""
        found = _ENHANCED.match(self.lines[-1])
        return found[0] if found else ""

    @property
    def is_good(self) -> bool:
        """2yz."""
        return 200 <= self.code < 300

    @property
    def is_refusal(self) -> bool:
        """5yz."""
        return self.code >= 500

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


class ReplyReader:
    """Puts a reply together. `feed` octets until `reply` is there; what came beyond it stays in `rest`."""

    def __init__(self, rest: bytes = b"") -> None:
        self.rest = rest
        self.reply: Reply | None = None
        self._code = 0
        self._lines: list[str] = []
        self._take()

    def feed(self, octets: bytes) -> None:
        """More octets from the server."""
        self.rest += octets
        self._take()

    def _take(self) -> None:
        while self.reply is None and b"\n" in self.rest:
            line, _, self.rest = self.rest.partition(b"\n")
            self._line(line.removesuffix(b"\r"))
        if self.reply is None and len(self.rest) > LONGEST_LINE:
            raise NoAnswerError(f"a line of its reply does not end: {_text(self.rest)[:60]}…")

    def _line(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        if found is None or len(line) > LONGEST_LINE:
            raise NoAnswerError(f"this is no SMTP reply: {shown(_text(line))}")
        code = int(found[1])
        if self._lines and code != self._code:
            raise NoAnswerError(f"its reply says {self._code} and {code} at once")
        self._code = code
        self._lines.append(shown(_text(found[3] or b""), _SHOWN))
        if found[2] != b"-":
            self.reply = Reply(code, tuple(self._lines))
        elif len(self._lines) >= MOST_LINES:
            raise NoAnswerError(f"its reply does not end after {MOST_LINES} lines")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")

"""The pattern that reads a block of lines: it passes over those that count nothing, and cuts the others into fields.

In: what the lines of this log have in common (a Likeness). Out: one compiled pattern, to be used by `findall` on a
block of whole lines with a newline before the first one. A match begins at a newline and ends in the line behind it,
so that a text inside a line can never be taken for a line. A line is either quiet, which means that it is on the list
of those known to count nothing; or it is cut into fields; or it is a field as it is, for whoever reads lines one by one
(`single.py`). It fails on nothing.

What is written here says the same as `single.py`, only faster, and of fewer lines; a property test holds them together.
The one thing it does not look at is what stands in the place of seconds and time zone, as long as it has that length.
How the classes are written matters: one range is the fastest, more than two are faster than two. Quantifiers are never
possessive, since the Python 3.11.2 that Debian has loses its place in them.
"""

from __future__ import annotations

import re
from typing import Final

PID: Final = rb"\[[0-9]+\]: "
QID: Final = rb"[0-z]+"  # wider than it must be: what stands at this place is no one's text but Postfix's
FIELD: Final = rb"[--~]+"  # letters, digits and most signs; no comma, no blank, nothing that ends a line
ADDRESS: Final = rb"[#-~]"  # the same for an address without a quote, for what is in quotes can look like anything

# What each line that counts nothing begins with. A line that is not listed is not left out: it is read by itself.
_TLS: Final = rb"Anonymous TLS |Trusted TLS |Untrusted TLS |Verified TLS "
QUIET: Final = (
    rb"smtpd" + PID + rb"(?:connect from |disconnect from |lost connection after |timeout after |" + _TLS + rb")",
    rb"cleanup" + PID + QID + rb": message-id=",
    rb"[sl]mtp" + PID + rb"(?:" + _TLS + rb")",
    rb"anvil" + PID + rb"statistics: ",
    rb"bounce" + PID + QID + rb": sender ",
    rb"postscreen" + PID + rb"(?:CONNECT from |PASS |DISCONNECT \[|HANGUP after |PREGREET |DNSBL rank )",
    rb"dnsblog" + PID + rb"addr ",
    rb"tlsproxy" + PID + rb"(?:CONNECT from |DISCONNECT \[|" + _TLS + rb")",
)

# The refusal of a recipient, where it is in the usual words; `details.py` reads all others.
REFUSED: Final = (
    rb"RCPT from (" + FIELD + rb"): [0-9][0-9][0-9] [0-9]\.[0-9]\.[0-9]+ "
    # Left out: whom or what it is about, since it is different each time.
    rb"(?:<" + ADDRESS + rb"*>: |Service unavailable; Client host \[" + FIELD + rb"\] (?=blocked )"
    rb'|[A-Z][^;:\n"]*[:;] (?!from=|Client host \[))'
    # Why, and what more is told; sender and recipient.
    rb'([^;,\[\n]+)(?:,[^;\n"]*|; (?!from=)[^;\n"]*|)'
    rb"; from=<(" + ADDRESS + rb"*> to=<" + ADDRESS + rb"+)> "
)
SMTPD: Final = (
    rb"smtpd" + PID + rb"(" + QID + rb"): "
    # A mail's client, or the text of a warning, where that is the word before it.
    rb"(?:(?:client=|(?<= warning: ))(.+)"
    rb"|reject: " + REFUSED + rb")"
)
# A mail has come into the queue, has left it, or was delivered, be it by a program of one's own.
QUEUE: Final = (
    rb"[a-z]+" + PID + rb"(" + QID + rb"): "
    rb"(?:removed"
    rb"|from=<(" + ADDRESS + rb"*)>, size=([0-9]{1,14}),"
    rb"|to=<(" + ADDRESS + rb"+)>, (?:orig_to=<" + ADDRESS + rb"*>, |)"
    rb"relay=" + FIELD + rb", (?:conn_use=" + FIELD + rb", |)delay=([.-9]{1,10}), delays=" + FIELD + rb", "
    rb"dsn=" + FIELD + rb", status=sent \([0-9a-eg-z])"  # not: forwarded as
)
_MANY: Final = 40


class Likeness:
    """What lines have in common: places and names in their heads, as the lines read one by one have shown them."""

    def __init__(self, hour: int, rest: int) -> None:
        self.hour = hour  # bytes, up to and with the hour
        self.rest = rest  # bytes, from there to the blank before the host
        self.hosts: list[bytes] = []
        self.lanes: list[bytes] = []  # what stands before the daemon: postfix, postfix/submission
        self.others: list[bytes] = []  # programs whose lines are not wanted
        self._patterns: tuple[re.Pattern[bytes], re.Pattern[bytes]] | None = None

    def learn(self, host: bytes, lane: bytes, other: bytes) -> None:
        """One more host, with a lane or another program. Other programs only when there is a lane."""
        for known, name in ((self.hosts, host), (self.lanes, lane), (self.others, other if self.lanes else b"")):
            if name and name not in known and len(known) < _MANY:
                known.append(name)
                self._patterns = None

    def patterns(self) -> tuple[re.Pattern[bytes], re.Pattern[bytes]] | None:
        """For such lines, the pattern, and one that finds the hours of all of Postfix; None as long as none is met."""
        if self._patterns is None and self.lanes:
            rest = rb":..:.{%d} %b " % (self.rest - 4, _any(self.hosts))
            hour, lanes = rb".{%d}" % self.hour, _any(self.lanes) + rb"/"
            quiet = lanes + rb"(?:" + rb"|".join(QUIET) + rb")"
            other = rb"|" + _any(self.others) + rb"\[" if self.others else b""
            self._patterns = (
                re.compile(
                    rb"\n(?!" + hour + rest + rb"(?:" + quiet + other + rb"))"
                    rb"(?:(" + hour + rb")" + rest + lanes + rb"(?:" + SMTPD + rb"|" + QUEUE + rb")|(.*))"
                ),
                re.compile(rb"\n(" + hour + rb")" + rest + lanes),
            )
        return self._patterns


def _any(names: list[bytes]) -> bytes:
    return rb"(?:" + rb"|".join(map(re.escape, names)) + rb")"

"""Smuggled mails: does a server take an odd end of data for the end, and what follows for commands?

In: a channel, a mailbox that the server delivers to, how to dial. Out: a row for each odd end; `arrival` ends them.
How it fails: never. What was sent and did not turn up could not be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatepost.probe.channel import Channel
from gatepost.probe.conversation import Conversation
from gatepost.probe.frontdoor import Dial
from gatepost.probe.mails import END, Letters
from gatepost.probe.pace import Pace, SpentError
from gatepost.probe.replies import NoAnswerError, Reply
from gatepost.probe.rows import Row

ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r\n\0.\r\n")


def smuggle(channel: Channel, sender: str, mailbox: str, letters: Letters, dial: Dial, pace: Pace) -> Iterator[Row]:
    """One mail for each odd end, with a second one behind it."""
    for end in ENDS:
        row = Row("smuggling", channel, f"a second mail behind {_shown(end)}", "unknown")
        try:
            pace.step()
            with dial(channel) as on:
                yield _sent(row, on, sender, mailbox, letters, end)
        except (NoAnswerError, SpentError) as error:
            yield replace(row, why=str(error))


def _sent(row: Row, on: Conversation, sender: str, mailbox: str, letters: Letters, end: bytes) -> Row:
    for command, good in ((f"MAIL FROM:<{sender}>", 250), (f"RCPT TO:<{mailbox}>", 250), ("DATA", 354)):
        reply = on.say(command)
        if reply.code != good:
            return replace(row, answer=str(reply), why="the mailbox's mail is not taken, so nothing could be smuggled")
    carrier, smuggled = letters.mark(), letters.mark()
    commands = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{mailbox}>\r\nDATA\r\n".encode()
    first, second = (letters.text(mark, row.what).encode("ascii", "replace") for mark in (carrier, smuggled))
    return _answered(row, on.send(first + end + commands + second + END), carrier, smuggled)


def _answered(row: Row, reply: Reply, carrier: str, smuggled: str) -> Row:
    """A refusal is the best answer; whether a mail that was taken is one or two, the mailbox tells."""
    if reply.is_good:
        return replace(row, outcome="accepted", answer=str(reply), mark=smuggled, carrier=carrier)
    return replace(row, outcome="closed" if reply.is_refusal else "unknown", answer=str(reply))


def _shown(end: bytes) -> str:
    return end.decode("ascii").replace("\r", "<CR>").replace("\n", "<LF>").replace("\0", "<NUL>")

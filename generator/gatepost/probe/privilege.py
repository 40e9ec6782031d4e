"""What only trusted programs and people may do: XCLIENT and XFORWARD, logging in, the ports behind the filter.

In: a channel, how to dial. Out: rows.
How it fails: never; what gives no answer could not be told.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import replace

from gatepost.probe.channel import Channel
from gatepost.probe.conversation import Conversation, UnreachableError
from gatepost.probe.frontdoor import Dial
from gatepost.probe.judge import Outcome
from gatepost.probe.pace import Pace, SpentError
from gatepost.probe.replies import NoAnswerError, Reply
from gatepost.probe.rows import Row
from gatepost.relaying import Parties

# Where filters and the instances behind them listen, by custom and by Gatepost's own rendering.
INNER_PORTS = (10024, 10025, 10026, 10027, 10028, 10030, 2525)
# Some providers take mail of their customers there.
_FOR_PEOPLE = (2525,)
_COMMANDS = ("XCLIENT ADDR=127.0.0.1 NAME=localhost", "XFORWARD ADDR=127.0.0.1 NAME=localhost")


def commands(channel: Channel, dial: Dial, pace: Pace) -> Iterator[Row]:
    """XCLIENT and XFORWARD, each in a conversation of its own: after a good answer all would be different."""
    for command in _COMMANDS:
        what = f"{command.split()[0]}, to pass for the server itself"
        try:
            pace.step()
            with dial(channel) as on:
                reply = on.say(command)
        except (NoAnswerError, SpentError) as error:
            yield Row("privilege", channel, what, "unknown", why=str(error))
            continue
        yield Row("privilege", channel, what, _outcome(reply), str(reply), _why(reply, "a stranger may use it"))


def _outcome(reply: Reply) -> Outcome:
    return "accepted" if reply.is_good else "closed" if reply.is_refusal else "unknown"


def _why(reply: Reply, danger: str) -> str:
    return danger if reply.is_good else "" if reply.is_refusal else "this is neither yes nor no"


def wrong_login(on: Conversation) -> Row | None:
    """One login with a name and a password that were made up this minute; None where no login is offered."""
    offered = on.extensions.get("AUTH", "").upper().split()
    what = "a login with a made-up password"
    if "PLAIN" not in offered and "LOGIN" not in offered:
        return None
    try:
        reply = _log_in(on, plain="PLAIN" in offered)
    except NoAnswerError as error:
        return Row("login", on.channel, what, "unknown", why=str(error))
    return Row("login", on.channel, what, _outcome(reply), str(reply), _why(reply, "any password is good"))


def _log_in(on: Conversation, *, plain: bool) -> Reply:
    user, password = f"gatepost-probe-{secrets.token_hex(4)}", secrets.token_hex(8)
    if plain:
        return on.say(f"AUTH PLAIN {_encoded(f'{chr(0)}{user}{chr(0)}{password}')}")
    for line in ("AUTH LOGIN", _encoded(user)):
        reply = on.say(line)
        if reply.code != 334:
            return reply
    return on.say(_encoded(password))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def inner_ports(channels: tuple[Channel, ...], parties: Parties, dial: Dial, pace: Pace) -> list[Row]:
    """Whether the ports behind the filter can be reached. The first channel is the front door.

    No answer to a connection is what a closed port behind a good firewall looks like, and a server that has locked us
    out as well: it counts as unreachable only after a second try, and only if the front door still answers then.
    """
    front, *inner = channels
    rows = [_inner_port(channel, parties, dial, pace) for channel in inner]
    silent = [row for row in rows if row.outcome == "unknown" and row.why.startswith(_SILENT)]
    again = {row.channel: _inner_port(row.channel, parties, dial, pace) for row in silent}
    rows = [again.get(row.channel, row) for row in rows]
    if not silent or not _answers(front, dial):
        return rows
    return [_unreachable(row) if row.why.startswith(_SILENT) else row for row in rows]


_SILENT = "no connection"


def _unreachable(row: Row) -> Row:
    return replace(row, outcome="closed", why=f"{row.why}, twice, while port 25 answers")


def _answers(front: Channel, dial: Dial) -> bool:
    try:
        dial(front).close()
    except NoAnswerError:
        return False
    return True


def _inner_port(channel: Channel, parties: Parties, dial: Dial, pace: Pace) -> Row:
    row = Row("port", channel, f"port {channel.port}, behind the filter", "unknown")
    try:
        pace.check()
        with dial(channel) as on:
            return _reached(row, on, parties, pace)
    except UnreachableError as error:
        return replace(row, outcome="closed" if error.refused else "unknown", why=str(error))
    except (NoAnswerError, SpentError) as error:
        return replace(row, why=f"there is a connection, but: {error}")


def _reached(row: Row, on: Conversation, parties: Parties, pace: Pace) -> Row:
    """A port with which a filter hands mail back trusts everybody; one that people use may refuse to relay."""
    pace.step()
    reply = on.say(f"MAIL FROM:<{parties.sender}>")
    reply = on.say(f"RCPT TO:<{parties.target}>") if reply.is_good else reply
    on.say("RSET")
    if reply.is_good:
        return replace(row, outcome="accepted", answer=str(reply), why="it can be reached from outside, and relays")
    if row.channel.port in _FOR_PEOPLE:
        why = "it can be reached, but does not relay" if reply.is_refusal else "it can be reached"
        return replace(row, outcome="closed" if reply.is_refusal else "unknown", answer=str(reply), why=why)
    return replace(row, outcome="accepted", answer=str(reply), why="it can be reached from outside, and speaks SMTP")

"""What the front door tells whoever knocks: greeting, extensions, TLS, what it answers to curious commands.

In: a channel, own domains of the server, how to dial. Out: a `FrontDoor`.
How it fails: `error` tells why there is nothing, or nothing more, to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gatepost.policy.values import is_domain
from gatepost.probe.certificate import Certificate, read_certificate
from gatepost.probe.channel import Channel
from gatepost.probe.conversation import Conversation
from gatepost.probe.pace import Pace, SpentError
from gatepost.probe.replies import NoAnswerError, Reply

_MOST_DOMAINS = 10


@dataclass(frozen=True)
class Answer:
    """What was asked, what was answered, and what to think of it."""

    asked: str
    answer: str
    good: bool | None
    meaning: str


@dataclass(frozen=True)
class FrontDoor:
    """One address's front door."""

    channel: Channel
    greeting: str = ""
    hello: str = ""
    extensions: tuple[tuple[str, str], ...] = ()
    tls: str = ""
    tls_error: str = ""
    certificate: Certificate | None = None
    answers: tuple[Answer, ...] = ()
    client: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """What the server calls itself, or nothing."""
        word = next(iter(self.greeting.split()[1:]), "").lower().rstrip(".")
        return word if is_domain(word) else ""

    def offers(self, extension: str) -> str | None:
        """The parameters of an extension, or None where it is not offered."""
        return dict(self.extensions).get(extension)


Dial = Callable[[Channel], Conversation]


def look(channel: Channel, domains: tuple[str, ...], sender: str, dial: Dial, pace: Pace) -> FrontDoor:
    """Knock."""
    found = FrontDoor(channel)
    answers: list[Answer] = []
    try:
        with dial(channel) as on:
            found = _opened(channel, on)
            for answer in _curious(on, domains, sender, pace):
                answers.append(answer)
    except (NoAnswerError, SpentError) as error:
        found = replace(found, error=str(error))
    return replace(found, answers=tuple(answers))


def with_tls(found: FrontDoor, channel: Channel, dial: Dial) -> FrontDoor:
    """Knock again, with TLS."""
    try:
        with dial(channel) as on:
            return replace(found, tls=on.tls_version, certificate=read_certificate(on.certificate))
    except NoAnswerError as error:
        return replace(found, tls_error=str(error))


def _opened(channel: Channel, on: Conversation) -> FrontDoor:
    extensions = tuple(sorted(on.extensions.items()))
    return FrontDoor(channel, str(on.greeting), str(on.hello), extensions, client=on.client)


def _curious(on: Conversation, domains: tuple[str, ...], sender: str, pace: Pace) -> Iterator[Answer]:
    yield _command(on, "VRFY postmaster", "tells who exists")
    yield _command(on, "EXPN postmaster", "tells who stands in a list")
    yield _command(on, "ETRN gatepost-probe.invalid", "lets strangers start deliveries")
    yield from _recipients(on, domains, sender, pace)


def _command(on: Conversation, command: str, danger: str) -> Answer:
    reply = on.say(command)
    # 252 tells nothing: "cannot verify, but will try".
    told = reply.is_good and reply.code != 252
    meaning = danger if told else "tells nothing" if reply.code == 252 or reply.is_refusal else "could not tell"
    return Answer(command, str(reply), None if meaning == "could not tell" else not told, meaning)


def _recipients(on: Conversation, domains: tuple[str, ...], sender: str, pace: Pace) -> Iterator[Answer]:
    """Postmaster must exist; somebody whose name was made up this minute must not."""
    yield _answer("postmaster", _recipient(on, sender, "postmaster", pace), _postmaster)
    for domain in domains[:_MOST_DOMAINS]:
        nobody = f"gatepost-probe-{secrets.token_hex(6)}@{domain}"
        yield _answer(f"postmaster@{domain}", _recipient(on, sender, f"postmaster@{domain}", pace), _postmaster)
        yield _answer(nobody, _recipient(on, sender, nobody, pace), _nobody)


def _recipient(on: Conversation, sender: str, recipient: str, pace: Pace) -> Reply:
    pace.step()
    reply = on.say(f"MAIL FROM:<{sender}>")
    if reply.is_good:
        reply = on.say(f"RCPT TO:<{recipient}>")
        on.say("RSET")
    return reply


def _answer(recipient: str, reply: Reply, judge: Callable[[Reply], tuple[bool | None, str]]) -> Answer:
    good, meaning = judge(reply)
    return Answer(f"RCPT TO:<{recipient}>", str(reply), good, meaning)


def _postmaster(reply: Reply) -> tuple[bool | None, str]:
    if reply.is_good:
        return True, "postmaster is reached"
    if reply.is_refusal:
        return False, "postmaster is not reached (RFC 5321 §4.5.1): perhaps it refuses us everything"
    return None, "could not tell"


def _nobody(reply: Reply) -> tuple[bool | None, str]:
    if reply.is_good:
        return (
            False,
            "a person who does not exist is accepted: she is invented later, or her mail goes back (backscatter)",
        )
    if reply.is_refusal:
        return True, "a person who does not exist is refused at once"
    return None, "could not tell"

"""The relay table, asked over one channel: recipient by recipient, never more than a few in one conversation.

In: a channel, the envelopes, how to dial. Out: a row for each envelope; a row that was never asked says so.
How it fails: never. Silence, a lost connection, 421 and the limits of the probe all end as "could not tell".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gatepost.probe.channel import Channel
from gatepost.probe.conversation import Conversation
from gatepost.probe.judge import Asked, Judged, Stage, judge
from gatepost.probe.pace import Pace, SpentError
from gatepost.probe.replies import NoAnswerError, Reply
from gatepost.probe.rows import Row
from gatepost.relaying import Envelope, Parties

# A server slows down and hangs up where there are many errors.
IN_ONE = 8
# So many envelopes in a row without any answer: we are not welcome any more.
_MOST_SILENCE = 3

# Makes the mail to be sent by an accepted envelope: its mark, and its octets with the final dot. None: nothing is sent.
MailFor = Callable[[Envelope, Channel], tuple[str, bytes] | None]


@dataclass(frozen=True)
class _Answer:
    stage: Stage
    reply: Reply
    mark: str = ""

    @property
    def is_served(self) -> bool:
        return self.reply.code != 421

    def __str__(self) -> str:
        return str(self.reply)


@dataclass(frozen=True)
class _Silence:
    """No answer. With a mark, a mail was sent that may have been taken."""

    reason: str
    mark: str = ""
    is_served: bool = False

    def __str__(self) -> str:
        return self.reason


class Asking:
    """One channel's conversations, one after the other."""

    def __init__(
        self, channel: Channel, dial: Callable[[Channel], Conversation], pace: Pace, prepare: Callable[..., None]
    ) -> None:
        self.channel, self._dial, self._pace, self._prepare = channel, dial, pace, prepare
        self.stopped = ""
        self._on: Conversation | None = None
        self._silent = 0

    def ask(self, parties: Parties, envelope: Envelope, mail_for: MailFor) -> Row:
        """One envelope."""
        row = Row("relay", self.channel, envelope.form, "unknown", envelope=envelope)
        if self.stopped:
            return replace(row, why=self.stopped)
        try:
            self._pace.step()
        except SpentError as spent:
            self.stopped = str(spent)
            return replace(row, why=self.stopped)
        answer = self._answered(envelope, mail_for)
        if isinstance(answer, _Silence):
            return replace(row, why=answer.reason, mark=answer.mark)
        judged = _judged(answer, self.channel, parties, envelope)
        return replace(row, outcome=judged.outcome, answer=str(answer.reply), why=judged.why, mark=answer.mark)

    def close(self) -> None:
        """The end."""
        if self._on:
            self._on.close()
            self._on = None

    def _answered(self, envelope: Envelope, mail_for: MailFor) -> _Answer | _Silence:
        """An answer, or why there is none. A conversation that ends in the middle is begun once more."""
        used = self._on is not None and self._on.asked > 0
        answer = self._once(envelope, mail_for)
        if used and not answer.is_served and not answer.mark:
            self._pace.back_off()
            answer = self._once(envelope, mail_for)
        self._silent = 0 if answer.is_served else self._silent + 1
        if self._silent >= _MOST_SILENCE:
            self.stopped = f"not asked: the server no longer answers us (locked out?): {answer}"
        return answer

    def _once(self, envelope: Envelope, mail_for: MailFor) -> _Answer | _Silence:
        try:
            if self._on is None or self._on.asked >= IN_ONE:
                self.close()
                self._on = self._dial(self.channel)
                self._prepare(self._on)
            self._on.asked += 1
            answer = _envelope(self._on, envelope, mail_for)
        except NoAnswerError as error:
            self.close()
            return _Silence(str(error))
        if isinstance(answer, _Answer) and answer.is_served:
            self._reset()
        else:
            self.close()
        return answer

    def _reset(self) -> None:
        """Forget the envelope. A server that is gone by now has given its answer all the same."""
        try:
            if self._on and not self._on.say("RSET").is_good:
                self.close()
        except NoAnswerError:
            self.close()


def _envelope(on: Conversation, envelope: Envelope, mail_for: MailFor) -> _Answer | _Silence:
    """The reply that counts: the first that is not good, or that to RCPT, or that to the mail."""
    helo = envelope.helo or on.own_helo
    if on.helo != helo:
        reply = on.greet(helo)
        if not reply.is_good:
            return _Answer("HELO", reply)
    reply = on.say(f"MAIL FROM:{envelope.wire_sender}")
    if not reply.is_good:
        return _Answer("MAIL FROM", reply)
    reply = on.say(f"RCPT TO:{envelope.wire_recipient}")
    mail = mail_for(envelope, on.channel) if reply.is_good else None
    return _sent(on, *mail) if mail else _Answer("RCPT TO", reply)


def _sent(on: Conversation, mark: str, octets: bytes) -> _Answer | _Silence:
    reply = on.say("DATA")
    if reply.is_good:
        raise NoAnswerError(f"it answers DATA as if it were nothing: {reply}")
    if reply.code != 354:
        return _Answer("DATA", reply)
    try:
        reply = on.send(octets)
    except NoAnswerError as error:
        return _Silence(f"the mail was sent, but not answered: {error}", mark)
    return _Answer("DATA", reply, mark if reply.is_good else "")


def _judged(answer: _Answer, channel: Channel, parties: Parties, envelope: Envelope) -> Judged:
    asked = Asked(
        answer.stage,
        channel,
        own_helo=not envelope.helo,
        foreign_sender=envelope.sender == parties.sender,
        plain_target=envelope.recipient == parties.target,
    )
    return judge(answer.reply, asked)

"""The probe of one host, from the first knock to the last look into the mailbox.

In: a host with its addresses and the permission, and what to ask. Out: a `Report`.
How it fails: never as a whole; what gave no answer is "could not tell" in the report.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gatepost.policy.values import IPAddress, is_domain
from gatepost.probe import frontdoor, privilege
from gatepost.probe.admission import Admitted
from gatepost.probe.arrival import with_arrivals, without_mail
from gatepost.probe.channel import SMTP, SUBMISSION, SUBMISSIONS, Channel, Tls
from gatepost.probe.conversation import Conversation, UnreachableError
from gatepost.probe.frontdoor import FrontDoor
from gatepost.probe.mailbox import Arrived, Mailbox, MailboxError, Reading
from gatepost.probe.mails import Letters
from gatepost.probe.pace import Pace
from gatepost.probe.relay import Asking, MailFor
from gatepost.probe.replies import NoAnswerError
from gatepost.probe.rows import Row, Verdict, verdict_of
from gatepost.probe.seen_as import SeenAs, seen_as
from gatepost.probe.smuggling import smuggle
from gatepost.relaying import Envelope, Parties, envelopes, literal

_LOOK_EVERY = 5.0
_PORT_PATIENCE = 5.0


@dataclass(frozen=True)
class Asked:
    """What one is asked for, the same for all hosts."""

    prober: str
    sender: str
    target: str
    helo: str = ""
    domains: tuple[str, ...] = ()
    port: int = SMTP
    # Of a server whose front door is elsewhere, nothing is known of other ports.
    others: tuple[int, ...] = (SUBMISSION, SUBMISSIONS)
    inner: tuple[int, ...] = privilege.INNER_PORTS
    patience: float = 30.0
    mailbox: Mailbox | None = None
    password: str = ""
    wait: float = 120.0
    most_mails: int = 100

    @property
    def mails_relay(self) -> bool:
        """Whether a mail that arrives in the mailbox was relayed; in one of the server's own it was delivered."""
        return self.mailbox is not None and self.mailbox.address == self.target


@dataclass(frozen=True)
class Report:
    """What was found of one host."""

    host: str
    permission: str
    asked: Asked
    run: str
    begun: datetime
    seconds: float
    addresses: tuple[IPAddress, ...]
    names: tuple[str, ...]
    doors: tuple[FrontDoor, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    client: SeenAs | None

    @property
    def verdict(self) -> Verdict:
        """All in all."""
        return verdict_of(self.rows)


def probe(admitted: Admitted, asked: Asked, pace: Pace, say: Callable[[str], None]) -> Report:
    """Ask everything, one connection at a time."""
    return _Probe(admitted, asked, pace, say).report()


def domains_of(admitted: Admitted, asked: Asked) -> tuple[str, ...]:
    """The server's own domains; if none was named, the one that its own name stands in."""
    above = admitted.host.partition(".")[2]
    return asked.domains or ((above,) if "." in above and is_domain(above) else ())


def introduction(address: IPAddress, asked: Asked) -> tuple[str, ...]:
    """What a server says of itself, before anything is asked: its greeting and its answer to EHLO."""
    with Conversation(Channel(address, asked.port), asked.helo, asked.patience) as on:
        return on.greeting.text, on.hello.text


class _Probe:
    def __init__(self, admitted: Admitted, asked: Asked, pace: Pace, say: Callable[[str], None]) -> None:
        self.admitted, self.asked, self.pace, self.say = admitted, asked, pace, say
        self.notes: list[str] = list(admitted.notes)
        self.doors: list[FrontDoor] = []
        self.received: list[str] = []
        self.domains = domains_of(admitted, asked)
        self.run = f"gp{secrets.token_hex(6)}"
        self.begun = datetime.now(UTC)
        prober = asked.prober or (asked.mailbox.address if asked.mailbox else "")
        self.letters = Letters(
            self.run, prober, asked.mailbox.address if asked.mailbox else asked.target, self.begun, asked.most_mails
        )

    def report(self) -> Report:
        started = time.monotonic()
        addresses = self.admitted.addresses
        rows = [row for address in addresses for row in self._address(address)]
        if self.asked.port != SMTP:
            self.notes.append(f"ports other than {self.asked.port} were not asked (--port)")
        if not addresses:
            self.notes.append("no address of it could be asked")
        if self.asked.mailbox:
            rows = self._arrivals(rows)
        if self.asked.mails_relay:
            rows = list(map(without_mail, rows))
        hellos = [door.hello for door in self.doors]
        client = seen_as(hellos, [row.answer for row in rows], self.received, self._written(rows))
        seconds = time.monotonic() - started
        told = (addresses, self._names(), tuple(self.doors), tuple(rows), tuple(self.notes), client)
        return Report(self.admitted.host, self.admitted.reason, self.asked, self.run, self.begun, seconds, *told)

    def _written(self, rows: list[Row]) -> Iterator[str]:
        yield from map(literal, self.admitted.addresses)
        yield self.asked.helo
        for envelope in {row.envelope for row in rows if row.envelope}:
            yield from (
                envelope.sender,
                envelope.recipient,
                f"[{envelope.recipient.rpartition('@')[2]}]",
                envelope.helo,
            )

    def _names(self) -> tuple[str, ...]:
        host = self.admitted.host
        told = [door.name for door in self.doors if door.name]
        return tuple(dict.fromkeys([*self.domains, *([host] if is_domain(host) else []), *told]))

    def _dial(self, channel: Channel) -> Conversation:
        return Conversation(channel, self.asked.helo, self.asked.patience)

    def _dial_inner(self, channel: Channel) -> Conversation:
        return Conversation(channel, self.asked.helo, min(self.asked.patience, _PORT_PATIENCE))

    # --- one address -------------------------------------------------------------------------------------------------

    def _address(self, address: IPAddress) -> Iterator[Row]:
        front = Channel(address, self.asked.port)
        self.say(f"{front}: the front door")
        door = frontdoor.look(front, self.domains, self.asked.sender, self._dial, self.pace)
        has_tls = door.offers("STARTTLS") is not None
        if has_tls:
            door = frontdoor.with_tls(door, replace(front, tls="starttls"), self._dial)
        self.doors.append(door)
        if not door.greeting:
            yield Row("relay", front, "the front door", "unknown", why=door.error)
            return
        if not has_tls:
            self.notes.append(f"{front}: STARTTLS is not offered: nothing was asked after it")
        parties = Parties(self.asked.sender, self.asked.target, self._names(), address)
        self.say(f"{front}: the ports behind the filter")
        if self.asked.port == SMTP:
            inner = (front, *(Channel(address, port) for port in self.asked.inner))
            yield from privilege.inner_ports(inner, parties, self._dial_inner, self.pace)
        table = envelopes(parties)
        for channel in (front, *([replace(front, tls="starttls")] if has_tls else [])):
            yield from self._table(channel, parties, table)
            yield from privilege.commands(channel, self._dial, self.pace)
            if "AUTH" in dict(door.extensions):
                yield from self._logged_out(channel, parties)
        if self.asked.mailbox and not self.asked.mails_relay:
            box, sender = self.asked.mailbox.address, self.asked.sender
            self.say(f"{front}: smuggled mails")
            yield from smuggle(front, sender, box, self.letters, self._dial, self.pace)
        for port in self.asked.others if self.asked.port == SMTP else ():
            yield from self._submission(address, port, parties)

    def _table(self, channel: Channel, parties: Parties, table: list[Envelope]) -> Iterator[Row]:
        asking = Asking(channel, self._dial, self.pace, lambda _: None)
        for number, envelope in enumerate(table, 1):
            self.say(f"{channel}: {number} of {len(table)}: {envelope.form}")
            yield asking.ask(parties, envelope, self._mail_for)
        asking.close()

    @property
    def _mail_for(self) -> MailFor:
        return self.letters.for_envelope if self.asked.mails_relay else lambda *_: None

    # --- where people log in -----------------------------------------------------------------------------------------

    def _submission(self, address: IPAddress, port: int, parties: Parties) -> Iterator[Row]:
        """The sixteen forms before and after STARTTLS, and again after a login that failed."""
        channel = Channel(address, port, "implicit" if port == SUBMISSIONS else "none")
        self.say(f"{channel}: whether it is open")
        try:
            with self._dial_inner(channel) as on:
                tls = "STARTTLS" in on.extensions
        except UnreachableError as error:
            self.notes.append(f"{channel}: not open to us ({error})")
            return
        except NoAnswerError as error:
            yield Row("relay", channel, "the port for people with a password", "unknown", why=str(error))
            return
        classic = [envelope for envelope in envelopes(parties) if envelope.classic]
        kinds: tuple[Tls, ...] = (channel.tls, "starttls") if tls and channel.tls == "none" else (channel.tls,)
        for kind in kinds:
            yield from self._table(replace(channel, tls=kind), parties, classic)
            yield from self._logged_out(replace(channel, tls=kind), parties)

    def _logged_out(self, channel: Channel, parties: Parties) -> Iterator[Row]:
        """One failed login, and what may be asked after it in the same conversation."""
        found: list[Row] = []

        def log_in(on: Conversation) -> None:
            found.extend(row for row in [privilege.wrong_login(on)] if row and not found)

        asking = Asking(channel, self._dial, self.pace, log_in)
        plain = Envelope("after the failed login: F@D → T@D", parties.sender, parties.target)
        row = asking.ask(parties, plain, self._mail_for)
        asking.close()
        yield from [*found, row] if found else []

    # --- the mailbox -------------------------------------------------------------------------------------------------

    def _arrivals(self, rows: list[Row]) -> list[Row]:
        """Look until all has come that was sent, or the wait is over."""
        sent = {row.carrier or row.mark for row in rows if row.mark}
        if not sent:
            return rows
        try:
            arrived = self._waited(sent)
        except MailboxError as error:
            self.notes.append(str(error))
            return rows
        # The oldest was written by the server that we spoke to.
        self.received = [line for one in arrived for line in reversed(one.received)]
        return with_arrivals(rows, arrived, self.asked.target)

    def _waited(self, sent: set[str]) -> list[Arrived]:
        assert self.asked.mailbox is not None  # noqa: S101 - for the type checker
        reading = Reading(self.asked.mailbox, self.asked.password)
        try:
            until = time.monotonic() + self.asked.wait
            before: set[str] = set()
            while True:
                arrived = reading.look(self.run)
                marks = {one.mark for one in arrived}
                # One look more when all is there: what was smuggled, or sent twice, may come a little later.
                if (marks >= sent and marks == before) or time.monotonic() >= until:
                    break
                before = marks
                self.say(f"{len(sent)} mails sent, {len(marks)} in the mailbox so far")
                self.pace.sleep(_LOOK_EVERY)
            reading.clean(self.run)
            return arrived
        finally:
            reading.close()

"""Logs as a busy server writes them, and how fast they are read.

In: a size, a seed, a shape. Out: a log in which every line is of a kind that Postfix 3.7 or amavis 2.13 writes, the
same for the same seed; and the figures of `gatepost summary` beside Debian's pflogsumm, and of following.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LETTERS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_WORDS = ("anna", "bert", "carla", "dirk", "emma", "frank", "greta", "hans", "ines", "jan",
          "karl", "lena", "max", "nora", "otto", "paula", "rosa", "tim", "ute", "vera")  # fmt: skip
_FOREIGN = [f"{a}{b}.example" for a in ("mail", "shop", "news", "bank", "city", "firm") for b in range(400)]
_OURS = ["example.org", "example.net", "office.example.org"]


@dataclass(frozen=True)
class Shape:
    """How often which session comes, and how the log looks."""

    refused: float = 0.45
    guessed: float = 0.08
    probed: float = 0.05
    deferred: float = 0.05
    returned: float = 0.03
    with_amavis: bool = True
    traditional: bool = False
    short_ids: bool = False
    lane: str = "postfix"
    a_second: float = 1.5  # sessions
    clients: int = 60_000  # how many there are; and people in each domain
    people: int = 4_000


MIXED = Shape()
REFUSALS = Shape(refused=0.80, guessed=0.10, probed=0.02)
FILTERED = Shape(refused=0.10, guessed=0.01, probed=0.01)
REGULARS = Shape(clients=3_000, people=200)
TRADITIONAL = Shape(traditional=True, short_ids=True, with_amavis=False)


class Writer:
    """Writes one server's log, session after session."""

    def __init__(self, seed: int, shape: Shape, start: datetime) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same log again is what it is for
        self.shape = shape
        self.now = start
        self.process = 1000
        self.host = "mx1"

    def stamp(self) -> str:
        """The time, a little later each time."""
        self.now += timedelta(microseconds=self.random.randrange(200, 9000))
        if self.shape.traditional:
            return f"{self.now:%b} {self.now.day:2} {self.now:%H:%M:%S} {self.host} "
        return f"{self.now.isoformat(timespec='microseconds')} {self.host} "

    def line(self, program: str, message: str, instance: str = "postfix") -> str:
        """One line of Postfix."""
        return f"{self.stamp()}{instance}/{program}[{self.process % 60000}]: {message}\n"

    def queue_id(self) -> str:
        """A queue id, never the same twice in the long form."""
        if self.shape.short_ids:
            return f"{self.random.randrange(1 << 44):X}"[:11]
        return "4j" + "".join(self.random.choices(_LETTERS, k=13))

    def client(self) -> str:
        """A client's name and address."""
        number = self.few(self.shape.clients)
        address = f"203.0.{number // 250}.{number % 250 + 1}"
        if number % 5 < 2:
            return f"unknown[{address}]"
        return f"mail-{address.replace('.', '-')}.{_FOREIGN[number % len(_FOREIGN)]}[{address}]"

    def few(self, many: int) -> int:
        """One of many, of whom a few come most of the time, as people and clients do."""
        return int(many * self.random.random() ** 3)

    def person(self, domains: list[str]) -> str:
        """An address."""
        number = self.few(self.shape.people)
        name = f"{_WORDS[number % 20]}.{_WORDS[number // 20 % 20]}{number // 400}"
        return f"{name}@{domains[self.few(len(domains))]}"

    def session(self) -> Iterator[str]:
        """The lines of one client's session, and of what follows from it."""
        self.now += timedelta(seconds=self.random.expovariate(self.shape.a_second))
        self.process += 1
        chance = self.random.random()
        client = self.client()
        kinds: list[tuple[float, Callable[[str], Iterator[str]]]] = [
            (self.shape.refused, self.refusal),
            (self.shape.guessed, self.guess),
            (self.shape.probed, self.probe),
        ]
        if client.startswith("unknown") and self.random.random() < 0.5:
            address = client.partition("[")[2].rstrip("]")
            name = f"host-{address.replace('.', '-')}.{_FOREIGN[len(address)]}"
            yield self.line(
                "smtpd", f"warning: hostname {name} does not resolve to address {address}: Name or service not known"
            )
        yield self.line("smtpd", f"connect from {client}")
        for share, kind in kinds:
            if chance < share:
                yield from kind(client)
                return
            chance -= share
        yield from self.mail(client)

    def refusal(self, client: str) -> Iterator[str]:
        """A client that is refused, once or several times."""
        sender, helo = self.person(_FOREIGN), self.random.choice(_FOREIGN)
        times = self.random.choice((1, 1, 1, 2, 3))
        for _ in range(times):
            recipient = self.person(_OURS)
            address = client.partition("[")[2]
            reason = self.random.choice(
                (
                    f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in relay recipient table",
                    f"554 5.7.1 <{recipient}>: Relay access denied",
                    f"554 5.7.1 Service unavailable; Client host [{address} blocked using zen.spamhaus.org; "
                    f"https://www.spamhaus.org/query/ip/{address.rstrip(']')}",
                    f"450 4.1.8 <{sender}>: Sender address rejected: Domain not found",
                    f"504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname",
                    f"450 4.7.25 Client host rejected: cannot find your hostname, [{address}",
                    f"554 5.7.1 <{client}>: Client host rejected: Refused by our mail policy",
                )
            )
            tail = f"from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>"
            yield self.line("smtpd", f"NOQUEUE: reject: RCPT from {client}: {reason}; {tail}")
        counts = f"ehlo=1 mail=1 rcpt=0/{times} quit=1 commands=3/{3 + times}"
        yield self.line("smtpd", f"disconnect from {client} {counts}")

    def guess(self, client: str) -> Iterator[str]:
        """A client that guesses passwords."""
        yield self.line("smtpd", f"warning: {client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6")
        yield self.line("smtpd", f"lost connection after AUTH from {client}")
        yield self.line("smtpd", f"disconnect from {client} ehlo=1 auth=0/1 commands=1/2")

    def probe(self, client: str) -> Iterator[str]:
        """A client that only looks."""
        yield self.line("smtpd", f"lost connection after CONNECT from {client}")
        yield self.line("smtpd", f"disconnect from {client} commands=0/0")

    def mail(self, client: str) -> Iterator[str]:
        """A mail that is taken."""
        queue_id = self.queue_id()
        incoming = self.random.random() < 0.7
        sender = "" if self.random.random() < 0.05 else self.person(_FOREIGN if incoming else _OURS)
        recipients = [
            self.person(_OURS if incoming else _FOREIGN) for _ in range(self.random.choice((1, 1, 1, 1, 1, 2, 2, 4)))
        ]
        size = int(self.random.lognormvariate(9.5, 1.4)) + 300
        message_id = f"<{self.random.randrange(1 << 60):x}@{self.random.choice(_FOREIGN)}>"
        if self.random.random() < 0.7:
            yield self.line(
                "smtpd",
                f"Anonymous TLS connection established from {client}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
                "(256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256",
            )
        yield self.line("smtpd", f"{queue_id}: client={client}")
        yield self.line("cleanup", f"{queue_id}: message-id={message_id}")
        if self.random.random() < 0.01:
            tail = f"from=<{sender}> to=<{recipients[0]}> proto=ESMTP helo=<{_FOREIGN[0]}>"
            yield self.line(
                "cleanup",
                f"{queue_id}: reject: header Subject: urgent bank transfer from {client}; {tail}: 5.7.1 Refused",
            )
            yield self.line("smtpd", f"disconnect from {client} ehlo=1 mail=1 rcpt=1 data=0/1 quit=1 commands=4/5")
            return
        yield self.line("qmgr", f"{queue_id}: from=<{sender}>, size={size}, nrcpt={len(recipients)} (queue active)")
        counts = "ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7"
        yield self.line("smtpd", f"disconnect from {client} {counts}")
        if self.shape.with_amavis:
            yield from self.filtered(queue_id, client, sender, recipients, size, message_id)
        else:
            yield from self.deliveries(queue_id, sender, recipients, size, "postfix")

    def filtered(
        self, queue_id: str, client: str, sender: str, recipients: list[str], size: int, message_id: str
    ) -> Iterator[str]:
        """The way through amavis and back."""
        address = client.partition("[")[2].rstrip("]")
        number = f"{self.process % 100000:05}-{self.random.randrange(1, 99):02}"
        to = ",".join(f"<{r}>" for r in recipients)
        mail_id = "".join(self.random.choices(_LETTERS, k=12))
        spam = self.random.random() < 0.15
        yield (
            f"{self.stamp()}amavis[{self.process % 60000}]: ({number}) LMTP :10024 "
            f"/var/lib/amavis/tmp/amavis-20261124T110426-{number}: <{sender}> -> {to} SIZE={size} Received: from "
            "mx1.example.org ([127.0.0.1]) by localhost (mx1.example.org [127.0.0.1]) (amavis, port 10024) with LMTP\n"
        )
        checking = f"({number}) Checking: {mail_id} [{address}] <{sender}> -> {to}"
        yield f"{self.stamp()}amavis[{self.process % 60000}]: {checking}\n"
        head = f"{self.stamp()}amavis[{self.process % 60000}]: ({number}) "
        milliseconds = self.random.randrange(80, 2500)
        tail = f"Message-ID: {message_id}, mail_id: {mail_id}, Hits: "
        if spam:
            yield (
                f"{head}Blocked SPAM {{DiscardedInbound,Quarantined}}, [{address}]:40{number[:3]} [{address}] "
                f"<{sender}> -> {to}, "
                f"quarantine: spam-{mail_id}.gz, Queue-ID: {queue_id}, {tail}{self.random.randrange(90, 300) / 10}, "
                f"size: {size}, Tests: [BAYES_99=3.5,URIBL_BLACK=1.7,HTML_MESSAGE=0.001], {milliseconds} ms\n"
            )
            reply = f"250 2.7.0 Ok, discarded, id={number} - spam"
        else:
            after = self.queue_id()
            inner = self.shape.lane
            yield self.line("smtpd", "connect from localhost[127.0.0.1]", inner)
            yield self.line("smtpd", f"{after}: client=localhost[127.0.0.1]", inner)
            yield self.line("cleanup", f"{after}: message-id={message_id}", inner)
            yield self.line(
                "qmgr", f"{after}: from=<{sender}>, size={size + 420}, nrcpt={len(recipients)} (queue active)", inner
            )
            yield self.line(
                "smtpd", "disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5", inner
            )
            yield (
                f"{head}Passed CLEAN {{RelayedInbound}}, [{address}]:40{number[:3]} [{address}] <{sender}> -> {to}, "
                f"Queue-ID: {queue_id}, {tail}{self.random.randrange(-30, 40) / 10}, size: {size}, queued_as: {after}, "
                f"Tests: [BAYES_00=-1.9,DKIM_VALID=-0.1,HTML_MESSAGE=0.001], {milliseconds} ms\n"
            )
            reply = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {after}"
        for recipient in recipients:
            delay = milliseconds / 1000
            yield self.line(
                "lmtp",
                f"{queue_id}: to=<{recipient}>, relay=127.0.0.1[127.0.0.1]:10024, delay={delay:.2g}, "
                f"delays=0.05/0.01/0.01/{delay:.2g}, dsn=2.0.0, status=sent ({reply})",
            )
        yield self.line("qmgr", f"{queue_id}: removed")
        if not spam:
            yield from self.deliveries(after, sender, recipients, size + 420, inner)

    def deliveries(self, queue_id: str, sender: str, recipients: list[str], size: int, instance: str) -> Iterator[str]:
        """Each recipient's own fate."""
        waiting = []
        for recipient in recipients:
            domain = recipient.partition("@")[2]
            relay = f"mx.{domain}[198.51.100.{len(domain) * 7 % 250}]:25"
            delay = self.random.choice((0.31, 1.2, 2.8, 0.09, 14, 75.5))
            if self.random.random() < 0.8:
                yield self.line(
                    "smtp",
                    f"Trusted TLS connection established to {relay}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
                    "(256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256",
                    instance,
                )
            fields = f"{queue_id}: to=<{recipient}>, relay={relay}, delay={delay}, delays=0.03/0.01/0.2/{delay}"
            chance = self.random.random()
            if chance < self.shape.deferred:
                waiting.append((recipient, relay))
                said = f"host {relay[:-3]} said: 451 4.7.1 Greylisted, please try again (in reply to RCPT TO command)"
                yield self.line("smtp", f"{fields}, dsn=4.7.1, status=deferred ({said})", instance)
            elif chance < self.shape.deferred + self.shape.returned:
                said = f"host {relay[:-3]} said: 550 5.1.1 <{recipient}>: User unknown (in reply to RCPT TO command)"
                yield self.line("smtp", f"{fields}, dsn=5.1.1, status=bounced ({said})", instance)
                notice = self.queue_id()
                yield self.line("cleanup", f"{notice}: message-id=<{notice}@mx1.example.org>", instance)
                yield self.line("bounce", f"{queue_id}: sender non-delivery notification: {notice}", instance)
                yield self.line(
                    "qmgr", f"{notice}: from=<>, size={size % 9000 + 2000}, nrcpt=1 (queue active)", instance
                )
                yield self.line("qmgr", f"{notice}: removed", instance)
            else:
                after = self.queue_id()
                yield self.line("smtp", f"{fields}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {after})", instance)
        if waiting:
            self.now += timedelta(seconds=self.random.randrange(1, 4))
            head = f"{queue_id}: from=<{sender}>, size={size}, nrcpt={len(recipients)} (queue active)"
            yield self.line("qmgr", head, instance)
            for recipient, relay in waiting:
                fields = f"{queue_id}: to=<{recipient}>, relay={relay}, delay=305, delays=304/0.01/0.2/0.4"
                yield self.line("smtp", f"{fields}, dsn=2.0.0, status=sent (250 2.0.0 Ok)", instance)
        yield self.line("qmgr", f"{queue_id}: removed", instance)


def write(path: Path, megabytes: float, seed: int = 1, shape: Shape = MIXED) -> int:
    """Write a log of about this size, which ends yesterday; the number of its lines."""
    writer = Writer(seed, shape, datetime.now(UTC).replace(hour=0, minute=0, second=1) - timedelta(days=6))
    size = count = 0
    with path.open("w", encoding="ascii") as file:
        while size < megabytes * 1_000_000:
            for line in writer.session():
                size += file.write(line)
                count += 1
    return count


@dataclass(frozen=True)
class Reading:
    """How one program read a log: seconds by the clock and of the processor, and a process' greatest memory in MB."""

    seconds: float
    processor: float
    megabytes: float


def reading(argv: list[str], core: str | None = None) -> Reading:
    """Run a program that reads a log, whole."""
    pinned = ["taskset", "-c", core, *argv] if core else argv
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "observer"), "LC_ALL": "C.UTF-8"}
    began = time.perf_counter()
    child = subprocess.Popen(pinned, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), pinned)
    return Reading(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def summary(log: Path, jobs: int) -> list[str]:
    """Our command, on Debian's own Python where that is there: the standard library is all it needs."""
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    return [python, "-m", "gatepost_observer.summary", f"--jobs={jobs}", str(log)]


def pflogsumm(log: Path) -> list[str]:
    """Debian's command."""
    return [shutil.which("pflogsumm") or "/usr/sbin/pflogsumm", str(log)]


def followed(log: Path) -> float:
    """Lines a second from a file to events, as the collector reads, on one core."""
    from gatepost_observer.lines import Follower
    from gatepost_observer.parse import Reader

    follower, reader = Follower([str(log)]), Reader()
    began = time.perf_counter()
    while True:
        batches = follower.poll()
        if not batches:
            break
        for batch in batches:
            reader.read(batch.lines)
    seconds = time.perf_counter() - began
    follower.close()
    return reader.lines / seconds


def turns(log: Path, times: int = 3) -> list[tuple[Reading, Reading, Reading]]:
    """pflogsumm, the summary on one core, and on two, in turns, so that a busy machine is busy for all of them."""
    reading(summary(log, 1))
    return [
        (reading(pflogsumm(log), "0"), reading(summary(log, 1), "0"), reading(summary(log, 2))) for _ in range(times)
    ]


def shares(measured: list[tuple[Reading, Reading, Reading]]) -> tuple[float, float]:
    """The summary's share of pflogsumm's time: of the processor's for one core, by the clock for two; the medians."""
    one = statistics.median(ours.processor / theirs.processor for theirs, ours, _ in measured)
    two = statistics.median(ours.seconds / theirs.seconds for theirs, _, ours in measured)
    return one, two


def figures(folder: Path, megabytes: float = 200, shape: Shape = MIXED) -> list[tuple[str, float, float, str]]:
    """Name, measured, at most, unit."""
    log, small = folder / "mail.log", folder / "small.log"
    write(log, megabytes, shape=shape)
    write(small, megabytes / 8, seed=2, shape=shape)
    measured = turns(log)
    one, two = shares(measured)
    return [
        ("summary on one core / pflogsumm", one, 1 / 8, "×"),
        ("summary on two cores / pflogsumm", two, 1 / 15, "×"),
        ("summary, memory of a process", max(r.megabytes for turn in measured for r in turn[1:]), 100, "MB"),
        ("following a log, for 100,000 lines", 100_000 / followed(small), 1, "s"),
    ]


SHAPES = {
    "mixed": MIXED,
    "regulars": REGULARS,
    "refusals": REFUSALS,
    "filtered": FILTERED,
    "traditional": TRADITIONAL,
}


def table(folder: Path, names: list[str], megabytes: float) -> Iterator[str]:
    """How many times as fast as pflogsumm, for logs of these shapes."""
    yield f"{'':<12} {'pflogsumm':>12} {'one core':>12} {'':>7} {'two cores':>12} {'':>7} {'a process':>10}"
    for name in names:
        log = folder / "mail.log"
        write(log, megabytes, shape=SHAPES[name])
        measured = turns(log)
        one, two = shares(measured)
        perl, single, double = (statistics.median(column) for column in (
            [theirs.processor for theirs, _, _ in measured],
            [ours.processor for _, ours, _ in measured],
            [ours.seconds for _, _, ours in measured],
        ))  # fmt: skip
        memory = max(r.megabytes for turn in measured for r in turn[1:])
        yield (
            f"{name:<12} {perl:10.2f} s {single:10.2f} s {1 / one:5.1f} × {double:10.2f} s {1 / two:5.1f} × "
            f"{memory:7.0f} MB"
        )


if __name__ == "__main__":
    import tempfile

    chosen = [name for name in sys.argv[1:] if name in SHAPES] or list(SHAPES)
    size = float(next((word for word in sys.argv[1:] if word not in SHAPES), 200))
    with tempfile.TemporaryDirectory() as where:
        for row in table(Path(where), chosen, size):
            print(row, flush=True)

"""What the observer's store costs: taking in a burst, finding one mail among forty million events, a plain count.

In: a folder for the burst's log. Out: figures (name, measured, limit, unit) for bench.py. The forty million events are
those of 10 GB of logs: thirty days of two servers, made up in SQL, with as many different addresses and ids as such
servers see; they take two minutes to make and 1.3 GB in the system's folder for temporary files.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
from gatepost_observer.events import COLUMNS, SCHEMA
from gatepost_observer.store import Store, durable, engine
from gatepost_observer.store.compact import ROW_GROUP
from gatepost_observer.store.manifest import NAME, File, Manifest
from gatepost_observer.store.merge import LARGE
from gatepost_observer.store.schema import SQL

Measured = tuple[str, float, float, str]
DAYS: Final = 30
MAILS: Final = 74_000  # a day and server; nine events each
DAY: Final = 86_400_000_000
BEGIN: Final = 20_370 * DAY  # 2025-10-09
LINES: Final = 200_000

_MAILS: Final = """
WITH each AS (
  SELECT n, hash(n * 31 + {seed}) AS h1, hash(n * 37 + {seed}) AS h2, hash(n * 41 + {seed}) AS h3,
    hash(n * 43 + {seed}) AS h4, md5(concat(n, ' {seed}')) AS m, make_timestamptz({begin} + n * {apart}) AS t
  FROM range({mails}) r(n)
)
SELECT *,
  concat('4', left(m, 5), printf('%06d', n), 'z1') AS q1,
  concat('4', right(m, 5), printf('%06d', n), 'z2') AS q2,
  concat('u', CAST(pow((h1 % 1000000) / 1e6, 3) * 200000 AS BIGINT),
         '@s', CAST(pow((h2 % 1000000) / 1e6, 4) * 30000 AS BIGINT), '.example') AS sender,
  concat('r', CAST(pow((h3 % 1000000) / 1e6, 2) * 20000 AS BIGINT), '@example.org') AS recipient,
  concat(m, '@s', h2 % 30000, '.example') AS message_id,
  concat(60 + h4 % 100, '.', (h4 // 100) % 200, '.', (h4 // 20000) % 250, '.', (h4 // 5000000) % 4) AS client,
  CAST(h2 % 200000 AS BIGINT) AS size, (h1 // 7 % 1000) / 100.0 AS score
FROM each
"""
_ALL: Final = {"mail": "q1", "sender": "sender", "message_id": "message_id", "client": "client"}
_GATE: Final = {**_ALL, "queue_id": "q1"}
_LANE: Final = {**_ALL, "queue_id": "q2"}
_TIMES: Final = {"delay": "1.3", "delay_before": "0.1", "delay_queue": "0", "delay_connect": "0.1", "delay_send": "1.1"}
_SENT: Final = {**_TIMES, "recipient": "recipient", "code": "250", "status": "'2.0.0'", "size": "size"}
# Kind, program, instance, milliseconds after the mail's beginning, columns.
_EVENTS: Final[tuple[tuple[str, str, str, int, dict[str, str]], ...]] = (
    ("connect", "smtpd", "postfix", 2000, {"client": "client", "helo": "concat('mail.', left(m, 8))"}),
    ("accepted", "qmgr", "postfix", 200, {**_GATE, "size": "size", "recipients": "1", "inside": "FALSE"}),
    ("filtered", "amavis", "amavis", 900, {
        **_GATE, "recipient": "recipient", "queued_as": "q2", "action": "'passed'", "score": "score",
        "reason": "CASE WHEN score > 9 THEN 'spam' ELSE 'clean' END",
        "tests": "concat('BAYES_', h1 % 100, '=1.5,SPF_PASS=-0.1,R', h2 % 300, '=0.5')",
    }),
    ("delivered", "lmtp", "postfix", 910, {
        **_GATE, **_SENT, "queued_as": "q2", "relay": "'127.0.0.1'", "inside": "TRUE",
        "text": "concat('250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as ', q2)",
    }),
    ("closed", "qmgr", "postfix", 920, {**_GATE}),
    ("accepted", "qmgr", "postfix-normal", 890, {**_LANE, "size": "size", "inside": "TRUE"}),
    ("delivered", "smtp", "postfix-normal", 1300, {
        **_LANE, **_SENT, "queued_as": "md5(q2)", "relay": "'store.example.org'", "inside": "FALSE",
        "text": "concat('250 2.0.0 <', recipient, '> ', md5(q2), ' Saved')",
    }),
    ("closed", "qmgr", "postfix-normal", 1310, {**_LANE}),
    ("refused", "smtpd", "postfix", 5000, {
        "client": "client", "sender": "sender", "recipient": "concat('x', h3 % 1000000, '@example.org')",
        "reason": "'unknown-recipient'", "code": "550", "status": "'5.1.1'",
        "text": "'550 5.1.1 Recipient address rejected: User unknown in relay recipient table'",
    }),
)  # fmt: skip


def _a_day(number: int, host: str) -> str:
    """A day of one server, in SQL, in the order of time."""
    seed = number * 2 + (host == "gate13")
    mails = _MAILS.format(seed=seed, begin=BEGIN + number * DAY, apart=DAY // MAILS, mails=MAILS)
    arms = []
    for kind, program, instance, after, columns in _EVENTS:
        said = {"host": f"'{host}'", "kind": f"'{kind}'", "program": f"'{program}'", "instance": f"'{instance}'"}
        said |= {"time": f"t + to_milliseconds({after})", **columns}
        row = ", ".join(f'CAST({said.get(name, "NULL")} AS {SQL[of]}) AS "{name}"' for name, of in COLUMNS.items())
        arms.append(f"SELECT {row} FROM mails")  # noqa: S608 - texts of this file
    return f"WITH mails AS MATERIALIZED ({mails}) {' UNION ALL '.join(arms)} ORDER BY 1"


def a_store(folder: Path) -> Path:
    """A store of thirty days, as `gatepost compact` leaves it."""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '3GB'; SET temp_directory = '{folder}/spill'; SET TimeZone = 'UTC'")
    files = []
    for number in range(DAYS):
        day = f"{datetime.fromtimestamp((BEGIN + number * DAY) / 1e6, UTC):%Y-%m-%d}"
        for host in ("gate12", "gate13"):
            path = f"events/day={day}/host={host}/1-0m.parquet"
            (folder / path).parent.mkdir(parents=True)
            connection.execute(
                f"COPY ({_a_day(number, host)}) TO '{folder / path}' (FORMAT parquet, COMPRESSION zstd, "
                f"ROW_GROUP_SIZE {ROW_GROUP}, DICTIONARY_SIZE_LIMIT {ROW_GROUP})"
            )
            first = BEGIN + number * DAY
            size = (folder / path).stat().st_size
            files.append(
                File(path, day, host, MAILS * len(_EVENTS), size, first, first + DAY + 5_000_000, SCHEMA, 0.0, LARGE)
            )
    durable.write(folder / NAME, Manifest(1, files=tuple(files)).dumped())
    return folder


def a_burst(path: Path) -> Path:
    """Lines of mails, as a gate logs them."""
    chance = random.Random(1)  # noqa: S311 - the same log again
    with path.open("w", encoding="utf-8") as log:
        log.writelines(_lines(chance))
    return path


def _lines(chance: random.Random) -> Iterator[str]:
    moment = datetime(2026, 11, 24, 10, tzinfo=UTC)
    for number in range(LINES // 7):
        queue_id = f"4dQ{number:06}z{chance.randrange(10)}"
        sender = f"u{chance.randrange(5000)}@x.example"
        for said in (
            "smtpd[101]: connect from mail.x.example[203.0.113.9]",
            f"smtpd[101]: {queue_id}: client=mail.x.example[203.0.113.9]",
            f"cleanup[102]: {queue_id}: message-id=<{number}.{chance.random()}@x.example>",
            f"qmgr[103]: {queue_id}: from=<{sender}>, size=1234, nrcpt=1 (queue active)",
            f"smtp[104]: {queue_id}: to=<r{chance.randrange(500)}@example.org>, relay=store.example.org[192.0.2.10]:25"
            f", delay=0.5, delays=0.1/0/0.1/0.3, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as X{number})",
            f"qmgr[103]: {queue_id}: removed",
            "smtpd[101]: disconnect from mail.x.example[203.0.113.9] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
        ):
            moment += timedelta(microseconds=chance.randint(20, 400))
            yield f"{moment.isoformat(timespec='microseconds')} gate12 postfix/{said}\n"


def _seconds(*arguments: str, times: int = 3) -> float:
    """How long a command takes, from start to end."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "gatepost", *arguments], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _one_mail(store: Path) -> dict[str, str]:
    """A mail from the middle of the month."""
    since = datetime.fromtimestamp((BEGIN + DAYS // 2 * DAY) / 1e6, UTC)
    with engine.opened(Store(store), since=since, until=since + timedelta(hours=12)) as duck:
        [row] = duck.rows(
            "SELECT sender, recipient, message_id, queue_id, client FROM events "
            "WHERE kind = 'filtered' LIMIT 1 OFFSET 999"
        )
    return row


def _counted(store: Path) -> float:
    """A plain aggregate over a week: about ten million events."""
    since = datetime.fromtimestamp((BEGIN + 8 * DAY) / 1e6, UTC)
    with engine.opened(Store(store), since=since, until=since + timedelta(days=7, hours=12)) as duck:
        began = time.perf_counter()
        duck.rows(
            "SELECT kind, host, count(*) AS n, sum(size) AS bytes, avg(delay) AS delay FROM events GROUP BY kind, host"
        )
        return time.perf_counter() - began


def figures(folder: Path) -> list[Measured]:
    """What bench.py shows."""
    log = a_burst(folder / "burst.log")
    burst = _seconds("collect", "--once", "--log", str(log), "--store", str(folder / "store"), times=1)
    with tempfile.TemporaryDirectory() as place:
        store = a_store(Path(place))
        wanted = _one_mail(store)
        found = {
            column: _seconds("track", "--store", str(store), f"--{column.replace('_', '-')}", value)
            for column, value in wanted.items()
        }
        counted = _counted(store)
    return [
        ("a burst of 200,000 lines, log to store", burst, 4, "s"),
        *((f"track in 40 million events, by {name}", taken, 1, "s") for name, taken in found.items()),
        ("a plain aggregate over 10 million events", counted, 3, "s"),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        for name, measured, limit, unit in figures(Path(own)):
            print(f"{name:<56} {measured:8.2f} {unit}  limit {limit:g}")

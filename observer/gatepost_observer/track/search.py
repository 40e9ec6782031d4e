"""Which mails match, the newest first, and how many there are.

In: a store, what is wanted, how many ways to show. Out: the ways of the newest mails, and the number of the others.
Small groups of files are asked first, the newest; for a mail that is one of many this is enough. A rare value is found
by the files' filters, without reading them. Fails with StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from gatepost_observer.store import Store
from gatepost_observer.store.engine import DuckDB, view_of
from gatepost_observer.store.manifest import File
from gatepost_observer.track.wanted import Wanted
from gatepost_observer.track.way import Way, ways_of

FIRST: Final = 4_000_000  # rows of the first group of files; each next one is four times as large


class Key(NamedTuple):
    """A mail: the host, and the queue id under which it came in there; `@` and the time for what never had one."""

    host: str
    mail: str
    last: int


@dataclass(frozen=True)
class Answer:
    """The ways that were found."""

    ways: list[Way]
    shown: int  # mails in them; one way may be several, one for each host
    total: int

    @property
    def more(self) -> int:
        """How many mails match that are not shown."""
        return self.total - self.shown


MAIL: Final = """coalesce(mail, queue_id, '@' || CAST(epoch_us("time") AS VARCHAR))"""


def _matching(sides: Sequence[Sequence[str]], wanted: Wanted) -> str:
    """The mails of which for every side one of its conditions holds in one of their events."""
    asked = [
        " UNION ALL ".join(
            f'SELECT host, {MAIL} AS mail, epoch_us("time") AS last FROM events '  # noqa: S608 - quoted values
            f"WHERE {arm}{wanted.only_mails()} AND {wanted.span()}"
            for arm in arms
        )
        for arms in sides
    ]
    grouped = [
        f"(SELECT host, mail, max(last) AS last FROM ({side}) GROUP BY host, mail) s{n}"  # noqa: S608
        for n, side in enumerate(asked)
    ]
    joined = " JOIN ".join([grouped[0], *(f"{side} USING (host, mail)" for side in grouped[1:])])
    last = ", ".join(f"s{n}.last" for n in range(len(grouped)))
    return f"SELECT host, mail, greatest({last}) AS last FROM {joined}"  # noqa: S608


def _groups(files: Sequence[File]) -> Iterator[list[File]]:
    """The files, newest first, in growing groups."""
    group: list[File] = []
    rows, enough = 0, FIRST
    for entry in sorted(files, key=lambda f: f.last, reverse=True):
        group.append(entry)
        rows += entry.rows
        if rows >= enough:
            yield group
            group, rows, enough = [], 0, enough * 4
    if group:
        yield group


def find(store: Store, wanted: Wanted, limit: int) -> Answer:
    """The newest mails that match, with their whole ways."""
    files = store.entries(wanted.since, wanted.until)
    with DuckDB(store.path) as duck:
        keys, total = _in_one_event(duck, store, files, wanted, limit)
        if not keys and len(wanted.conditions()) > 1:
            view_of(duck.connection, store.path, files)
            keys, total = _newest(duck, _matching(wanted.conditions(), wanted), limit, ())
        ways = ways_of(duck, store, keys, wanted) if keys else []
    return Answer(ways, len(keys), total)


def _in_one_event(
    duck: DuckDB, store: Store, files: Sequence[File], wanted: Wanted, limit: int
) -> tuple[list[Key], int]:
    """Mails of which one event has all that is wanted. A reader that saw the mail come in tells all in each event."""
    arms = [" AND ".join(arm) for arm in product(*wanted.conditions())]
    keys: list[Key] = []
    total = 0
    for group in _groups(files):
        view_of(duck.connection, store.path, group)
        if len(keys) < limit:
            fresh, count = _newest(duck, _matching([arms], wanted), limit - len(keys), keys)
            keys += fresh
            total += count
        else:
            total += _count(duck, arms, wanted)
    return keys, total


def _newest(duck: DuckDB, matching: str, limit: int, known: Sequence[Key]) -> tuple[list[Key], int]:
    rows = duck.rows(
        f"SELECT *, count(*) OVER () AS n FROM ({matching}) "  # noqa: S608 - quoted values
        f"ORDER BY last DESC, host, mail LIMIT {limit + len(known)}"
    )
    had = {(key.host, key.mail) for key in known}  # one that was under way at midnight
    fresh = [Key(row["host"], row["mail"], row["last"]) for row in rows if (row["host"], row["mail"]) not in had]
    return fresh[:limit], (rows[0]["n"] if rows else 0) - (len(rows) - len(fresh))


def _count(duck: DuckDB, arms: Sequence[str], wanted: Wanted) -> int:
    """How many mails match: those that have an id, and attempts that have none, one by one."""
    asked = " UNION ALL ".join(
        f"SELECT mail FROM events WHERE {arm}{wanted.only_mails()} AND {wanted.span()}"  # noqa: S608 - quoted values
        for arm in arms
    )
    [row] = duck.rows(f"SELECT count(DISTINCT mail) + count(*) - count(mail) AS n FROM ({asked})")  # noqa: S608
    return int(row["n"])

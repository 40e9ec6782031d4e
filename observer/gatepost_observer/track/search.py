"""Which mails match, the newest first, and how many there are.

In: a store, what is wanted, how many ways to show. Out: the ways of the newest mails, and the number of the others.
Small groups of files are asked first, the newest; for a mail that is one of many this is enough. What a rare value is
asked for is found by the files' filters without reading them. Fails with StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


def _matching(wanted: Wanted) -> str:
    """The mails for which every condition holds in one of their events."""
    sides = [
        " UNION ALL ".join(
            f'SELECT host, {MAIL} AS mail, epoch_us("time") AS last FROM events '  # noqa: S608 - quoted values
            f"WHERE {arm}{wanted.only_mails()} AND {wanted.span()}"
            for arm in arms
        )
        for arms in wanted.conditions()
    ]
    grouped = [
        f"(SELECT host, mail, max(last) AS last FROM ({side}) GROUP BY host, mail) s{n}"  # noqa: S608
        for n, side in enumerate(sides)
    ]
    joined = " JOIN ".join([grouped[0], *(f"{side} USING (host, mail)" for side in grouped[1:])])
    last = ", ".join(f"s{n}.last" for n in range(len(grouped)))
    return f"SELECT host, mail, greatest({last}) AS last FROM {joined}"  # noqa: S608


def _groups(files: Sequence[File], *, whole: bool) -> Iterator[list[File]]:
    """The files, newest first, in growing groups."""
    if whole:
        yield list(files)
        return
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
    keys: list[Key] = []
    total = 0
    with DuckDB(store.path) as duck:
        for group in _groups(files, whole=len(wanted.conditions()) > 1):
            view_of(duck.connection, store.path, group)
            if len(keys) < limit:
                fresh, count = _newest(duck, wanted, limit - len(keys), keys)
                keys += fresh
                total += count
            else:
                total += _count(duck, wanted)
        ways = ways_of(duck, store, keys, wanted) if keys else []
    return Answer(ways, len(keys), total)


def _newest(duck: DuckDB, wanted: Wanted, limit: int, known: Sequence[Key]) -> tuple[list[Key], int]:
    rows = duck.rows(
        f"SELECT *, count(*) OVER () AS n FROM ({_matching(wanted)}) "  # noqa: S608 - quoted values
        f"ORDER BY last DESC, host, mail LIMIT {limit + len(known)}"
    )
    had = {(key.host, key.mail) for key in known}  # one that was under way at midnight
    fresh = [Key(row["host"], row["mail"], row["last"]) for row in rows if (row["host"], row["mail"]) not in had]
    return fresh[:limit], (rows[0]["n"] if rows else 0) - (len(rows) - len(fresh))


def _count(duck: DuckDB, wanted: Wanted) -> int:
    """How many mails match one condition: those that have an id, and attempts that have none, one by one."""
    [arms] = wanted.conditions()
    asked = " UNION ALL ".join(
        f"SELECT mail FROM events WHERE {arm}{wanted.only_mails()} AND {wanted.span()}"  # noqa: S608 - quoted values
        for arm in arms
    )
    [row] = duck.rows(f"SELECT count(DISTINCT mail) + count(*) - count(mail) AS n FROM ({asked})")  # noqa: S608
    return int(row["n"])

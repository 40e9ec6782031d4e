"""`gatepost track`: the whole way of a mail."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatepost_observer.cli.configured import ConfigOption, JsonOption, StoreOption, configured, store_of
from gatepost_observer.cli.console import Exit, fail, leave, print_json, progress, readable

if TYPE_CHECKING:
    from gatepost_observer.known import Known
    from gatepost_observer.store import Store
    from gatepost_observer.track import Answer

EXAMPLES = """\b
Examples:
  gatepost track --recipient anna@example.org --since yesterday
  gatepost track --sender @partner.example --client 203.0.113.0/24
  gatepost track --message-id '<20261124.1@partner.example>' --json
  gatepost track --queue-id 4jYg1Q1w7szPHbJ --log /var/log/mail.log --log /var/log/mail.log.1
"""

SenderOption = Annotated[
    str | None,
    typer.Option("--sender", metavar="ADDRESS", help="Its envelope sender; @example.org for all, <> for none."),
]
RecipientOption = Annotated[
    str | None, typer.Option("--recipient", metavar="ADDRESS", help="One of its recipients; @example.org for all.")
]
MessageIdOption = Annotated[str | None, typer.Option("--message-id", metavar="ID", help="Its Message-ID.")]
QueueIdOption = Annotated[str | None, typer.Option("--queue-id", metavar="ID", help="A queue id it had anywhere.")]
ClientOption = Annotated[
    str | None, typer.Option("--client", metavar="ADDRESS", help="Who handed it in: an address, or a network.")
]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", metavar="TEXT", help="Its whole Subject; only a hash of it is stored.")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="2026-11-24, 2026-11-24T08:00, yesterday, 7d.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="As --since; a day is meant whole.")]
LogOption = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="FILE", help="Look into this log (also compressed) instead of the store."),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many mails to show, the newest first.")]


def track(
    sender: SenderOption = None,
    recipient: RecipientOption = None,
    message_id: MessageIdOption = None,
    queue_id: QueueIdOption = None,
    client: ClientOption = None,
    subject: SubjectOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 10,
    log: LogOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the whole way of a mail: every step, on every host, and the policy's line behind it.

    Exit 1: no such mail. Exit 3: the store or a log could not be read.
    """
    from gatepost_observer.lines import Unreadable
    from gatepost_observer.store import StoreError
    from gatepost_observer.track import Wanted, find
    from gatepost_observer.track.wanted import WantedError

    begin, end = _span(since, until, as_json=as_json)
    wanted = Wanted(sender, recipient, message_id, queue_id, client, subject, begin, end)
    if not wanted.anything():
        fail("nothing to look for: give an address, an id or a time (see --help)", Exit.USAGE, as_json=as_json)
    known = configured(config, as_json=as_json)
    place = None if log else store_of(store, known, as_json=as_json)
    try:
        with _events(place, log or ()) as events:
            answer = find(events, wanted, limit)
    except WantedError as error:
        fail(readable(str(error)), Exit.USAGE, as_json=as_json)
    except (StoreError, Unreadable) as error:
        fail(readable(str(error)), Exit.UNKNOWN, as_json=as_json)
    _print(answer, known, as_json=as_json)
    leave(Exit.FINE if answer.ways else Exit.NO)


def _span(since: str | None, until: str | None, *, as_json: bool) -> tuple[datetime | None, datetime | None]:
    from gatepost_observer.report.period import PeriodError, moment

    now = datetime.now(UTC)
    try:
        return moment(since, now) if since else None, moment(until, now, end=True) if until else None
    except PeriodError as error:
        problem = str(error)
    return fail(readable(problem), Exit.USAGE, as_json=as_json)


@contextmanager
def _events(place: Path | None, logs: Sequence[str]) -> Iterator[Store]:
    """The store; for logs, one that is gone afterwards."""
    from gatepost_observer.store import Store

    if place is not None:
        yield Store(place)
        return
    with tempfile.TemporaryDirectory(prefix="gatepost-") as folder:
        _read(Path(folder) / "store", logs)
        yield Store(Path(folder) / "store")


def _read(place: Path, logs: Sequence[str]) -> None:
    from gatepost_observer.collect import Import, oldest_first
    from gatepost_observer.store.writer import opened

    progress(f"reading {len(logs)} logs")
    with opened(place) as writer:
        run = Import(writer)
        for path in oldest_first(logs):
            run.file(path)
        run.end()


def _print(answer: Answer, known: Known | None, *, as_json: bool) -> None:
    from gatepost_observer.track.shown import lines, told

    if as_json:
        print_json({"mails": [told(way, known) for way in answer.ways], "shown": answer.shown, "more": answer.more})
        return
    for way in answer.ways:
        for line in lines(way, known):
            typer.echo(line)
        typer.echo()
    if not answer.ways:
        typer.echo("no such mail")
    if answer.more:
        typer.echo(f"{answer.more:,} more, each counted on every host it passed: narrow it down, or raise --limit")

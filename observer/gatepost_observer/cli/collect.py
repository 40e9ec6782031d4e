"""`gatepost collect`: from the logs into the store, live, once, or from old files."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import glob
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gatepost_observer.cli.configured import ConfigOption, JsonOption, StoreOption, configured, store_of
from gatepost_observer.cli.console import Exit, fail, leave, print_json, readable, shown

if TYPE_CHECKING:
    from gatepost_observer.collect import Collector
    from gatepost_observer.store.writer import Writer

EXAMPLES = """\b
Examples:
  gatepost collect                                      (as the service does: /etc/gatepost/observer.json)
  gatepost collect --log '/var/log/gatepost/*/mail.log' --store /var/lib/gatepost/store
  gatepost collect --once --log /var/log/mail.log --store ./store
  gatepost collect --store ./store /var/log/mail.log.*  (old logs, also compressed ones)
"""

NAP: Final = 0.25  # seconds between two looks when nothing comes
OFTEN: Final = 10.0  # seconds between two words to systemd

LogOption = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="PATTERN", help="A log to follow; a pattern for many. Can be given several times."),
]
OnceOption = Annotated[bool, typer.Option("--once", help="Read what is there, then end.")]
FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]...", help="Old logs to read whole, instead of following; - is standard input."),
]


def collect(
    files: FilesArgument = None,
    log: LogOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    once: OnceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Read logs into the store: follow them (the service), or read what is there (--once), or old files.

    Each line counts once, whatever is killed or rotated when. Exit 3: no log or no store that could be used.
    """
    from gatepost_observer.store import StoreError
    from gatepost_observer.store.writer import opened

    known = configured(config, as_json=as_json)
    place = store_of(store, known, as_json=as_json)
    patterns = log or list(known.logs if known else ())
    if not files and not patterns:
        fail("no logs: name some with --log, or a configuration with --config", Exit.USAGE, as_json=as_json)
    try:
        with opened(place) as writer:
            if files:
                _history(writer, files, as_json=as_json)
            else:
                _follow(writer, patterns, once=once, as_json=as_json)
    except StoreError as error:
        fail(readable(str(error)), Exit.UNKNOWN, as_json=as_json)


def _history(writer: Writer, files: Sequence[str], *, as_json: bool) -> None:
    from gatepost_observer.collect import Import, oldest_first
    from gatepost_observer.lines import Unreadable

    run, done, problems = Import(writer), [], []
    for path in oldest_first(files):
        try:
            done.append(run.file(path))
        except Unreadable as unreadable:
            problems.append(readable(str(unreadable)))
    run.end()
    if as_json:
        print_json({"files": [vars(d) for d in done], "problems": problems, "unknown": run.reader.unknown})
    else:
        for d in done:
            already = f", {d.before:,} lines of it were there already" if d.before else ""
            typer.echo(f"{shown(readable(d.path), 200)}: {d.lines - d.before:,} lines, {d.events:,} events{already}")
        _say_unknown(run.reader.unknown)
        for problem in problems:
            typer.echo(problem, err=True)
    if problems:
        leave(Exit.UNKNOWN)


def _say_unknown(unknown: dict[str, Any]) -> None:
    for program, entry in sorted(unknown.items(), key=lambda item: -item[1]["count"]):
        sample = entry["samples"][0] if entry["samples"] else ""
        typer.echo(
            f"not understood: {entry['count']:,} lines of {shown(program or 'no program')}: {shown(sample, 160)}"
        )


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; what was read is committed then, and the command ends well."""
    end = threading.Event()
    before = {number: signal.signal(number, lambda *_: end.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(writer: Writer, patterns: Sequence[str], *, once: bool, as_json: bool) -> None:
    from gatepost_observer.collect import Collector
    from gatepost_observer.collect.service import tell

    with _until_told() as end:
        collector = Collector(writer, patterns)
        tell("READY=1")
        if once:
            while collector.step() and not end.is_set():
                pass
        else:
            _serve(collector, end)
        tell("STOPPING=1")
        collector.close()
    if once:
        _told(collector, patterns, as_json=as_json)


def _serve(collector: Collector, end: threading.Event) -> None:
    from time import monotonic

    from gatepost_observer.collect.service import tell

    told, problems = 0.0, dict[str, str]()
    while not end.is_set():
        if not collector.step():
            end.wait(NAP)
        for path in collector.problems.keys() - problems.keys():
            typer.echo(readable(collector.problems[path]), err=True)
        problems = collector.problems
        if monotonic() - told >= OFTEN:
            told = monotonic()
            tell(f"WATCHDOG=1\nSTATUS={collector.committed} events since the start")


def _told(collector: Collector, patterns: Sequence[str], *, as_json: bool) -> None:
    absent = [f"{pattern}: no log there" for pattern in patterns if not glob(pattern)]  # noqa: PTH207 - absolute
    problems = [readable(problem) for problem in (*collector.problems.values(), *absent)]
    if as_json:
        print_json({"events": collector.committed, "problems": problems, "unknown": collector.unknown})
    else:
        typer.echo(f"{collector.committed:,} events")
        _say_unknown(collector.unknown)
        for problem in problems:
            typer.echo(problem, err=True)
    if problems:
        leave(Exit.UNKNOWN)

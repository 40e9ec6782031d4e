"""`gatepost report`: what happened to the mail, on a terminal, as JSON, as a page, as a mail."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from gatepost_observer.cli.configured import ConfigOption, JsonOption, configured, store_of
from gatepost_observer.cli.console import Exit, fail, leave, print_json, readable, shown

if TYPE_CHECKING:
    from gatepost_observer.known import Known
    from gatepost_observer.report.arranged import Report
    from gatepost_observer.report.gathering import Asked

EXAMPLES = """\b
Examples:
  gatepost report                                    (the last seven days, from the store of this log host)
  gatepost report --since yesterday --html report.html
  gatepost report --since 2026-11-01 --until 2026-11-30 --domain example.org --json
  gatepost report --own example.org /var/log/mail.log /var/log/mail.log.1
  gatepost report --period week --mail-to director@example.org --via smtp://mx1.example.org:25
  gatepost report --engine spark://spark.example.org:7077 --store /shared/store
"""


class Length(StrEnum):
    """Whole days that are over."""

    DAY = "day"
    WEEK = "week"


class Mailed(StrEnum):
    """What the timers ask for."""

    DAILY = "daily"
    WEEKLY = "weekly"


LogsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LOG]...", help="Logs, plain or compressed, instead of the store; - is standard input."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="The store; else the one that the configuration names."),
]
SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="From when on: 2026-11-24, 2026-11-24T08:00, yesterday, 7d, 12h.")
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Up to when; a day is meant with all its hours. Now, if left out.")
]
PeriodOption = Annotated[
    Length | None, typer.Option(help="Yesterday, or the last seven whole days, instead of --since and --until.")
]
DomainOption = Annotated[
    list[str] | None, typer.Option("--domain", help="Only mail from or to this domain. Can be given several times.")
]
HostOption = Annotated[
    list[str] | None, typer.Option("--host", help="Only what this server logged. Can be given several times.")
]
OwnOption = Annotated[
    list[str] | None,
    typer.Option("--own", metavar="DOMAIN", help="A domain that is ours, where no configuration names them."),
]
InternalOption = Annotated[
    list[str] | None,
    typer.Option("--internal", metavar="NETWORK", help="A network of ours, where no configuration names them."),
]
EngineOption = Annotated[str, typer.Option(metavar="ENGINE", help="duckdb, or a Spark master: spark://host:port.")]
TopOption = Annotated[int, typer.Option(min=1, max=100_000, help="So many entries of each list.")]
CountriesOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A database of countries on this machine (.mmdb).")
]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page; - is standard output.")]
MailToOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Mail the report. Can be given several times.")
]
ViaOption = Annotated[str | None, typer.Option(metavar="SMTP", help="The server that takes the mail: smtp://host:25.")]
FromOption = Annotated[str | None, typer.Option("--mail-from", metavar="ADDRESS", help="From whom the mail is.")]
MailOption = Annotated[
    Mailed | None, typer.Option("--mail", help="Mail yesterday's or the last week's to whom the configuration names.")
]


def report(
    logs: LogsArgument = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    period: PeriodOption = None,
    domain: DomainOption = None,
    host: HostOption = None,
    own: OwnOption = None,
    internal: InternalOption = None,
    engine: EngineOption = "duckdb",
    top: TopOption = 10,
    country_database: CountriesOption = None,
    html: HtmlOption = None,
    mail_to: MailToOption = None,
    via: ViaOption = None,
    mail_from: FromOption = None,
    mail: MailOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what happened to the mail: how much, what was refused and why, from where and to where, how fast.

    Without --html and --mail-to the report is printed. Exit 1: nothing is known of the domain or server that was
    named. Exit 3: a log, the store or the mail server could not be used.
    """
    if mail:
        period = period or (Length.DAY if mail is Mailed.DAILY else Length.WEEK)
    _check(logs, store, since or until, period, engine)
    given = configured(config, as_json=as_json)
    target = _target(mail_to, via, mail_from, given, mail is not None)
    given = _known(given, own or [], internal or [])
    asked = _asked(logs, since, until, period, (domain, host), top, country_database)
    found = _found(logs or [], store, engine, asked, given, as_json=as_json)
    _put_out(found, html, target, as_json=as_json)


def _check(logs: list[str] | None, store: Path | None, times: str | None, period: Length | None, engine: str) -> None:
    if logs and store:
        raise typer.BadParameter("either logs or a store, not both", param_hint="--store")
    if times and period:
        raise typer.BadParameter("either --period or --since and --until, not both", param_hint="--period")
    if engine != "duckdb" and not engine.startswith("spark://"):
        raise typer.BadParameter(f"{shown(engine)}: expected duckdb or spark://host:port", param_hint="--engine")
    if logs and engine != "duckdb":
        raise typer.BadParameter("logs are read by duckdb; Spark reads a store", param_hint="--engine")


# Who has no configuration means these, mostly: RFC 1918, RFC 4193.
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


def _known(given: Known | None, own: list[str], internal: list[str]) -> Known:
    """What the configuration says, or else the command line."""
    import ipaddress

    from gatepost_observer.known import Known

    try:
        networks = tuple(str(ipaddress.ip_network(one)) for one in internal)
    except ValueError as error:
        raise typer.BadParameter(f"{error}, expected 192.0.2.0/24", param_hint="--internal") from None
    known = given or Known(internal=PRIVATE)
    domains = {**known.own_domains, **{name.lower(): "--own" for name in own}}
    return known.model_copy(update={"own_domains": domains, "internal": networks or known.internal})


def _asked(
    logs: list[str] | None,
    since: str | None,
    until: str | None,
    named: Length | None,
    names: tuple[list[str] | None, ...],
    top: int,
    countries: Path | None,
) -> Asked:
    from gatepost_observer.report import period as periods
    from gatepost_observer.report.gathering import Asked

    now = datetime.now(UTC)
    try:
        if named:
            span = periods.named(named, now)
        elif since or until or not logs:
            span = periods.period(since, until, now)
        else:
            span = None  # all of the logs
    except periods.PeriodError as error:
        raise typer.BadParameter(str(error), param_hint="--since, --until") from None
    domains, hosts = (tuple(given or ()) for given in names)
    return Asked(span, now, hosts, domains, top, countries=str(countries) if countries else None)


def _found(
    logs: list[str], store: Path | None, engine: str, asked: Asked, known: Known, *, as_json: bool
) -> dict[str, Any]:
    from gatepost_observer.lines import Unreadable
    from gatepost_observer.report import gathering
    from gatepost_observer.report.places import PlacesError
    from gatepost_observer.report.source import NothingThereError
    from gatepost_observer.store import Store, StoreError

    try:
        if logs:
            return gathering.from_logs(logs, asked, known)
        return gathering.from_store(Store(store_of(store, known, as_json=as_json)), engine, asked, known)
    except gathering.NothingFoundError as error:
        problem, code = str(error), Exit.NO
    except (Unreadable, NothingThereError, StoreError, PlacesError) as error:
        problem, code = str(error), Exit.UNKNOWN
    return fail(_line(problem), code, as_json=as_json)


def _line(problem: str) -> str:
    return shown(readable(" ".join(problem.split())), 1000)


def _put_out(found: dict[str, Any], html: Path | None, target: Target | None, *, as_json: bool) -> NoReturn:
    from gatepost_observer.report.sections import report as arranged

    made = datetime.now().astimezone()
    told = arranged(found)
    if html:
        _write(html, told, made, as_json=as_json)
    if target:
        _mail(told, target, made, as_json=as_json)
    if as_json:
        print_json(found)
    elif not html and not target:
        _print(told)
    leave(Exit.FINE)


def _print(told: Report) -> None:
    import os
    import sys

    from rich.console import Console

    from gatepost_observer.report import terminal

    if sys.stdout.isatty():
        terminal.show(told, Console(highlight=False, emoji=False, markup=False))
    else:
        typer.echo(terminal.text(told, int(os.environ.get("COLUMNS") or 80)), nl=False)


def _write(path: Path, told: Report, made: datetime, *, as_json: bool) -> None:
    from gatepost_observer.report.page import page

    text = page(told, made)
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    beside = path.with_name(f".{path.name[:200]}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True) if beside.parent.is_dir() else None
        fail(f"{readable(str(path))}: cannot be written: {error.strerror}", Exit.UNKNOWN, as_json=as_json)
    if not as_json:
        typer.echo(f"{shown(readable(str(path)), 1000)}: {told.headline[0]}")


class Target:
    """To whom, from whom, through which server."""

    def __init__(self, to: list[str], sender: str | None, via: str) -> None:
        from gatepost_observer.report import mail

        self.to = [mail.address(one) for one in to]
        self.sender = mail.address(sender) if sender else None
        self.via = mail.server(via)


def _target(
    to: list[str] | None, via: str | None, sender: str | None, known: Known | None, configured_one: bool
) -> Target | None:
    from gatepost_observer.report.mail import MailError

    named = known.report if known and known.report else None
    to = to or (list(named.to) if configured_one and named else None)
    if configured_one and not to:
        raise typer.BadParameter("the configuration names nobody to mail to (report.to)", param_hint="--mail")
    if not to:
        return None
    via = via or (named.via if named else None)
    if not via:
        raise typer.BadParameter("which server takes the mail? --via smtp://host:25", param_hint="--mail-to")
    try:
        return Target(to, sender or (named.sender if named else None), via)
    except MailError as error:
        raise typer.BadParameter(str(error), param_hint="--mail-to, --via") from None


def _mail(told: Report, target: Target, made: datetime, *, as_json: bool) -> None:
    from gatepost_observer.report import mail

    try:
        mail.send(mail.message(told, target.to, target.sender, made), target.via)
    except mail.MailError as error:
        fail(_line(str(error)), Exit.UNKNOWN, as_json=as_json)
    if not as_json:
        typer.echo(f"mailed to {', '.join(target.to)}: {told.headline[0]}")

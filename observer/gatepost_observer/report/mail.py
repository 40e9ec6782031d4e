"""The report as a mail: plain text, and HTML that mail programs accept (tables, inline styles, nothing else).

In: a Report, from whom and to whom, through which server. Out: a message, and its sending. Where no sender is told, it
is the first recipient and never nobody, so that a failure comes back to somebody. Fails with MailError: a bad address
or server, or the server's own words.
"""

from __future__ import annotations

import smtplib
from contextlib import closing, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gatepost_observer.report import terminal, words
from gatepost_observer.report.arranged import Column, Report, Section, Table
from gatepost_observer.report.markup import Markup, el

PATIENCE: Final = 60
FEW: Final = 5  # rows of a table: who wants more opens the page
_FONT: Final = "font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.45;color:#1a2130"
_CELL: Final = "padding:4px 12px 4px 0;border-bottom:1px solid #d8dee6;text-align:left;vertical-align:baseline"
_NUMBER: Final = (
    "padding:4px 12px 4px 0;border-bottom:1px solid #d8dee6;text-align:right;vertical-align:baseline;white-space:nowrap"
)


class MailError(Exception):
    """The report cannot be mailed; the message is one line."""


class Server(NamedTuple):
    """Through which server a mail leaves."""

    host: str
    port: int


def server(via: str) -> Server:
    """smtp://host or smtp://host:25, taken apart."""
    try:
        parts = urlsplit(via)
        port = parts.port or 25
    except ValueError as error:
        raise MailError(f"{words.shown(via)}: {error}, expected smtp://host:25") from None
    if parts.scheme != "smtp" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise MailError(f"{words.shown(via)}: expected smtp://host:25")
    return Server(parts.hostname, port)


def address(said: str) -> str:
    """A mail address, as it was typed, if it is one."""
    local, at, domain = said.strip().rpartition("@")
    if not (local and at and domain) or not said.isascii() or any(c.isspace() or c in "<>,;" for c in said):
        raise MailError(f"{words.shown(said)}: is no mail address, expected somebody@example.org")
    try:
        return str(Address(username=local, domain=domain).addr_spec)
    except (ValueError, IndexError) as error:
        raise MailError(f"{words.shown(said)}: is no mail address ({error})") from None


def message(report: Report, to: list[str], sender: str | None, made: datetime) -> EmailMessage:
    """The mail: text and HTML as alternatives."""
    mail = EmailMessage()
    recipients = [address(one) for one in to]
    mail["From"] = address(sender) if sender else recipients[0]
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = " ".join(f"{report.title} {report.period[:1].lower()}{report.period[1:]}".split())
    mail["Date"] = format_datetime(made)
    mail["Message-ID"] = make_msgid("gatepost", mail["From"].rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(terminal.text(report), cte="quoted-printable")
    mail.add_alternative(html(report), subtype="html", cte="quoted-printable")
    return mail


def send(mail: EmailMessage, via: Server) -> None:
    """Hand it to the server."""
    try:
        smtp = smtplib.SMTP(via.host, via.port, timeout=PATIENCE)
        with closing(smtp):
            smtp.send_message(mail, from_addr=mail["From"])
            with suppress(smtplib.SMTPException, OSError):  # it was taken: how the server says goodbye does not matter
                smtp.quit()
    except smtplib.SMTPRecipientsRefused as error:
        said = "; ".join(_reply(who, reply) for who, reply in error.recipients.items())
        raise MailError(f"smtp://{via.host}:{via.port}: refused {said}") from None
    except smtplib.SMTPResponseException as error:
        raise MailError(f"smtp://{via.host}:{via.port}: {_reply('', (error.smtp_code, error.smtp_error))}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"smtp://{via.host}:{via.port}: {error}") from None


def _reply(who: str, reply: tuple[int, bytes | str]) -> str:
    text = reply[1].decode("utf-8", "replace") if isinstance(reply[1], bytes) else reply[1]
    return words.shown(f"{who}: {reply[0]} {text}".removeprefix(": "), 300)


def html(report: Report) -> str:
    """The HTML part: one column, the big figures, the first rows of each table."""
    inside = [
        el("p", report.organisation, style="margin:0;color:#545f70;font-weight:bold") if report.organisation else None,
        el("p", f"{report.title} {report.period[:1].lower()}{report.period[1:]}", style="margin:0;color:#545f70"),
        el("h1", report.headline[0], style="margin:16px 0 4px;font-size:24px;line-height:1.3"),
        el("p", " ".join(report.headline[1:]), style="margin:0 0 16px;font-size:17px"),
        *(
            el("p", note, style="padding:8px 12px;border-left:4px solid #b98a1b;background:#fff6df")
            for note in report.notes
        ),
        _figures(report),
        *map(_section, report.sections),
    ]
    box = el("div", *inside, style=f"max-width:640px;margin:0 auto;padding:16px;{_FONT}")
    head = el("head", el("meta", charset="utf-8"), el("title", report.title))
    return f"<!doctype html>\n{el('html', head, el('body', box, style='margin:0;background:#ffffff'), lang='en')}\n"


def _figures(report: Report) -> Markup:
    rows = []
    for figure in report.figures:
        change = words.change(figure.change) if figure.change is not None else ""
        cells = (el("th", figure.label, scope="row", style=f"{_CELL};font-weight:normal"),
                 el("td", el("strong", figure.value), style=f"{_NUMBER};font-size:20px"),
                 el("td", figure.note, style=_CELL), el("td", change, style=_NUMBER))  # fmt: skip
        rows.append(el("tr", *cells))
    note = el("p", f"▲ ▼ changes against {report.compared}", style="margin:6px 0 0;color:#545f70;font-size:13px")
    return Markup(_grid(rows) + (note if report.compared else Markup()))


def _grid(rows: list[Markup]) -> Markup:
    style = "width:100%;border-collapse:collapse"
    return el("table", *rows, cellpadding=0, cellspacing=0, border=0, width="100%", style=style)


def _section(section: Section) -> Markup:
    told = [table for table in section.tables if table.rows and section.id != "calendar"]
    if not told:
        return Markup()
    return el(
        "div",
        el("h2", section.title, style="margin:28px 0 0;font-size:19px"),
        el("p", section.lead, style="margin:2px 0 0;color:#545f70") if section.lead else None,
        *map(_table, told),
    )


def _table(table: Table) -> Markup:
    columns = table.columns if len(table.columns) <= 4 else _important(table.columns)
    few = table.rows if table.bar is None and len(table.columns) <= 4 else table.rows[:FEW]
    head = el(
        "tr", *(el("th", c.heading, scope="col", style=f"{_style(c)};color:#545f70;font-size:13px") for c in columns)
    )
    rows = [el("tr", *(el("td", c.cell(row), style=_style(c)) for c in columns)) for row in few]
    return Markup(el("h3", table.title, style="margin:16px 0 2px;font-size:15px") + _grid([head, *rows]))


def _important(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """What fits beside each other in a mail: the name and the first numbers, or else the first columns."""
    numbers = [column for column in columns if column.number]
    return (columns[0], *numbers[:3]) if len(numbers) > 2 else (*columns[1:4], columns[-1])


def _style(column: Column) -> str:
    return _NUMBER if column.number or column.unit == "code" else f"{_CELL};word-break:break-word"

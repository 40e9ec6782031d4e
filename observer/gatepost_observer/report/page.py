"""The report as one HTML file: nothing is fetched, nothing runs, everything is escaped.

In: a Report. Out: the file's text. Pure, but for reading the style that lies beside this module. The policy in the head
of the page forbids everything but this one style, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files

from gatepost_observer.report import svg, words
from gatepost_observer.report.arranged import Chart, Column, Figure, Report, Row, Section, Table
from gatepost_observer.report.markup import Markup, el, joined

MANY = 4  # columns that a phone does not show beside each other


@cache
def style() -> str:
    """The style sheet."""
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def page(report: Report, made: datetime) -> str:
    """The whole file."""
    title = ", ".join(part for part in (report.title, report.organisation, report.period) if part)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy()),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="robots", content="noindex"),
        el("title", title),
        el("style", Markup(style())),
    )
    body = el("body", el("div", _top(report), _main(report), _foot(made), class_="wrap"))
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def policy() -> str:
    """What the browser may do with this page: show it."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _top(report: Report) -> Markup:
    return el(
        "header",
        el("p", el("bdi", report.organisation), class_="organisation") if report.organisation else None,
        el("h1", report.title, " ", el("span", report.period[:1].lower() + report.period[1:], class_="period")),
        el("p", report.headline[0], class_="headline"),
        el("p", " ".join(report.headline[1:]), class_="story") if report.headline[1:] else None,
        el("p", el("bdi", report.scope), class_="scope") if report.scope else None,
        *(el("p", note, class_="note", role="note") for note in report.notes),
    )


def _main(report: Report) -> Markup:
    numbers = iter(range(1000))
    return el(
        "main",
        el("ul", *map(_figure, report.figures), class_="figures", aria_label="The main figures"),
        el("p", f"▲ ▼ changes against {report.compared}", class_="compared") if report.compared else None,
        el(
            "nav",
            el("ul", *(el("li", el("a", section.title, href=f"#{section.id}")) for section in report.sections)),
            aria_label="Contents",
        ),
        *(_section(section, [next(numbers) for _ in section.charts]) for section in report.sections),
    )


def _figure(figure: Figure) -> Markup:
    return el(
        "li",
        el("span", figure.label, class_="label"),
        el("span", figure.value, class_="value"),
        el("span", figure.note, class_="note-small"),
        el("span", words.change(figure.change), class_="change") if figure.change is not None else None,
    )


def _section(section: Section, numbers: list[int]) -> Markup:
    return el(
        "section",
        el("h2", section.title, id=f"{section.id}-title"),
        el("p", section.lead, class_="lead") if section.lead else None,
        el(
            "div",
            *(_chart(chart, number) for chart, number in zip(section.charts, numbers, strict=True)),
            *map(_block, section.tables),
            class_="tables",
        ),
        id=section.id,
        aria_labelledby=f"{section.id}-title",
    )


def _chart(chart: Chart, number: int) -> Markup:
    keys = [el("span", _key(n), series.name) for n, series in enumerate(chart.series)]
    return el(
        "figure",
        el("figcaption", chart.title, " ", el("span", *keys, class_="legend") if len(keys) > 1 else None),
        svg.chart(chart, number, svg.WIDE),
        svg.chart(chart, number, svg.NARROW),
        class_="block",
    )


def _key(number: int) -> Markup:
    square = el("rect", width=10, height=10, class_=f"s{number}")
    return el("svg", square, viewBox="0 0 10 10", aria_hidden="true", focusable="false", class_="key")


def _block(table: Table) -> Markup:
    if not table.rows:
        return el("div", el("p", el("strong", table.title), table.empty, class_="empty"), class_="block")
    many = len(table.columns) > MANY
    whole = el("table", el("caption", table.title), _head(table), _body(table), class_="many" if many else None)
    inside = el("div", whole, class_="scroll", role="region", aria_label=table.title, tabindex=0) if many else whole
    return el("div", inside, class_="block wide" if table.wide else "block")


def _head(table: Table) -> Markup:
    cells = [el("th", column.heading, scope="col", class_=_class(column)) for column in table.columns]
    if table.bar:
        cells.append(el("td", class_="drawn"))
    return el("thead", el("tr", *cells))


def _class(column: Column) -> str | None:
    return "number" if column.number or column.unit == "code" else "word" if column.unit == "word" else None


def _body(table: Table) -> Markup:
    most = max((row[table.bar] or 0 for row in table.rows), default=0) if table.bar else 0
    return el("tbody", *(_row(table, row, most) for row in table.rows))


def _row(table: Table, row: Row, most: float) -> Markup:
    cells = []
    for number, column in enumerate(table.columns):
        value = column.cell(row)
        text = value if column.number else el("bdi", value)
        extra = {"scope": "row"} if number == 0 else {}
        cells.append(el("td" if number else "th", text, class_=_class(column), **extra))
    if table.bar:
        cells.append(el("td", svg.bar((row[table.bar] or 0) / most if most else 0), class_="drawn"))
    return el("tr", *cells)


def _foot(made: datetime) -> Markup:
    said = "A mail is counted once, although it passes several programs of a server. "
    return el("footer", joined(said, f"Made by Gatepost, {words.long_day(made.date())}, {made:%H:%M}."))

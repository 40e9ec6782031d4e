"""The report as one HTML file that can be handed in: no script, nothing loaded from elsewhere, everything escaped.

In: reports. Out: the file's text.
How it fails: never. Every word of the server is hostile; `_e` is the only way into the page.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from gatepost import __version__
from gatepost.probe import words
from gatepost.probe.run import Report

_CLASSES = {"closed": "closed", "open": "open", "could not tell": "unknown"}
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1.5em; }
td, th { text-align: left; vertical-align: top; padding: .25em .6em; border-bottom: 1px solid #ddd; }
td { overflow-wrap: anywhere; }
code { font-size: 90%; }
.verdict { font-size: 1.25em; padding: .6em .8em; border-left: .4em solid; }
.closed { color: #17692b; } .open { color: #a30d0d; font-weight: 600; } .unknown { color: #7a5200; }
@media print { body { max-width: none; margin: 0; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(reports: Iterable[Report]) -> str:
    """The whole file."""
    body = "".join(part for report in reports for part in _report(report))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Relay probe</title><style>{_STYLE}</style></head><body>\n{body}"
        f"<p>Made by gatepost {_e(__version__)}.</p>\n</body></html>\n"
    )


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)


def _report(report: Report) -> Iterator[str]:
    yield f"<h1>Relay probe of {_e(report.host)}</h1>\n"
    yield f'<p class="verdict {_CLASSES[report.verdict]}">{_e(words.summary(report))}</p>\n'
    yield f"<p>{_e(words.meaning(report))}.</p>\n"
    yield _table((), ([_e(name), _e(text)] for name, text in words.facts(report)))
    yield "".join(f"<p>{_e(note)}</p>\n" for note in report.notes)
    for door in report.doors:
        yield f"<h2>The front door, {_e(door.channel)}</h2>\n"
        told = words.of_door(door, report.host)
        yield _table((), ([_e(name), _marked(text, good)] for name, text, good in told))
    yield "<h2>What was tried</h2>\n"
    yield _table(("where", "what", "envelope", "outcome", "answer"), _rows(report))


def _rows(report: Report) -> Iterator[list[str]]:
    for row in report.rows:
        outcome = f'<span class="{_CLASSES[row.verdict]}">{_e(row.word)}</span>'
        envelope = f"<code>{_e(words.envelope_of(row))}</code>"
        yield [_e(row.channel), _e(row.what), envelope, outcome, _e(words.of_row(row))]


def _marked(text: str, good: bool | None) -> str:
    return f'<span class="open">{_e(text)}</span>' if good is False else _e(text)


def _table(head: tuple[str, ...], rows: Iterable[list[str]]) -> str:
    first = "".join(f"<th>{_e(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>{f'<tr>{first}</tr>' if head else ''}\n{body}</table>\n"

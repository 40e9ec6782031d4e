"""What both ways to call the summary do: from paths and options to text.

In: paths and options as the user gave them. Out: the text to print, and what could not be read, as a message; BadDay
for a day that is none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from gatepost_observer.summary import numbers, report
from gatepost_observer.summary.apart import Apart, Died
from gatepost_observer.summary.numbers import as_json as with_names
from gatepost_observer.summary.parts import NotRead, Wanted, summed
from gatepost_observer.summary.tally import Tally


class BadDay(ValueError):  # noqa: N818 - a word of its own
    """A day that the user gave, and that is none."""


def run(
    logs: Sequence[str],
    *,
    day: str | None = None,
    instances: Sequence[str] = (),
    top: int | None = None,
    jobs: int | None = None,
    as_json: bool = False,
) -> tuple[str, str | None]:
    """The report's text, and a message where something could not be read: then there is no report."""
    named = frozenset(name.encode() for name in instances) or None
    try:
        tally = summed(logs, Wanted(named, _day(day)), jobs)
    except NotRead as problem:
        return "", str(problem)
    where = ", ".join(logs)
    if not tally.lines:
        return "", f"{where}: no line in it, expected a mail log"
    if not tally.days:
        return "", f"{where}: no line of Postfix " + (f"on {day}" if day else f"among {tally.lines} lines")
    if as_json:
        import json

        return json.dumps(with_names(numbers.numbers(tally)), indent=2) + "\n", None
    head = [f"Postfix log summaries for {_day(day)}"] if day else []
    return "\n".join([*head, *_texts(tally, top), ""]), None


def _texts(tally: Tally, top: int | None) -> Iterator[str]:
    """The report; where several processes have counted, two of them write it."""

    def troubles() -> str:
        return "\n".join(report.troubles(numbers.troubles(tally.details), top))

    other = Apart(troubles) if tally.shared else None
    yield from report.traffic(numbers.traffic(tally), top)
    try:
        yield other.result() if other else troubles()
    except Died:
        yield troubles()


def _day(day: str | None) -> str | None:
    if day in ("today", "yesterday"):
        now = time.time() - (86_400 if day == "yesterday" else 0)
        return time.strftime("%Y-%m-%d", time.localtime(now))
    if day is not None and not re.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", day):
        raise BadDay(f"{day!r} is no day, expected today, yesterday, or a day like 2026-11-24")
    return day

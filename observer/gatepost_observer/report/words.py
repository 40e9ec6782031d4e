"""Numbers and names as people read them, and strangers' texts as they may be shown.

In: values. Out: short texts on one line. Pure; it fails never.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

LONGEST: Final = 90
NARROW: Final = "\u00a0"  # a blank at which no line breaks

REFUSALS: Final = {
    "unknown-recipient": "unknown recipients",
    "relay": "attempts to relay",
    "blocked-client": "blocked clients",
    "blocked-sender": "blocked senders",
    "blocked-recipient": "blocked recipients",
    "blocked-helo": "blocked HELO names",
    "blocked-term": "blocked words in the subject",
    "block-list": "clients on a public block list",
    "greylisted": "greylisting",
    "bad-address": "malformed addresses",
    "unknown-domain": "domains that do not exist",
    "unknown-client": "clients without a name",
    "unverified-address": "addresses that could not be verified",
    "sender-login": "senders that do not belong to the login",
    "protocol": "breaches of the protocol",
    "rate": "too many connections or mails",
    "too-large": "mails that were too large",
    "no-space": "lack of space",
    "content": "forbidden content",
    "tls": "missing encryption",
    "locked-out": "clients that were locked out",
    "unavailable": "a service that could not be asked",
    "other": "other reasons",
}
FOUND: Final = {
    "clean": "clean", "tagged": "slightly suspicious (tagged)", "spam": "spam", "virus": "virus",
    "attachment": "forbidden attachment", "bad-header": "malformed header", "unchecked": "could not be checked",
    "oversized": "too large to be checked", "other": "held or discarded by a rule",
}  # fmt: skip


def shown(value: Any, limit: int = LONGEST) -> str:
    """A stranger's text: no control characters, no marks that turn the direction, the middle left out when long."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > limit:
        text = f"{text[: limit * 2 // 3]}…{text[-(limit // 3) :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def count(value: float | None) -> str:
    """41,203."""
    return "–" if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """18.6 MB, in powers of a thousand."""
    if value is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            digits = 0 if unit == "B" or abs(value) >= 99.95 else 1
            return f"{value:,.{digits}f}{NARROW}{unit}"
        value /= 1000
    return ""


def seconds(value: float | None) -> str:
    """0.61 s, 2.9 s, 14 min, 3.2 h."""
    if value is None:
        return "–"
    for unit, span in (("d", 86_400), ("h", 3600), ("min", 60)):
        if value >= 2 * span:
            return f"{value / span:.{1 if value < 10 * span else 0}f}{NARROW}{unit}"
    return f"{value:.{2 if value < 1 else 1}f}{NARROW}s"


def share(value: float | None) -> str:
    """63 %; a little is not nothing, and nearly all is not all."""
    if value is None:
        return "–"
    if 0 < value < 0.01:
        return f"<1{NARROW}%"
    return f">99{NARROW}%" if 0.99 < value < 1 else f"{value * 100:.0f}{NARROW}%"


def change(value: float | None) -> str:
    """▲ 12 % or ▼ 3 %: the direction is not told by colour alone."""
    if value is None:
        return "–"
    if abs(round(value * 100)) < 1:
        return "= unchanged"
    arrow, amount = ("▲", value) if value > 0 else ("▼", -value)
    return f"{arrow} × {value + 1:.0f}" if value >= 9 else f"{arrow} {amount * 100:.0f}{NARROW}%"


def plural(number: float, one: str, many: str | None = None) -> str:
    """1 mail, 2 mails."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def day(said: str) -> str:
    """Mon 16 Nov."""
    when = date.fromisoformat(said[:10])
    return f"{when:%a} {when.day} {when:%b}"


def long_day(when: date) -> str:
    """16 November 2026."""
    return f"{when.day} {when:%B} {when.year}"


def span(since: str, until: str) -> str:
    """The period in words: `on Monday, 16 November 2026`, `from 16 to 22 November 2026`, or with times."""
    first, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
    if (first.hour, first.minute, end.hour, end.minute) != (0, 0, 0, 0):
        same = first.date() == end.date()
        return (
            f"from {long_day(first.date())}, {first:%H:%M} to {'' if same else long_day(end.date()) + ', '}{end:%H:%M}"
        )
    last = (end - timedelta(minutes=1)).date()
    if last == first.date():
        return f"on {first:%A}, {long_day(last)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"from {first.day} to {long_day(last)}"
    start = f"{first.day} {first:%B}" if first.year == last.year else long_day(first.date())
    return f"from {start} to {long_day(last)}"


def before(days: float) -> str:
    """What the change is against."""
    return {1.0: "the day before", 7.0: "the week before"}.get(days, "the period before")


def spoken(period: Mapping[str, Any]) -> str:
    """The period as a sentence begins with it; the dates stand above."""
    named = {1.0: "On this day", 7.0: "In this week"}.get(period["days"])
    return named or f"In {plural(round(period['days']), 'day')}" if period["days"] >= 1 else "In this time"

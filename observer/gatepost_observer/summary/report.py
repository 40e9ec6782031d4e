"""The report as text, in the order and the units in which pflogsumm prints it, for whoever lays the two side by side.

In: the numbers. Out: lines of text.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, Final

from gatepost_observer.summary.numbers import BYTES, Row, by_name

_PEOPLE: Final = (("Senders", "senders"), ("Recipients", "recipients"))
_KILO_FROM: Final = 524_288
_MEGA_FROM: Final = 536_870_912
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COLUMNS: Final = "received  delivered   deferred    bounced     rejected"

Numbers = dict[str, Any]


def traffic(numbers: Numbers, top: int | None = None) -> Iterator[str]:
    """The first sections, as texts of a line or more. `top` shortens the lists."""
    yield from _totals(numbers["totals"])
    if len(numbers["days"]) > 1:
        yield from _days(numbers["days"])
    yield from _hours(numbers["hours"], len(numbers["days"]))
    yield from _delivery(numbers["recipient_domains"], top)
    yield from _received(numbers["sender_domains"], top)
    people = [(title, by_name(numbers[name])) for title, name in _PEOPLE]
    shorter = "" if top is None else f"top {top} "
    for title, rows in people:
        counts = _lines(((sums >> 48, who) for who, sums in rows), 1, top)
        yield from _section(f"{shorter}{title} by message count", counts)
    for title, rows in people:
        yield from _section(f"{shorter}{title} by message size", _by_bytes(rows, top))
    if numbers["without_size"]:
        yield from _section(
            "Messages with no size data", [f" {q}  {who}" for q, who in numbers["without_size"].items()]
        )


def troubles(numbers: Numbers, top: int | None = None) -> Iterator[str]:
    """The other sections."""
    for title, name in (
        ("message deferral detail", "deferrals"),
        ("message bounce detail (by relay)", "bounces"),
        ("message reject detail", "rejects"),
        ("message reject warning detail", "reject_warnings"),
        ("message hold detail", "holds"),
        ("message discard detail", "discards"),
        ("smtp delivery failures", "delivery_failures"),
        ("Warnings", "warnings"),
        ("Fatal Errors", "fatals"),
        ("Panics", "panics"),
    ):
        yield from _section(title, list(_nested(numbers[name], 2, top)))
    yield from _section("Master daemon messages", _counted(numbers["master"], 1, None))


def amount(value: float) -> str:
    """A count or a size with its unit: 3364m."""
    if value > _MEGA_FROM:
        return f"{int(value / 1_048_576):6d}m"
    if value > _KILO_FROM:
        return f"{int(value / 1024):6d}k"
    return f"{int(value):6d} "


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds > 3600:
        return f"{seconds / 3600:5.1f} h"
    return f"{seconds / 60:5.1f} m" if seconds > 60 else f"{seconds:5.1f} s"


def _titled(title: str) -> list[str]:
    return ["", title, "-" * len(title)]


def _section(title: str, lines: list[str]) -> list[str]:
    return [*_titled(title), "\n".join(lines)] if lines else ["", f"{title}: none"]


def _totals(totals: dict[str, int]) -> Iterator[str]:
    yield from _titled("Grand Totals")
    yield from ("messages", "")
    deferrals = f"  ({amount(totals['deferrals']).strip()} deferrals)" if totals["deferrals"] else ""
    for name, more in (
        ("received", ""),
        ("delivered", ""),
        ("forwarded", ""),
        ("deferred", deferrals),
        ("bounced", ""),
        ("rejected", f" ({totals['rejected_percent']}%)"),
        ("reject_warnings", ""),
        ("held", ""),
        ("discarded", f" ({totals['discarded_percent']}%)"),
    ):
        yield f" {amount(totals[name])}  {name.replace('_', ' ')}{more}"
    yield ""
    for name, title in (
        ("bytes_received", "bytes received"),
        ("bytes_delivered", "bytes delivered"),
        ("senders", "senders"),
        ("sending_domains", "sending hosts/domains"),
        ("recipients", "recipients"),
        ("recipient_domains", "recipient hosts/domains"),
    ):
        yield f" {amount(totals[name])}  {title}"
    yield ""


def _days(days: list[dict[str, Any]]) -> Iterator[str]:
    yield from _titled("Per-Day Traffic Summary")
    yield f"    date          {_COLUMNS}"
    yield "    " + "-" * 68
    for row in days:
        year, month, day = row["day"].split("-") if row["day"] else ("?", "1", "0")
        counts = "".join(
            f"    {amount(row[name])}" for name in ("received", "delivered", "deferred", "bounced", "rejected")
        )
        yield f"    {_MONTHS[int(month) - 1]} {int(day):2d} {year}{counts}"


def _hours(hours: list[dict[str, int]], days: int) -> Iterator[str]:
    yield from _titled(f"Per-Hour Traffic {'Daily Average' if days > 1 else 'Summary'}")
    yield f"    time          {_COLUMNS}"
    yield "    " + "-" * 68
    for row in hours:
        counts = (
            row[name] / max(days, 1) + 0.5 for name in ("received", "delivered", "deferred", "bounced", "rejected")
        )
        yield f"    {row['hour']:02d}00-{row['hour'] + 1:02d}00  " + "".join(f"    {amount(count)}" for count in counts)


def _delivery(domains: list[Row], top: int | None) -> Iterator[str]:
    yield from _titled(f"Host/Domain Summary: Message Delivery {_top(top)}".rstrip())
    yield " sent cnt  bytes   defers   avg dly max dly host/domain"
    yield " -------- -------  -------  ------- ------- -----------"
    for domain, messages, size, deferrals, average, longest in domains[:top]:
        counts = f"{amount(messages)}  {amount(size)}  {amount(deferrals)}"
        yield f" {counts}  {duration(average)}  {duration(longest)}  {domain}"


def _received(domains: list[Row], top: int | None) -> Iterator[str]:
    yield from _titled(f"Host/Domain Summary: Messages Received {_top(top)}".rstrip())
    yield " msg cnt   bytes   host/domain"
    yield " -------- -------  -----------"
    for domain, messages, size in domains[:top]:
        yield f" {amount(messages)}  {amount(size)}  {domain}"


def _top(top: int | None) -> str:
    return "" if top is None else f"(top {top})"


def _by_bytes(people: list[tuple[str, int]], top: int | None) -> list[str]:
    sizes = sorted([(sums & BYTES, who) for who, sums in people], key=itemgetter(0), reverse=True)
    return [f" {size:6d}   {who}" if size <= _KILO_FROM else f" {amount(size)}  {who}" for size, who in sizes[:top]]


def _nested(table: dict[str, Any], indent: int, top: int | None) -> Iterator[str]:
    for key, entries in table.items():
        if not entries:
            continue
        deep = isinstance(next(iter(entries.values())), dict)
        total = "" if deep else f" (total: {sum(entries.values())})"
        yield f"{' ' * indent}{key}{'' if deep or top is None else ' ' + _top(top)}{total}"
        if deep:
            yield from _nested(entries, indent + 2, top)
        else:
            yield from _counted(entries, indent + 2, top)


def _counted(entries: dict[str, int], indent: int, top: int | None) -> list[str]:
    return _lines(((count, name) for name, count in sorted(entries.items())), indent, top)


def _lines(counted: Iterable[tuple[int, str]], indent: int, top: int | None) -> list[str]:
    """The most first; equal ones stay in their order, and are one text: of a hundred thousand, most are seen once."""
    names: dict[int, list[str]] = defaultdict(list)
    for count, name in counted:
        names[count].append(name)
    left = sys.maxsize if top is None else top
    texts = []
    for count in sorted(names, reverse=True):
        head = f"{' ' * indent}{amount(count)}  "
        if left > 0:
            texts.append(head + f"\n{head}".join(names[count][:left]))
        left -= len(names[count])
    return texts

"""What stands where in a report: the figures, arranged in sections of charts and tables.

In: the figures. Out: a Report, which the terminal, the page and the mail show each in its own way. Pure.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost_observer.report import words
from gatepost_observer.report.arranged import Chart, Column, Report, Section, Series, Table, Unit
from gatepost_observer.report.headline import figures_of, headline
from gatepost_observer.report.servers import lists, safety, servers

Figures = dict[str, Any]


def report(figures: Figures) -> Report:
    """The whole report."""
    period = figures["period"]
    return Report(
        title="Mail report",
        organisation=words.shown(figures["organisation"] or "", 60),
        period=_upper(words.span(period["since"], period["until"])),
        scope=_scope(figures),
        headline=headline(figures),
        notes=tuple(words.shown(note, 300) for note in figures["notes"]),
        figures=figures_of(figures),
        compared=words.before(period["days"]) if figures["before"] else "",
        sections=(
            volumes(figures), refused(figures), filtered(figures), origins(figures), destinations(figures),
            hops(figures), lists(figures), safety(figures), servers(figures), calendar(figures),
        ),
    )  # fmt: skip


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _scope(figures: Figures) -> str:
    said = [("domain", figures["domains"]), ("server", figures["hosts"])]
    parts = [
        f"{name}{'s' if len(of) > 1 else ''} {', '.join(words.shown(one, 60) for one in of)}" for name, of in said if of
    ]
    return f"Only {' on '.join(parts)}" if parts else ""


Lines = tuple[tuple[str, str, Unit], ...]
_MAIL: Final[Lines] = (
    ("Mails taken in", "received", "count"),
    ("– from outside", "from_outside.mails", "count"),
    ("– from inside", "from_inside.mails", "count"),
    ("– volume", "bytes_received", "size"),
    ("Recipients delivered", "delivered", "count"),
    ("– volume", "bytes_delivered", "size"),
    ("Forwarded", "forwarded", "count"),
    ("Put off for now", "deferred", "count"),
    ("Given up and returned", "returned", "count"),
    ("Notices made", "notices", "count"),
)
_STOPPED: Final[Lines] = (
    ("Connections", "connections", "count"),
    ("Refused", "refused", "count"),
    ("– for now (4xx)", "refused_for_now", "count"),
    ("Only warned about", "reject_warnings", "count"),
    ("Spam", "spam", "count"),
    ("Viruses", "viruses", "count"),
    ("Forbidden attachments", "attachments", "count"),
    ("Stopped by the filter", "stopped", "count"),
    ("Held", "held", "count"),
    ("Discarded", "discarded", "count"),
)


def volumes(figures: Figures) -> Section:
    """In and out, by day and by hour."""
    days, own = figures["by_day"], bool(figures["own_domains"])
    hours = figures["by_hour"]
    labels = tuple(words.day(row["day"]) for row in days)
    charts = [_chart("Mail by day", labels, days, own)]
    if len(days) == 1 or (hours and len(days) <= 2):
        charts = [_chart("Mail by hour", tuple(row["hour"][11:16] for row in hours), hours, own)]
    elif len(days) > 1:
        told = tuple(f"{row['hour']:02d}" for row in figures["by_hour_of_day"])
        charts.append(_chart("Mail by hour of the day", told, _average(figures["by_hour_of_day"], len(days)), own))
    tables = (_totals("Mail in and out", _MAIL, figures), _totals("At the door and in the filter", _STOPPED, figures))
    return Section("volumes", "How much", _destined(figures), tuple(charts), tables)


def _average(hours: list[Figures], days: int) -> list[Figures]:
    return [{name: value / days for name, value in row.items()} for row in hours]


def _chart(title: str, labels: tuple[str, ...], rows: list[Figures], own: bool) -> Chart:
    names = (("came in", "from_outside"), ("sent from inside", "from_inside")) if own else (("taken in", "received"),)
    series = tuple(Series(name, tuple(row[key] for row in rows)) for name, key in names)
    return Chart(title, labels, series, _seen(labels, series))


def _seen(labels: tuple[str, ...], series: tuple[Series, ...]) -> str:
    """The chart in words: where each series is highest, and how much it is in all."""
    said = []
    for one in series:
        if one.values and max(one.values) > 0:
            top = max(range(len(one.values)), key=lambda n: one.values[n])
            most = f"most ({words.count(one.values[top])}) at {labels[top]}"
            said.append(f"{one.name}: {words.count(sum(one.values))} in all, {most}")
    return "; ".join(said) or "nothing happened"


def _destined(figures: Figures) -> str:
    us, others = figures["totals"]["to_us"], figures["totals"]["to_others"]
    if us is None:
        return "Which domains are ours is not known, so in and out cannot be told apart (--own, or observer.json)."
    return (
        f"{words.plural(us['recipients'], 'recipient')} of our own got {words.size(us['bytes'])}; "
        f"{words.plural(others['recipients'], 'recipient')} elsewhere got {words.size(others['bytes'])}."
    )


def _value(figures: Figures | None, key: str) -> Any:
    for part in key.split("."):
        figures = figures.get(part) if figures else None
    return figures


def _totals(title: str, lines: Lines, figures: Figures) -> Table:
    rows = []
    for name, key, unit in lines:
        if key.startswith("from_") and not figures["own_domains"]:
            continue
        now, then = _value(figures["totals"], key), _value(figures["before"], key)
        show = words.size if unit == "size" else words.count
        rows.append(
            {"what": name.strip(), "now": show(now), "then": show(then), "change": _value(figures["change"], key)}
        )
    columns = [Column("What", "what"), Column("Now", "now", "code")]
    if figures["before"]:
        columns += [
            Column(_upper(words.before(figures["period"]["days"])), "then", "code"),
            Column("Change", "change", "change"),
        ]
    return Table(title, tuple(columns), rows)


_BY_TIME: Final = (
    Column("Taken in", "received", "count"), Column("Delivered", "delivered", "count"),
    Column("Deferred", "deferred", "count"), Column("Returned", "returned", "count"),
    Column("Refused", "refused", "count"), Column("Spam", "spam", "count"), Column("Viruses", "viruses", "count"),
)  # fmt: skip


def calendar(figures: Figures) -> Section:
    """The numbers behind the charts."""
    days = [{**row, "name": words.day(row["day"])} for row in figures["by_day"]]
    hours = [{**row, "name": f"{row['hour']:02d}–{row['hour'] + 1:02d}"} for row in figures["by_hour_of_day"]]
    title = "By hour of the day, all days together" if len(days) > 1 else "By hour"
    tables = [Table("By day", (Column("Day", "name"), *_BY_TIME), days, wide=True)] if len(days) > 1 else []
    tables.append(Table(title, (Column("Hour", "name"), *_BY_TIME), hours, wide=True))
    return Section("calendar", "Day by day, hour by hour", "", (), tuple(tables))


def refused(figures: Figures) -> Section:
    """What was turned away at the door."""
    told, total = figures["refused"], figures["totals"]["refused"]
    kinds = [
        {**row, "name": _upper(words.REFUSALS.get(row["kind"], words.shown(row["kind"]))), "part": row["mails"] / total}
        for row in told["kinds"]
    ]
    lines = any(row["line"] for row in kinds)
    policy = (Column("Policy", "line", "word"),) if lines else ()
    columns = (Column("Why", "name"), Column("Refused", "mails", "count"), Column("Share", "part", "share"), *policy)
    days = figures["by_day"]
    series = (Series("refused", tuple(row["refused"] for row in days)),)
    labels = tuple(words.day(row["day"]) for row in days)
    charts = (Chart("Refused by day", labels, series, _seen(labels, series)),) if len(days) > 1 and total else ()
    return Section(
        "refused", "Refused at the door", "What was refused never entered: its sender knows at once.", charts,
        (
            Table("By reason", columns, kinds, None if lines else "mails"),
            _names("Recipients that were wanted", "Recipient", told["recipients"], "refused"),
            _names("Domains of the refused senders", "Domain", told["sender_domains"], "refused"),
            _names("Public block lists", "List", told["lists"], "refused"),
        ),
    )  # fmt: skip


def _names(title: str, heading: str, rows: list[Figures], key: str, what: str = "") -> Table:
    named = [{**row, "name": row["name"] or "<> (notices)"} for row in rows]
    return Table(title, (Column(heading, "name"), Column(what or _upper(key), key, "count")), named, key)


def filtered(figures: Figures) -> Section:
    """What the filter found."""
    told = figures["filtered"]
    kinds = [{**row, "name": _upper(words.FOUND.get(row["found"], words.shown(row["found"])))} for row in told["kinds"]]
    columns = [Column("Found", "name"), Column("Outcome", "action"), Column("Mails", "mails", "count")]
    if any(row["line"] for row in kinds):
        columns.append(Column("Policy", "line", "word"))
    days = figures["by_day"]
    labels = tuple(words.day(row["day"]) for row in days)
    other = tuple(row["viruses"] + row["attachments"] for row in days)
    series = (Series("spam", tuple(row["spam"] for row in days)), Series("viruses and attachments", other))
    charts = (
        (Chart("Spam and viruses by day", labels, series, _seen(labels, series)),) if len(days) > 1 and kinds else ()
    )
    return Section(
        "filtered", "Spam, viruses, attachments", "What was let in and looked into.", charts,
        (
            Table("What the filter found", tuple(columns), kinds),
            _names("Viruses by name", "Virus", told["viruses"], "mails"),
            _names("Forbidden attachments", "File", told["attachments"], "mails"),
            _names("Spam: domains of the senders", "Domain", told["spam_from"], "mails"),
            _names("Spam: to whom", "Recipient", told["spam_to"], "mails"),
            _names("Viruses: to whom", "Recipient", told["viruses_to"], "mails"),
        ),
    )  # fmt: skip


def origins(figures: Figures) -> Section:
    """From where."""
    told, spread = figures["from"], figures["totals"]["spread"]
    counted = (Column("Clients", "clients", "count"), Column("Taken in", "accepted", "count"),
               Column("Refused", "refused", "count"), Column("Spam", "spam", "count"),
               Column("Viruses", "viruses", "count"))  # fmt: skip
    country = (Column("Country", "country"),) if told["countries"] is not None else ()
    tables = [Table("Networks", (Column("Network", "network"), *country, *counted), told["networks"], wide=True)]
    if told["countries"] is not None:
        tables.append(Table("Countries", (Column("Country", "country"), *counted), told["countries"], wide=True))
    volume = (Column("Mails", "mails", "count"), Column("Volume", "bytes", "size"))
    for title, heading, key in (
        ("Senders by mails", "Sender", "by_mails"), ("Senders by volume", "Sender", "by_bytes"),
        ("Domains of senders", "Domain", "by_domains"),
    ):  # fmt: skip
        rows = [{**row, "name": row["name"] or "<> (notices)"} for row in figures["senders"][key]]
        tables.append(Table(title, (Column(heading, "name"), *volume), rows, "bytes" if key == "by_bytes" else "mails"))
    lead = (
        f"{words.plural(spread['senders'], 'sender')} in {words.plural(spread['sender_domains'], 'domain')}, "
        f"and clients in {words.plural(told['how_many'], 'network')}."
    )
    return Section("from", "From where", lead, (), tuple(tables))


def destinations(figures: Figures) -> Section:
    """To where."""
    told, spread = figures["recipients"], figures["totals"]["spread"]
    volume = (Column("Delivered", "mails", "count"), Column("Volume", "bytes", "size"))
    more = (Column("Deferred", "deferred", "count"), Column("Returned", "returned", "count"),
            Column("Delay, average", "delay_average", "seconds"),
            Column("longest", "delay_longest", "seconds"))  # fmt: skip
    lead = (
        f"{words.plural(spread['recipients'], 'recipient')} in {words.plural(spread['recipient_domains'], 'domain')}."
    )
    return Section(
        "to", "To where",
        lead, (),
        (
            Table("Domains of recipients", (Column("Domain", "name"), *volume, *more), told["by_domains"], wide=True),
            Table("Recipients by mails", (Column("Recipient", "name"), *volume), told["by_mails"], "mails"),
            Table("Recipients by volume", (Column("Recipient", "name"), *volume), told["by_bytes"], "bytes"),
        ),
    )  # fmt: skip


def hops(figures: Figures) -> Section:
    """Next hops, and why mail waited or went back."""
    columns = (
        Column("Next hop", "hop"), Column("Delivered", "delivered", "count"), Column("Volume", "bytes", "size"),
        Column("Deferred", "deferred", "count"), Column("Returned", "returned", "count"),
        Column("Half within", "p50", "seconds"), Column("95 % within", "p95", "seconds"),
        Column("99 % within", "p99", "seconds"), Column("TLS", "tls", "share"),
    )  # fmt: skip
    rows = [
        {**row, "tls": row["secure"] / row["delivered"] if row["delivered"] else None} for row in figures["next_hops"]
    ]
    why = (Column("Reason", "text", limit=200), Column("Recipients", "recipients", "count"))
    reasons = figures["reasons"]
    return Section(
        "hops", "Next hops and delays", "Times count from our door to the next hop's answer.", (),
        (
            Table("Next hops", columns, rows, wide=True),
            Table("Why mail was put off", why, reasons["deferred"], wide=True, empty="Nothing was put off."),
            Table("Why mail was given up", why, reasons["returned"], wide=True, empty="Nothing was given up."),
        ),
    )  # fmt: skip

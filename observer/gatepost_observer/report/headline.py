"""The message of a report in a few sentences, and the big figures under it.

In: the figures. Out: text. Pure. It says what a director wants to know first: how much came, how much was refused and
why, and whether anything bad got through.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost_observer.report import words
from gatepost_observer.report.arranged import Figure

Figures = dict[str, Any]
HARMLESS: Final = ("passed",)


def headline(figures: Figures) -> tuple[str, ...]:
    """Three sentences at most."""
    totals = figures["totals"]
    if not any(totals[name] for name in ("received", "refused", "delivered", "connections")):
        return ("Nothing happened in this time: no mail came in, none was sent, none was refused.",)
    said = [_volume(figures), _refused(figures), _filtered(figures)]
    return tuple(part for part in said if part)


def _volume(figures: Figures) -> str:
    totals, span = figures["totals"], words.spoken(figures["period"])
    coming, sent = totals["from_outside"]["mails"], totals["from_inside"]["mails"]
    if not figures["own_domains"]:
        return f"{span}, {words.plural(totals['received'], 'mail was', 'mails were')} taken in."
    came = words.plural(coming, "mail came in", "mails came in")
    return f"{span}, {came} and {words.plural(sent, 'was', 'were')} sent from inside."


def knocked(totals: Figures) -> int:
    """Everything that came to the door from outside: what was let in, and what was refused."""
    return int(totals["from_outside"]["mails"] + totals["refused"])


def _refused(figures: Figures) -> str:
    totals, kinds = figures["totals"], figures["refused"]["kinds"]
    if not totals["refused"]:
        return "Nothing was refused at the door."
    part = totals["refused"] / knocked(totals)
    first = kinds[0]
    most = "mostly" if first["mails"] * 2 > totals["refused"] else "most often"
    return (
        f"{words.share(part)} of what knocked was refused, {most} {words.REFUSALS.get(first['kind'], first['kind'])}."
    )


def through(figures: Figures, found: str) -> int:
    """How many of these passed the filter all the same."""
    kinds = figures["filtered"]["kinds"]
    return sum(row["mails"] for row in kinds if row["found"] == found and row["action"] in HARMLESS)


def _filtered(figures: Figures) -> str:
    totals = figures["totals"]
    if not figures["filtered"]["kinds"]:
        return ""
    spam = f"The filter recognised {words.plural(totals['spam'], 'spam mail')}"
    viruses = totals["viruses"]
    if not viruses:
        return f"{spam} and found no virus."
    passed = through(figures, "virus")
    if passed:
        return f"{spam} and {words.plural(viruses, 'virus', 'viruses')}, of which {passed} got through."
    return f"{spam} and stopped {words.plural(viruses, 'virus', 'viruses')}; none got through."


def figures_of(figures: Figures) -> tuple[Figure, ...]:
    """The big figures. Those that nothing can be said about are left out."""
    totals, change = figures["totals"], figures["change"]
    way = change.get("from_outside", {}), change.get("from_inside", {})
    told: list[Figure] = []
    if figures["own_domains"]:
        told += [
            Figure("Came in", words.count(totals["from_outside"]["mails"]),
                   words.size(totals["from_outside"]["bytes"]), way[0].get("mails")),
            Figure("Sent from inside", words.count(totals["from_inside"]["mails"]),
                   words.size(totals["from_inside"]["bytes"]), way[1].get("mails")),
        ]  # fmt: skip
    else:
        told.append(
            Figure(
                "Taken in",
                words.count(totals["received"]),
                words.size(totals["bytes_received"]),
                change.get("received"),
            )
        )
    part = words.share(totals["refused"] / knocked(totals)) if knocked(totals) else "–"
    told.append(Figure("Refused", words.count(totals["refused"]), f"{part} of what knocked", change.get("refused")))
    if figures["filtered"]["kinds"]:
        told += [
            Figure("Spam", words.count(totals["spam"]), _passed(figures, "spam"), change.get("spam")),
            Figure("Viruses", words.count(totals["viruses"]), _passed(figures, "virus"), change.get("viruses")),
        ]
    told.append(
        Figure("Put off for now", words.count(totals["deferred"]),
               f"{words.count(totals['returned'])} given up", change.get("deferred"))
    )  # fmt: skip
    return tuple(told)


def _passed(figures: Figures, found: str) -> str:
    passed = through(figures, found)
    return f"{words.count(passed)} got through" if passed else "none got through"

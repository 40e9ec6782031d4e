"""The sections about the policy's lists, about safety, and about the servers themselves.

In: the figures. Out: sections. Pure.
"""

from __future__ import annotations

from typing import Any

from gatepost_observer.report import words
from gatepost_observer.report.arranged import Column, Section, Table

Figures = dict[str, Any]


def lists(figures: Figures) -> Section:
    """The entries of the allow and block lists."""
    told = figures["entries"]
    columns = (Column("List", "list"), Column("What", "field"), Column("Value", "value"), Column("Reason", "reason"),
               Column("Policy", "line", "word"))  # fmt: skip
    if not told["hit"] and not told["never_hit"]:
        return Section("lists", "The policy's lists", "No list is known here (observer.json has none).")
    hit = [{**row, "seen": row["last"][:10] if row["last"] else None} for row in told["hit"]]
    counted = (*columns, Column("Last", "seen"), Column("Hits", "hits", "count"))
    other = told["not_in_the_policy"]
    lead = f"{words.plural(other, 'hit')} could not be traced to an entry." if other else ""
    return Section(
        "lists", "The policy's lists", lead, (),
        (
            Table("Entries that were hit", counted, hit, "hits", wide=True),
            Table("Entries that nothing hit", columns, told["never_hit"], wide=True, empty="Every entry was hit."),
        ),
    )  # fmt: skip


def safety(figures: Figures) -> Section:
    """Encryption and logins."""
    rows = []
    for way, name in (("in", "Taken in"), ("out", "Handed on")):
        told = figures["tls"][way]
        rows.append({**told, "name": name, "part": told["encrypted"] / told["mails"] if told["mails"] else None})
    versions = [
        {"way": name, **row, "version": "in clear text" if row["version"] == "none" else row["version"]}
        for way, name in (("in", "Taken in"), ("out", "Handed on"))
        for row in figures["tls"][way]["versions"]
    ]
    share = (Column("Direction", "name"), Column("Mails", "mails", "count"), Column("Encrypted", "encrypted", "count"),
             Column("Share", "part", "share"))  # fmt: skip
    logins = figures["logins_failed"]
    return Section(
        "safety", "Encryption and logins", f"{words.plural(figures['totals']['logins_failed'], 'login')} failed.", (),
        (
            Table("Encrypted on the way", share, rows),
            Table("TLS versions", (Column("Direction", "way"), Column("Version", "version"),
                                   Column("Mails", "mails", "count")), versions, "mails"),
            _attempts("Failed logins by client", "Client", logins["by_client"]),
            _attempts("Failed logins by user", "User", logins["by_user"]),
        ),
    )  # fmt: skip


def _attempts(title: str, heading: str, rows: list[Figures]) -> Table:
    return Table(title, (Column(heading, "name"), Column("Attempts", "attempts", "count")), rows, "attempts")


def servers(figures: Figures) -> Section:
    """Signatures, daemons, warnings, and what was not understood."""
    signatures = [{**row, "at": row["last"][:16].replace("T", " ")} for row in figures["signatures"]]
    locked = [{**row, "at": (row["last"] or "–")[:16].replace("T", " ")} for row in figures["lock_outs"]]
    told = figures["not_understood"]
    unknown = [
        {**row, "program": row["program"] or "(no program)", "sample": (row["samples"] or ["–"])[0]}
        for row in told["programs"]
    ]
    host, program = Column("Server", "host", limit=40), Column("Program", "program", limit=40)
    loaded = (
        host,
        program,
        Column("What", "action"),
        Column("At (UTC)", "at", "word"),
        Column("Text", "text", limit=160),
    )
    return Section(
        "servers", "The servers", "", (),
        (
            Table("Signatures, as they were loaded last", loaded, signatures, wide=True,
                  empty="No signatures were loaded in this time."),
            Table("Warnings and errors of the daemons", (Column("Severity", "severity"), program,
                  Column("Text", "text", limit=200), Column("Times", "times", "count")),
                  figures["warnings"]["texts"], wide=True),
            Table("Starts and stops", (host, program, Column("What", "action"), Column("Times", "times", "count")),
                  figures["daemons"]),
            Table("Locked out for guessing addresses", (Column("Client", "client"), host,
                  Column("Times", "times", "count"), Column("Lifted", "lifted", "count"),
                  Column("Last (UTC)", "at", "word")), locked,
                  empty="Nobody was locked out in this time."),
            Table("Lines that were not understood", (program, Column("Lines", "lines", "count"),
                  Column("For example", "sample", limit=200)), unknown, wide=True, empty="Every line was understood."),
        ),
    )  # fmt: skip

"""A small world for the tests of prove: one server, vantage hosts, and what a good server would have done."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

from gatepost.decide import decide
from gatepost.inventory import Host, Vantage
from gatepost.policy import Model
from gatepost.prove import Probe, probes
from gatepost.prove.seen import Arrival, Reply, Seen
from written import written

GATE = Host("gate", "gate.example.net", 12, ("10.91.0.12", "fd00:db8:91::12"))


def networks(*names: str) -> tuple[Any, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


WORLD = Vantage(
    "world",
    "outside",
    networks("203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"),
    {"host": "127.0.0.1"},
    ("foreign.test", "partner.example"),
)
OFFICE = Vantage("office", "internal", networks("192.0.2.0/24", "2001:db8:1::/48"))
STORE = Vantage("store", "mailbox", (), {"host": "127.0.0.1"})
EVERYWHERE = (OFFICE, STORE, WORLD)

LISTS = """\
filtering:
  attachments: {forbidden: [exe, js]}
  allow:
    - {sender: billing@supplier.example}
    - {client: 198.51.100.25}
    - {recipient: "o'brien@example.org"}
    - {destination: partner.example}
    - {term: council minutes}
  block:
    - {sender: "@scam.example"}
    - {client: 203.0.113.64/27}
    - {client: "2001:db8:bad::/48"}
    - {recipient: '"john doe"@example.org'}
    - {destination: typo.example}
    - {term: urgent bank transfer}
"""


def made(more: str = "", vantage: tuple[Vantage, ...] = EVERYWHERE, host: Host = GATE) -> tuple[Model, list[Probe]]:
    """The model of ten lines and more, and its probes."""
    model = written(more)
    return model, probes(model, vantage, host)


def about(found: list[Probe], *path: str | int) -> list[Probe]:
    """The probes that speak of one policy line."""
    return [probe for probe in found if path in probe.proves]


def arrival(mailbox: str, **headers: str) -> Arrival:
    """A mail in a mailbox, as the filter leaves it."""
    given = {"X-Virus-Scanned": "yes", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Arrival(mailbox, "mark", tuple(given.items()))


def well(model: Model, probe: Probe, **changes: Any) -> Seen:
    """What a server that follows the policy would have done with a probe."""
    verdict = decide(model, probe.attempt)
    text = verdict.text + ("; User unknown" if verdict.enhanced == "5.1.1" else "")
    command = "." if probe.mail and verdict.code == 250 else "RCPT TO"
    reply = Reply(command, verdict.code, verdict.enhanced, text)
    marked = {"X_Spam_Flag": "YES"} if verdict.marked else {}
    arrived = (arrival(verdict.recipient or "", **marked),) if probe.mail and verdict.action == "accept" else ()
    kept = ("X-Gatepost-Probe: mark",) if probe.mail and verdict.action == "quarantine" else ()
    return replace(Seen((reply,), arrived=arrived, quarantined=kept), **changes)

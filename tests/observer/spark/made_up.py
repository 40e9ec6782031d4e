"""Events of every kind, by chance but always the same ones: with gaps, midnights, and hostile text in every column."""

from __future__ import annotations

import random
from typing import Any

from gatepost_observer.events import COLUMNS, Action, Event, Found, Kind, Refusal

BEGIN = 1_795_471_200_000_000  # 2026-11-23 22:00 UTC
HOSTILE = [
    "'; DROP TABLE events; --",
    'a"b\\c',
    "ünïcødé 🐧",
    "",
    "%_",
    "\x1b[31m",
    "null",
    "<b>",
    "a\\'b",
    " ",
    "$1 :top",
]


def _text(name: str, chance: random.Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(HOSTILE)
    match name:
        case "host":
            return chance.choice(["gate12", "gate13", "../=x y", "h" * 300])
        case "kind":
            return str(chance.choice(list(Kind)))
        case "reason":
            return str(chance.choice([*Refusal, *Found, "expired", "warning"]))
        case "action":
            return str(chance.choice(list(Action)))
        case "sender" | "recipient" | "original_recipient":
            domain = chance.choice(["example.org", "Partner.example"])
            return f"{chance.choice(['anna', 'Bert', 'c.d'])}{chance.randrange(9)}@{domain}"
        case "client" | "relay_address":
            return chance.choice(["192.0.2.9", "203.0.113.77", "2001:db8::9"])
        case "tests":
            return ",".join(
                f"{test}={chance.randrange(-20, 20) / 10}" for test in ("SPF_PASS", "GATEPOST_BLOCK_0", "BAYES_50")
            )
        case "queue_id" | "queued_as" | "mail":
            return f"4dQ{chance.randrange(400):05}z1"
    return f"{name}{chance.randrange(20)}"


def _value(name: str, kind: str, chance: random.Random) -> Any:
    match kind:
        case "whole":
            return chance.choice([0, 25, 250, 450, 550, 10_000_000_000, chance.randrange(100_000)])
        case "real":
            return round(chance.uniform(-5, 3000), 2)
        case "flag":
            return chance.random() < 0.5
        case "time":
            return BEGIN + chance.randrange(3 * 86_400_000_000)
    return _text(name, chance)


def events(number: int, seed: int = 1) -> list[Event]:
    """So many events."""
    chance = random.Random(seed)
    always = {"time", "host", "kind", "program", "instance"}
    return [
        {name: _value(name, kind, chance) for name, kind in COLUMNS.items() if name in always or chance.random() < 0.7}
        for _ in range(number)
    ]

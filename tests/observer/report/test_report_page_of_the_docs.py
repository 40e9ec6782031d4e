"""docs/report.md names every key of the JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatepost_observer.known import Known
from gatepost_observer.report import figures
from gatepost_observer.report.period import Period
from gatepost_observer.store.engine import over
from synthesised import OWN, Town, example_known

DOC = Path(__file__).parents[3] / "docs" / "report.md"


def keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from keys(value)


def test_every_key_of_the_json_is_explained() -> None:
    start = datetime(2026, 11, 16, tzinfo=UTC)
    unknown = {"smtpd": {"count": 1, "samples": ["?"]}}
    wanted = figures.Wanted(Period(start, start + timedelta(days=2)), own=OWN, zone=UTC, unknown=unknown)
    with over(Town(days=2).events()) as engine:
        found = figures.gathered(engine, wanted, Known.model_validate(example_known()))
    told = set(re.findall(r"[a-z][a-z0-9_]*", " ".join(re.findall(r"`([^`]+)`", DOC.read_text(encoding="utf-8")))))
    assert set(keys(found)) - told == set()

"""The report's page in a real browser: readable for everybody, nothing fetched, nothing run, on paper too."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gatepost_observer.known import Known
from gatepost_observer.report import figures
from gatepost_observer.report.page import page
from gatepost_observer.report.period import Period
from gatepost_observer.report.sections import report
from gatepost_observer.store.engine import over
from synthesised import OWN, Town, example_known, hostile

HERE = Path(__file__).parent
WEEK = Period(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))

pytestmark = pytest.mark.page


def written(events: list[dict[str, Any]], folder: Path) -> Path:
    unknown = {"smtpd": {"count": 3, "samples": ["<b>a line that nobody knows</b>"]}}
    wanted = figures.Wanted(WEEK, own=OWN, zone=UTC, unknown=unknown, notes=("A clock was wrong.",))
    known = Known.model_validate(example_known())
    with over(events) as engine:
        found = figures.gathered(engine, wanted, known)
        figures.compare(found, engine, wanted, known)
    path = folder / "report.html"
    path.write_text(page(report(found), datetime(2026, 11, 23, 6, tzinfo=UTC)), encoding="utf-8")
    return path


def looked_at(path: Path) -> dict[str, Any]:
    browser = shutil.which("chromium")
    assert browser, "chromium is missing: lab/install brings it"
    assert (HERE / "node_modules").is_dir(), "npm ci --prefix tests/observer/page brings what these tests need"
    done = subprocess.run(
        ["node", str(HERE / "look.mjs"), browser, str(path), "-"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module", params=["an ordinary week", "a week of hostile addresses", "a week without mail"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return looked_at(written(traffic(request.param), tmp_path_factory.mktemp("page")))


def traffic(kind: str) -> list[dict[str, Any]]:
    if kind == "an ordinary week":
        return Town(first="2026-11-09", days=14, an_hour=20).events()
    return hostile(int(WEEK.since.timestamp() * 1e6)) if "hostile" in kind else []


def test_axe_finds_no_violation_in_light_and_dark_at_any_width(seen: dict[str, Any]) -> None:
    assert len(seen["looks"]) == 6
    for look in seen["looks"]:
        assert look["violations"] == [], (look["width"], look["colorScheme"])
        assert look["passed"] > 20


def test_nothing_is_fetched_nothing_runs_and_the_browser_does_not_complain(seen: dict[str, Any]) -> None:
    for look in seen["looks"]:
        assert (look["asked"], look["complaints"], look["scripts"], look["images"]) == ([], [], 0, 0)


def test_no_width_makes_the_page_scroll_sideways(seen: dict[str, Any]) -> None:
    assert [look["wider"] for look in seen["looks"]] == [0] * 6


def test_the_style_is_taken_although_the_policy_forbids_all_others(seen: dict[str, Any]) -> None:
    colours = {look["colorScheme"]: look["background"] for look in seen["looks"]}
    assert colours == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 29)"}


def test_it_can_be_printed(seen: dict[str, Any]) -> None:
    assert 1 <= seen["pages"] <= 20

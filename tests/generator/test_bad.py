"""Every finding has an example in tests/bad/ that is named after it, and is found at its exact place.

The example's head tells what the finding means (docs/findings.md is made of it) and where it is expected.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from gatepost.cli.render import of_both
from gatepost.findings import Finding
from gatepost.inventory import read_inventory
from gatepost.load import load
from ids import ROOT, in_code

BAD = ROOT / "tests" / "bad"
POLICIES = sorted(BAD.glob("*.yml"))
INVENTORIES = sorted((BAD / "inventory").glob("*/hosts.yml"))
EXPECTED = re.compile(r"^# expected at (?:(?P<file>\S+?):)?(?P<line>\d+):(?P<column>\d+)$", re.MULTILINE)


def expected(example: Path) -> str:
    """The place that the example's head names."""
    found = EXPECTED.search(example.read_bytes().decode("utf-8", "replace"))
    assert found, f"{example}: no line `# expected at LINE:COLUMN`"
    return f"{found['file'] or example.name}:{found['line']}:{found['column']}"


def places(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """Ids and places."""
    return [(finding.id, str(finding.place)) for finding in findings]


@pytest.mark.parametrize("example", POLICIES, ids=lambda path: path.stem)
def test_the_example_has_its_finding_at_its_place_and_no_other(example: Path, tmp_path: Path) -> None:
    if example.stem == "too-large":
        example = Path(shutil.copy(example, tmp_path))
        with example.open("ab") as file:
            file.truncate(50_000_000)
    found = places(load(example).findings)
    if example.stem == "more-findings":
        found = found[50:]
    assert found == [(example.stem, expected(example))]


@pytest.mark.parametrize("example", INVENTORIES, ids=lambda path: path.parent.name)
def test_the_inventory_has_its_finding(example: Path) -> None:
    known = read_inventory(example)
    policy = example.parent / "policy.yml"
    model = load(policy).model if policy.exists() else None
    found = [*known.findings, *(of_both(model, known) if model else ())]
    assert [finding.id for finding in found] == [example.parent.name]


def test_every_id_in_the_code_has_an_example() -> None:
    assert in_code() == {path.stem for path in POLICIES} | {path.parent.name for path in INVENTORIES}


def test_every_example_says_what_its_finding_means() -> None:
    for example in [*POLICIES, *INVENTORIES]:
        first = example.read_bytes().decode("utf-8", "replace").split("\n")[0]
        assert first.startswith("# ") and len(first) > 20, example


def test_errors_have_hints_or_messages_that_say_what_was_expected() -> None:
    for example in POLICIES:
        for finding in load(example).findings:
            assert finding.message and "\n" not in finding.message + finding.hint

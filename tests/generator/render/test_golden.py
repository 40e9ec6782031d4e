"""Whole files, as they lie on a server: a change of rendering is seen in the diff of tests/golden.

`make golden` refreshes them; whoever does reads the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from gatepost.bundle import as_text
from gatepost.inventory import read_inventory
from gatepost.load import load
from gatepost.render import render
from gatepost.render.mx import PROGRAM

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden"
POLICIES = ("minimal", "example", "directory")
HOSTS = ("gate12", "gate13", "loghost")


def rendered(policy: str, host: str) -> dict[str, bytes]:
    """Every file of a bundle by its path, the manifest among them."""
    model = load(ROOT / "policies" / f"{policy}.yml").model
    assert model is not None
    (known,) = read_inventory(ROOT / "inventories" / "lab").only((host,))
    bundle = render(model, known)
    # The mail server's own program is one archive, known by its hash in the manifest: its sources are reviewed, in mx/.
    files = {file.path.lstrip("/"): file.content for file in bundle.files if file.path != PROGRAM}
    return {**files, "manifest.json": as_text(bundle.manifest).encode()}


def kept(folder: Path) -> dict[str, bytes]:
    """What lies below a golden folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refresh(folder: Path, files: dict[str, bytes]) -> None:
    """Make a golden folder hold these files and no others."""
    for path in kept(folder).keys() - files.keys():
        (folder / path).unlink()
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("policy", POLICIES)
def test_each_file_is_rendered_as_it_was_reviewed(policy: str, host: str, request: pytest.FixtureRequest) -> None:
    folder, files = GOLDEN / policy / host, rendered(policy, host)
    if request.config.getoption("--refresh-golden"):
        refresh(folder, files)
    expected = kept(folder)
    assert files.keys() == expected.keys()
    changed = [path for path in files if files[path] != expected[path]]
    assert not changed, f"make golden, and read the diff of: {changed}"


@pytest.mark.parametrize("policy", POLICIES)
def test_rendering_twice_gives_the_same_bytes(policy: str) -> None:
    assert rendered(policy, "gate12") == rendered(policy, "gate12")


def test_debian_12_and_13_differ_only_in_what_their_packages_differ_in() -> None:
    older, newer = rendered("example", "gate12"), rendered("example", "gate13")
    names = {path.replace("postfix@postfix-normal", "P").replace("postfix@-", "G") for path in older}
    assert names == {path.replace("postfix@normal", "P").replace("postfix.service", "G.service") for path in newer}
    same = [path for path in older if path.startswith(("etc/postfix/maps", "etc/spamassassin", "etc/clamav"))]
    assert same
    assert all(older[path].replace(b"gate12", b"") == newer[path].replace(b"gate13", b"") for path in same)

"""What the tests of the release share: a server in a temporary folder, bundles, and a systemd that only remembers.

The release's code lies where Ansible finds it, and so is no installed package: it is put on the path here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "module_utils"))
sys.path.insert(0, str(Path(__file__).parent))

from release.place import Place
from release.release import Tools, present
from release.stage import Secrets
from stand_ins import Bundle, DoRelease, RememberingSystemd


@pytest.fixture(autouse=True)
def no_disk_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process leaves the kernel's view of the disk whole: only a power cut needs what fsync costs."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A server's root with little on it: a release of Debian, and a file from before Gatepost."""
    root = tmp_path / "server"
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text('VERSION_ID="12"\n')
    (root / "etc/old.conf").write_text("what Debian shipped\n")
    return Place(root)


@pytest.fixture
def systemd() -> RememberingSystemd:
    return RememberingSystemd()


@pytest.fixture
def release(place: Place, systemd: RememberingSystemd, tmp_path: Path) -> DoRelease:
    """Release a bundle on the server, with a proof that always succeeds."""

    def do(bundle: Bundle, *, overwrite_drift: bool = False, secrets: Secrets | None = None) -> dict[str, object]:
        tools = Tools(systemd, prove=lambda manifest, units: None)
        archive = bundle.archive(tmp_path)
        return present(place, bundle.raw, archive, tools, overwrite_drift=overwrite_drift, secrets=secrets)

    return do

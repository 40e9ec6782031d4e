"""A fresh Debian, where nothing is installed yet: what the README says to type works there as printed.

The machines stand on podman's own network, not the lab's: an installation asks Debian's archive and PyPI. Where this
machine has certificates or settings of pip of its own, they are lent, since it may reach PyPI only with them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, run

sys.path.insert(0, str(ROOT / "lab"))
import images

PODMAN = ROOT / "lab" / "podman"
# Not at its own place: that is where Debian's package puts its certificates.
LENT = {"/etc/pip.conf": "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt": "/lent/certificates"}
# What a checkout would not hold. No git is asked: `make test` must work where there is none.
NOT_OURS = (".git", ".venv", ".state", ".hypothesis", ".*_cache", "build", "*.egg-info", "__pycache__")
CHECK = ".venv/bin/gatepost check policies/minimal.yml"
RENDER = ".venv/bin/gatepost render policies/minimal.yml --inventory inventories/example --out build/bundles"


def printed(command: str) -> str:
    """The line of the README that runs this command, without its comment."""
    lines = (line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    return next(re.sub(r"\s+#.*", "", line) for line in lines if re.search(rf"(^|&& ){command}( |$)", line))


class Fresh:
    """A container with the checkout in /gatepost, and nothing else that Debian does not bring."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    def bring_checkout(self) -> None:
        """Copy the files of the checkout."""
        run(PODMAN, "exec", self.identity, "mkdir", "/gatepost")
        tar = ["tar", "--create", *(f"--exclude={pattern}" for pattern in NOT_OURS), "."]
        with subprocess.Popen(tar, cwd=ROOT, stdout=subprocess.PIPE) as packed:
            subprocess.run([PODMAN, "cp", "-", f"{self.identity}:/gatepost"], stdin=packed.stdout, check=True)
        assert packed.returncode == 0

    def sh(self, command: str) -> str:
        """What a command says on standard output; a failure shows all of it."""
        return run(PODMAN, "exec", "--workdir", "/gatepost", self.identity, "sh", "-c", command).stdout


def lent() -> Iterator[str]:
    """The options of podman that lend this machine's certificates and settings of pip."""
    yield from (f"--env={key}" for key in os.environ if key.startswith("PIP_"))
    there = {path: inside for path, inside in LENT.items() if Path(path).exists()}
    yield from (f"--volume={path}:{inside}:ro" for path, inside in there.items())
    if "/lent/certificates" in there.values():
        yield "--env=PIP_CERT=/lent/certificates"


@pytest.fixture(scope="module", params=sorted(images.BARE))
def fresh(request: pytest.FixtureRequest) -> Iterator[Fresh]:
    """A bare Debian 12 or 13 on which the README's installation was typed."""
    image = images.BARE[request.param]
    images.build(lambda text: None, [image])
    name = f"gatepost-fresh-{image.name}"
    # It ends by itself, should nobody be left to end it.
    alive = ["run", "--detach", "--rm", "--replace", "--name", name, "--pull=never", "--network=podman"]
    try:
        run(PODMAN, *alive, *lent(), image.tag(), "sleep", "1800")
        machine = Fresh(name)
        machine.bring_checkout()
        machine.sh(printed("make install"))
        yield machine
    finally:
        run(PODMAN, "rm", "--force", "--time", "0", name, check=False)


def test_the_ten_lines_are_found_good_on_a_fresh_debian(fresh: Fresh) -> None:
    assert fresh.sh(CHECK) == "policies/minimal.yml: good\n"


def test_the_readme_question_is_answered_on_a_fresh_debian(fresh: Fresh) -> None:
    told = fresh.sh(printed(".venv/bin/gatepost explain"))
    assert told.startswith("reject  nobody@example.org\n")
    assert "550 5.1.1" in told
    assert "minimal.yml:" in told


def test_a_fresh_debian_renders_what_this_machine_renders(fresh: Fresh, tmp_path: Path) -> None:
    arguments = RENDER.replace("build/bundles", str(tmp_path)).split()[1:]
    ours = run(sys.executable, "-m", "gatepost", *arguments).stdout
    assert "mx1.example.org" in ours
    assert fresh.sh(RENDER) == ours.replace(str(tmp_path), "build/bundles")

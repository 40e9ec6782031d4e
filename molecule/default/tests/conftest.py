"""What the tests on real servers share: the two servers, the playbook, a client in the world, a reader of mailboxes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import testinfra
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "inventories" / "lab"
POLICY = ROOT / "policies" / "example.yml"
SERVERS = {"gate12": "10.91.0.12", "gate13": "10.91.0.13"}
DEADLINE = 60.0
# testinfra calls podman by its name: the lab's must be found first, also where these tests are run by hand.
os.environ["PATH"] = f"{ROOT / 'lab'}:{os.environ['PATH']}"
# molecule asks Ansible for colours; here its words are read.
os.environ["ANSIBLE_FORCE_COLOR"] = "false"
Answer = TypeVar("Answer")


def run(*argv: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command in the checkout, with its output; a failure shows it."""
    done = subprocess.run([str(a) for a in argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert not check or done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done


def playbook(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A run of site.yml with the example policy on the lab."""
    command: list[str | Path] = [Path(sys.executable).parent / "ansible-playbook", "-i", LAB, "playbooks/site.yml"]
    return run(*command, "-e", f"gatepost_policy={POLICY}", *arguments, check=check)


def wait_for(what: str, ask: Callable[[], Answer], deadline: float = DEADLINE) -> Answer:
    """Ask again until the answer is true, or fail with what was waited for."""
    end = time.monotonic() + deadline
    while True:
        if answer := ask():
            return answer
        assert time.monotonic() < end, f"waited {deadline:.0f} s for: {what}"
        time.sleep(0.2)


@pytest.fixture(params=sorted(SERVERS))
def name(request: pytest.FixtureRequest) -> str:
    """Each of the two servers in turn."""
    return str(request.param)


@pytest.fixture
def server(name: str) -> Host:
    """The server, reached through the lab's podman."""
    return testinfra.get_host(f"podman://{name}")


@pytest.fixture
def send(name: str) -> Callable[..., str]:
    """Send one mail from the world to the server; what swaks and the server said."""

    def _send(sender: str, recipient: str, *more: str) -> str:
        swaks = ["swaks", "--server", SERVERS[name], "--local-interface", "203.0.113.9", "--from", sender]
        return run("lab/podman", "exec", "world", *swaks, "--to", recipient, *more, check=False).stdout

    return _send


@pytest.fixture
def mark() -> str:
    """A word that no other mail holds."""
    return uuid.uuid4().hex


def stored(recipient: str, mark: str) -> str:
    """The text of the mail with this mark in a mailbox of the store, or nothing."""
    found = run(
        "lab/podman",
        "exec",
        "store",
        "doveadm",
        "fetch",
        "-u",
        recipient,
        "text",
        "mailbox",
        "INBOX",
        "body",
        mark,
        check=False,
    )
    return found.stdout


@pytest.fixture
def sabotaged(name: str, tmp_path: Path) -> Callable[[str, str], Path]:
    """A bundle of the server in which one file got another line: one that only the daemon's own checker refuses."""

    def _sabotaged(path: str, line: str) -> Path:
        run(sys.executable, "-m", "gatepost", "render", POLICY, "-i", LAB, "--out", tmp_path, "--host", name)
        bundle = tmp_path / name
        target = bundle / "files" / path.lstrip("/")
        target.write_text(target.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
        manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        entry = next(file for file in manifest["files"] if file["path"] == path)
        entry["sha256"] = hashlib.sha256(target.read_bytes()).hexdigest()
        entry["size"] = target.stat().st_size
        rest = {key: value for key, value in manifest.items() if key != "release"}
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
        manifest["release"] = hashlib.sha256(canonical).hexdigest()[:16]
        (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return bundle

    return _sabotaged


@pytest.fixture
def changed_by_hand(server: Host) -> Iterator[str]:
    """A file of the release that somebody edits on the server; the release is put back afterwards."""
    path = "/etc/spamassassin/local.cf"
    server.check_output(f"echo '# only for a moment' >> {path}")
    yield path
    playbook("-e", "gatepost_overwrite_drift=true")

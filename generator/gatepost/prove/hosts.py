"""What prove has done on other hosts, over their Ansible connections: one run of playbooks/prove.yml for each phase.

In: work for each host, as plain data, and the inventory. Out: each host's answer, or why there is none.
How it fails: a host that is not reached has an `Unreached`; Ansible itself failing makes every host one.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Operation = Literal["send", "server", "mailbox"]
Work = Mapping[Operation, Mapping[str, Any]]
COLLECTION = "gatepost.mail"
OPERATIONS: tuple[Operation, ...] = ("send", "server", "mailbox")


@dataclass(frozen=True)
class Unreached:
    """Why a host gave no answer."""

    reason: str


Answers = Mapping[str, Any]


def ask_hosts(work: Work, inventory: Path, seconds: float, say: Callable[[str], None]) -> Mapping[Operation, Answers]:
    """Have the work done, for each operation on its hosts. `seconds` bounds the whole of it."""
    answers: dict[Operation, Answers] = {operation: {} for operation in OPERATIONS}
    if any(work.get(operation) for operation in OPERATIONS):
        with tempfile.TemporaryDirectory(prefix="gatepost-prove-") as private:
            folder = Path(private)
            _write(folder, work)
            trouble = _play(folder, work, inventory, seconds, say)
            for operation in OPERATIONS:
                told = {host: folder / "answer" / f"{operation}-{host}" for host in work.get(operation, {})}
                answers[operation] = {host: _answer(file, trouble) for host, file in told.items()}
    return answers


def _write(folder: Path, work: Work) -> None:
    for name in ("work", "answer"):
        (folder / name).mkdir()
    for operation, hosts in work.items():
        for host, given in hosts.items():
            (folder / "work" / f"{operation}-{host}").write_text(pack(given))
    hosts_of = {f"gatepost_prove_{operation}": sorted(work.get(operation, {})) for operation in OPERATIONS}
    variables = {"gatepost_prove_folder": str(folder), **hosts_of}
    (folder / "variables.json").write_text(json.dumps(variables))


def _play(folder: Path, work: Work, inventory: Path, seconds: float, say: Callable[[str], None]) -> str:
    """Run the playbook; says what Ansible complained of, if it ended badly."""
    repository = _repository()
    environment = {**os.environ, **_environment(repository)}
    playbook = str(repository / "playbooks/prove.yml") if repository else f"{COLLECTION}.prove"
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), "-e", f"@{folder}/variables.json"]
    hosts = sorted({host for given in work.values() for host in given})
    say(f"asking {', '.join(hosts)}")
    try:
        done = subprocess.run(  # noqa: S603 - our own argv
            [*command, playbook],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    words = (done.stderr or done.stdout).strip().splitlines()
    return " ".join(words[-3:])[:500] if done.returncode else ""


def _repository() -> Path | None:
    """The checkout that this code stands in, or None where it is installed as a package."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "playbooks/prove.yml").is_file() else None


def _environment(repository: Path | None) -> dict[str, str]:
    """How Ansible finds the module: in a checkout by its folders, else in the collection that holds the playbook."""
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_LOCALHOST_WARNING": "0"}
    quiet["ANSIBLE_FORKS"] = os.environ.get("ANSIBLE_FORKS", "20")
    if repository is None:
        return quiet
    plugins = repository / "plugins"
    found = {"ANSIBLE_LIBRARY": str(plugins / "modules"), "ANSIBLE_MODULE_UTILS": str(plugins / "module_utils")}
    return {**quiet, **found}


def _answer(file: Path, trouble: str) -> Any:
    try:
        done = json.loads(file.read_text())
    except (OSError, ValueError):
        return Unreached(f"no answer over its Ansible connection{': ' if trouble else ''}{trouble}")
    if "answer" not in done:
        return Unreached(str(done.get("msg", "no answer over its Ansible connection"))[:500])
    try:
        return unpack(done["answer"])
    except (ValueError, zlib.error):
        return Unreached("its answer was damaged on the way")


def pack(data: Any) -> str:
    """Plain data as one opaque word, as the module's `packed` unpacks it."""
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode("ascii")


def unpack(word: str) -> Any:
    """The plain data behind a word."""
    return json.loads(zlib.decompress(base64.b64decode(word)))

"""The figures of Gatepost, measured in one run: `make bench`.

In: nothing; with a lab that is up (`make lab`) also the figures that need servers. Out: a table of what was measured,
what the limit is, and the share of the limit that was used. Each time is the median of several whole processes.
Exit: 0 every measured figure keeps its limit, 1 one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import logs
import store

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
GATEPOST = [sys.executable, "-m", "gatepost"]
EXAMPLE = ROOT / "policies" / "example.yml"
LAB = ROOT / "inventories" / "lab"


@dataclass(frozen=True)
class Figure:
    """One measured figure and its limit, both in the same unit."""

    name: str
    measured: float
    limit: float
    unit: str

    @property
    def kept(self) -> bool:
        """Whether the limit holds."""
        return self.measured <= self.limit


@dataclass(frozen=True)
class Run:
    """One process, whole: seconds from start to end, and its greatest resident memory in MB."""

    seconds: float
    megabytes: float


def run(argv: Sequence[str], *, one_core: bool = False) -> Run:
    """Run a command to its end, in silence. Raises CalledProcessError when it fails."""
    pinned = ["taskset", "-c", "0", *argv] if one_core else list(argv)
    began = time.perf_counter()
    child = subprocess.Popen(pinned, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, pinned)
    return Run(time.perf_counter() - began, usage.ru_maxrss / 1024)


def median(times: int, argv: Sequence[str], *, one_core: bool = False) -> Run:
    """The middle of several runs, after one that warms the caches of the disk."""
    run(argv)
    runs = [run(argv, one_core=one_core) for _ in range(times)]
    return Run(statistics.median(r.seconds for r in runs), max(r.megabytes for r in runs))


def inventory_of(hosts: int, folder: Path) -> Path:
    """A static inventory of so many mail servers."""
    path = folder / f"{hosts}.yml"
    lines = ["loghosts: {hosts: {loghost.example.org: {gatepost_debian: 13}}}", "mailservers:", "  hosts:"]
    for number in range(hosts):
        lines += [
            f"    mx{number}:",
            f"      gatepost_debian: {12 + number % 2}",
            f"      gatepost_fqdn: mx{number}.example.org",
            f"      gatepost_addresses: [198.18.{number // 250}.{number % 250 + 1}]",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def a_million_recipients(folder: Path) -> Path:
    """The smallest policy, with a million recipients in a file."""
    text = (ROOT / "policies" / "minimal.yml").read_text(encoding="utf-8")
    start, end = text.index("recipients: {list"), text.index("networks:")
    policy = folder / "million.yml"
    policy.write_text(text[:start] + "recipients: {file: million.txt}\n" + text[end:], encoding="utf-8")
    people = ["postmaster@example.org", *(f"person.{n:07}@example.org" for n in range(1_000_000))]
    (folder / "million.txt").write_text("\n".join(people) + "\n", encoding="utf-8")
    return policy


def render(policy: Path, inventory: Path, out: Path) -> list[str]:
    """The command that renders a policy (rendering checks it first)."""
    return [*GATEPOST, "render", str(policy), "--inventory", str(inventory), "--out", str(out)]


def generator(folder: Path) -> list[Figure]:
    """What the control node does."""
    one = median(5, render(EXAMPLE, inventory_of(1, folder), folder / "one"), one_core=True)
    many = median(1, render(EXAMPLE, inventory_of(1000, folder), folder / "many"), one_core=True)
    million = median(1, render(a_million_recipients(folder), inventory_of(1, folder), folder / "million"))
    return [
        Figure("check + render, one host, cold start", one.seconds, 0.5, "s"),
        Figure("check + render, one host, memory", one.megabytes, 80, "MB"),
        Figure("render for 1,000 hosts, one core", many.seconds, 5, "s"),
        Figure("a million recipients, check + render", million.seconds, 20, "s"),
        Figure("a million recipients, memory", million.megabytes, 500, "MB"),
    ]


def release(_folder: Path) -> list[Figure]:
    """What a run of the playbook costs when nothing has changed, beside Ansible's own ping of the same hosts."""
    playbook = [str(BIN / "ansible-playbook"), "-i", str(LAB), "playbooks/site.yml", "-e", f"gatepost_policy={EXAMPLE}"]
    ping = [str(BIN / "ansible"), "-i", str(LAB), "mailservers:loghosts", "-m", "ping"]
    run(playbook)  # converge, should something else be released there
    pairs = [(run(playbook).seconds, run(ping).seconds) for _ in range(5)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    return [Figure("no-change run of site.yml / ansible -m ping", ratio, 1.5, "×")]


def lab_is_up() -> bool:
    """Whether the servers of the lab answer."""
    asked = subprocess.run(["lab/lab", "status"], cwd=ROOT, capture_output=True, check=False)
    return asked.returncode == 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    parts: list[Callable[[Path], list[Figure]]] = [generator]
    parts.append(lambda folder: [Figure(*figure) for figure in logs.figures(folder)])
    parts.append(lambda folder: [Figure(*figure) for figure in store.figures(folder)])
    if lab_is_up():
        parts.append(release)
    else:
        print("no lab is up: the figures that need servers are not measured (make lab)", file=sys.stderr)
    # In memory, where the system has such a folder: what a disk takes for 40,000 small files is the disk's figure.
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        figures = [figure for part in parts for figure in part(Path(folder))]
    if chosen.json:
        print(json.dumps([{**asdict(f), "kept": f.kept} for f in figures], indent=2))
    else:
        for f in figures:
            share = f.measured / f.limit
            print(
                f"{f.name:<46} {f.measured:8.2f} {f.unit:<3} limit {f.limit:g}, {share:4.0%} of it"
                f"{'' if f.kept else '   TOO MUCH'}"
            )
    raise SystemExit(0 if all(f.kept for f in figures) else 1)


if __name__ == "__main__":
    main()

"""What a guessing storm costs a mail server, and whether an honest client notices it.

In: a server that runs Gatepost in one container, and another container that owns 203.0.113.0/24 and the honest client's
address; both are reached by `lab/podman exec`. Two hundred addresses guess recipients in bounded bursts, each from
connection to connection, while one honest client sends a mail a second. Out: for each way of defence the CPU seconds of
everything in the server's container, what the guessers were answered, and the honest client's latencies; and the ratio
to bare Postfix with the same recipient list.

    bench/guessing.py --server gate12 --address 10.91.0.12 --world world --honest 198.51.100.7 --to anna@example.org

Its second half, `guess`, runs inside the world and needs Python alone. Exit: 0 measured, 3 a container did not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 10.0


# What runs inside the world


@dataclass
class Storm:
    """One storm: who guesses how much against whom, and what came of it."""

    server: str
    clients: int
    connections: int
    guesses: int
    domain: str
    patience: float
    answers: Counter[str] = field(default_factory=Counter)


async def guess_all(storm: Storm) -> None:
    """All clients at once, each with one connection at a time."""
    await asyncio.gather(*(_client(storm, number) for number in range(storm.clients)))


async def _client(storm: Storm, number: int) -> None:
    address = f"203.0.113.{number + 20}"
    for burst in range(storm.connections):
        try:
            await _burst(storm, address, f"guess-{number}-{burst}")
        except TimeoutError:
            storm.answers["dropped"] += 1
        except (OSError, asyncio.IncompleteReadError):
            storm.answers["closed"] += 1


async def _burst(storm: Storm, address: str, name: str) -> None:
    async with asyncio.timeout(storm.patience):
        reader, writer = await asyncio.open_connection(storm.server, 25, local_addr=(address, 0))
    try:
        async with asyncio.timeout(PATIENCE * 6):
            await _talk(storm, name, reader, writer)
    finally:
        writer.close()


async def _talk(storm: Storm, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await _reply(reader) != "220":
        storm.answers["connection refused"] += 1
        return
    writer.write(b"EHLO guesser.example\r\n")
    await _reply(reader)
    recipients = (f"RCPT TO:<{name}-{guess}@{storm.domain}>\r\n" for guess in range(storm.guesses))
    writer.write(("MAIL FROM:<>\r\n" + "".join(recipients)).encode())
    for _ in range(storm.guesses + 1):
        code = await _reply(reader)
        storm.answers[code] += 1
        if code == "421":
            return
    writer.write(b"QUIT\r\n")
    await _reply(reader)


async def _reply(reader: asyncio.StreamReader) -> str:
    while True:
        line = await reader.readline()
        if not line:
            raise ConnectionResetError
        if line[3:4] != b"-":
            return line[:3].decode()


async def _honest(chosen: argparse.Namespace, over: asyncio.Event, took: list[float]) -> None:
    """A mail a second until it is over; how long each took until its 250, None where it got none."""
    while not over.is_set():
        began = time.monotonic()
        try:
            async with asyncio.timeout(60):
                took.append(await _mail(chosen))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            took.append(60.0)
        try:
            async with asyncio.timeout(max(0.0, 1 - (time.monotonic() - began))):
                await over.wait()
        except TimeoutError:
            continue


async def _mail(chosen: argparse.Namespace) -> float:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(chosen.address, 25, local_addr=(chosen.honest, 0))
    try:
        await _reply(reader)
        text = b"Subject: honest\r\n\r\nGood morning\r\n.\r\n"
        said = b"EHLO honest.example\r\n", b"MAIL FROM:<a@honest.example>\r\n", b"RCPT TO:<%s>\r\n" % chosen.to.encode()
        for command in (*said, b"DATA\r\n", text):
            writer.write(command)
            if (await _reply(reader))[0] not in "23":
                raise ConnectionRefusedError
        return time.monotonic() - began
    finally:
        writer.close()


async def _storm(chosen: argparse.Namespace) -> dict[str, Any]:
    storm = Storm(chosen.address, chosen.clients, chosen.connections, chosen.guesses, chosen.domain, chosen.patience)
    over, took = asyncio.Event(), list[float]()
    honest = asyncio.create_task(_honest(chosen, over, took))
    began = time.monotonic()
    await guess_all(storm)
    if not chosen.clients:
        await asyncio.sleep(chosen.calm)
    seconds = time.monotonic() - began
    over.set()
    await honest
    return {"seconds": seconds, "answers": dict(storm.answers), "honest": took}


# What runs beside the containers


@dataclass(frozen=True)
class Measured:
    """One storm, measured."""

    defence: str
    seconds: float
    cpu: float
    answers: dict[str, int]
    honest_median: float
    honest_p99: float
    honest_failed: int
    milter_megabytes: float


_CPU = "awk '{ sub(/.*\\) /, \"\"); n += $12 + $13 + $14 + $15 } END { print n }' /proc/[0-9]*/stat 2>/dev/null"
_MEMORY = (
    "awk '/VmRSS/ { print $2 }' /proc/$(systemctl show -p MainPID --value gatepost-mx)/status 2>/dev/null || echo 0"
)
_TICKS = 100


class Lab:
    """The two containers."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._podman = str(Path(__file__).resolve().parent.parent / "lab" / "podman")
        self._chosen = chosen

    def on_server(self, script: str) -> str:
        """Run a shell script on the server. Raises CalledProcessError."""
        command = [self._podman, "exec", self._chosen.server, "sh", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def storm(self, clients: int) -> dict[str, Any]:
        """Run one storm inside the world. Raises CalledProcessError."""
        words = [
            f"--{key}={value}" for key, value in vars(self._chosen).items() if key not in ("json", "half", "clients")
        ]
        command = [
            self._podman,
            "exec",
            "-i",
            self._chosen.world,
            "python3",
            "-",
            "guess",
            *words,
            f"--clients={clients}",
        ]
        source = Path(__file__).read_text(encoding="utf-8")
        told = subprocess.run(command, check=True, input=source, stdout=subprocess.PIPE, text=True).stdout
        result: dict[str, Any] = json.loads(told)
        return result

    def measure(self, defence: str, prepare: str, clients: int) -> Measured:
        """Prepare the server, let one storm come, and see what it cost."""
        self.on_server(prepare)
        before = int(self.on_server(_CPU))
        told = self.storm(clients)
        cpu = (int(self.on_server(_CPU)) - before) / _TICKS
        honest = sorted(told["honest"])
        return Measured(
            defence=defence,
            seconds=told["seconds"],
            cpu=cpu,
            answers=told["answers"],
            honest_median=statistics.median(honest),
            honest_p99=honest[min(len(honest) - 1, int(len(honest) * 0.99))],
            honest_failed=sum(seconds >= PATIENCE * 6 for seconds in honest),
            milter_megabytes=int(self.on_server(_MEMORY) or 0) / 1024,
        )


_FRESH = "systemctl stop gatepost-mx-firewall gatepost-mx; rm -f /var/lib/gatepost-mx/lock-outs.sqlite; "
_RELOAD = "postfix reload 2>/dev/null; sleep 2"
DEFENCES = {
    "bare Postfix": f"{_FRESH} postconf -e smtpd_milters=; {_RELOAD}",
    "421 alone": f"{_FRESH} systemctl start gatepost-mx; postconf -e smtpd_milters=$MILTER; {_RELOAD}",
    "421 and firewall": f"{_FRESH} systemctl start gatepost-mx gatepost-mx-firewall; "
    f"postconf -e smtpd_milters=$MILTER; {_RELOAD}",
}


def measure_all(chosen: argparse.Namespace) -> list[Measured]:
    """Calm first, then each defence; the server is left with the last one."""
    lab = Lab(chosen)
    milter = f"MILTER={chosen.milter}; "
    measured = [lab.measure("calm", milter + DEFENCES["421 and firewall"], 0)]
    return measured + [lab.measure(name, milter + script, chosen.clients) for name, script in DEFENCES.items()]


def shown(measured: list[Measured]) -> str:
    """The table for people."""
    bare = next(one.cpu for one in measured if one.defence == "bare Postfix")
    lines = [f"{'':<18}{'seconds':>8}{'CPU s':>8}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}{'MB':>6}  answers"]
    for one in measured:
        ratio = f"{one.cpu / bare:.3f}" if one.answers else ""
        times = f"{one.honest_median * 1000:>8.0f}{one.honest_p99 * 1000:>8.0f}"
        answers = ", ".join(f"{name}: {number}" for name, number in sorted(one.answers.items()))
        cost = f"{one.seconds:>8.1f}{one.cpu:>8.1f}{ratio:>7}{times}{one.milter_megabytes:>6.0f}"
        lines.append(f"{one.defence:<18}{cost}  {answers}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", nargs="?", default="measure", choices=("measure", "guess"))
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--server", default="gate12", help="the server's container")
    parser.add_argument("--world", default="world", help="the container that guesses")
    parser.add_argument("--address", default="10.91.0.12", help="the server's address")
    parser.add_argument("--honest", default="198.51.100.7", help="the honest client's address")
    parser.add_argument("--to", default="anna@example.org", help="a recipient that exists")
    parser.add_argument("--domain", default="example.org", help="where recipients are guessed")
    parser.add_argument("--milter", default="unix:/run/gatepost-mx/milter.sock", help="as in smtpd_milters")
    parser.add_argument("--clients", type=int, default=200, help="how many addresses guess")
    parser.add_argument("--connections", type=int, default=50, help="how many connections each of them makes")
    parser.add_argument("--guesses", type=int, default=10, help="how many recipients it asks for in each")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="seconds until an unanswered connection is given up"
    )
    parser.add_argument("--calm", type=float, default=30.0, help="seconds without a storm, for comparison")
    chosen = parser.parse_args()
    if chosen.half == "guess":
        print(json.dumps(asyncio.run(_storm(chosen))))
        return 0
    try:
        measured = measure_all(chosen)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd[:4])}: {(error.stderr or '').strip()}", file=sys.stderr)
        return 3
    print(json.dumps([asdict(one) for one in measured], indent=2) if chosen.json else shown(measured))
    return 0


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE)
    sys.exit(main())

"""The proof itself: probes are made, sent, looked for, and judged.

In: the model, the inventory, the mail servers. Out: a `Report`.
How it fails: never as a whole; whatever was not reached is unknown in the report.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gatepost.inventory import Host, Inventory
from gatepost.policy import Model
from gatepost.prove.hosts import Unreached, ask_hosts
from gatepost.prove.judge import Result, judge
from gatepost.prove.lines import Line, lines
from gatepost.prove.probes import probes
from gatepost.prove.seen import Seen
from gatepost.prove.sight import sight
from gatepost.prove.signatures import judge_signatures
from gatepost.prove.work import Plan, looking, sending

# Time for Ansible itself to start and to log in everywhere.
SLACK = 60.0


@dataclass(frozen=True)
class Report:
    """What a proof found: each result, and how each line of the policy stands on each host."""

    run: str
    seconds: float
    results: tuple[Result, ...]
    lines: dict[str, tuple[Line, ...]]

    def count(self, outcome: str) -> int:
        """How many results came out so."""
        return sum(result.outcome == outcome for result in self.results)


def prove(model: Model, inventory: Inventory, at: Path, hosts: tuple[Host, ...], say: Callable[[str], None]) -> Report:
    """Prove a policy on running servers. `at` is the inventory's path, by which Ansible reaches all hosts."""
    begun = time.monotonic()
    made = [probe for host in hosts for probe in probes(model, inventory.vantage, host)]
    plan = Plan(secrets.token_hex(6), datetime.now(UTC), inventory, hosts, tuple(made))
    say(f"{len(made)} probes, with {plan.mails} mails")
    seen, servers = _observe(model, plan, at, say)
    judged = [judge(model, probe, seen.get(probe.id, Seen(error="it was not sent"))) for probe in made]
    judged += [_signatures(model, host, servers.get(host.name)) for host in hosts]
    by_host = {host.name: lines(model, [r for r in judged if r.host == host.name]) for host in hosts}
    return Report(plan.run, time.monotonic() - begun, tuple(judged), by_host)


def _observe(
    model: Model, plan: Plan, at: Path, say: Callable[[str], None]
) -> tuple[dict[str, Seen], dict[str, object]]:
    first = sending(plan)
    told = ask_hosts(first.work, at, first.seconds + SLACK, say)["send"]
    second = looking(model, plan, told)
    answers = ask_hosts(second.work, at, second.seconds + SLACK, say)
    return sight(plan, told, answers), dict(answers["server"])


def _signatures(model: Model, host: Host, answer: object) -> Result:
    now = datetime.now(UTC)
    if isinstance(answer, dict):
        return judge_signatures(model, host.name, answer["clamd"], "", now)
    reason = answer.reason if isinstance(answer, Unreached) else "it was not asked"
    return judge_signatures(model, host.name, None, reason, now)

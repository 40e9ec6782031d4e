"""gatepost-mx: the milter that counts unknown recipients and locks out who guesses, and its helper at the firewall.

In: the model and a mail server. Out: the program as one file, its settings, both units, and the program's own check of
the settings. The program runs even where the policy locks nobody out: a release that switches that on then disturbs no
session. It fails never.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from gatepost_mx.archive import archive

from gatepost.bundle import Check, ConfigFile, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.policy.replies import locked_out_text
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head

PROGRAM = "/usr/local/sbin/gatepost-mx"
CONFIG = "/etc/gatepost/mx.json"
SOCKET = "unix:/run/gatepost-mx/milter.sock"
SERVICE = "gatepost-mx"
# The milter wants the helper and restarts it with itself. Where the kernel does not let it work the helper is skipped,
# which is no fault of a release: so it is no service of its own there.
UNITS = {"milter": "gatepost-mx.service", "firewall": "gatepost-mx-firewall.service"}


def render(model: Model, host: Host) -> Part:
    """gatepost-mx's share of a bundle."""
    return Part(
        files=(
            ConfigFile(PROGRAM, _program(), SERVICE, "restart", mode="0755"),
            ConfigFile(CONFIG, _settings(model), SERVICE, "reload"),
            *(_unit(model, host, name, unit) for name, unit in UNITS.items()),
        ),
        services=(Service(SERVICE, UNITS["milter"]),),
        checks=(
            Check("gatepost-mx: mx.json", argv=("python3", "-I", f"{{root}}{PROGRAM}", "check", f"{{root}}{CONFIG}")),
        ),
    )


@cache
def _program() -> bytes:
    return archive()


def _unit(model: Model, host: Host, name: str, unit: str) -> ConfigFile:
    line = comment(model.line("unknown_recipients", "lock_out"))
    text = fill(f"mx/{name}.service.j2", head=comment(head(model, host)), line=line, program=PROGRAM)
    return ConfigFile(f"/etc/systemd/system/{unit}", text, SERVICE, "restart")


def _settings(model: Model) -> bytes:
    networks = model.policy.networks
    settings = {
        "version": 1,
        "socket": SOCKET,
        "never": [str(network) for network in (*networks.internal, *networks.partners)],
        "lock_out": _lock_out(model),
    }
    return (json.dumps(settings, indent=1, sort_keys=True) + "\n").encode()


def _lock_out(model: Model) -> dict[str, Any] | None:
    rule = model.policy.unknown_recipients.lock_out
    if not rule.enabled:
        return None
    times = {"within": rule.within, "for": rule.lasts, "longest": rule.at_most}
    return {"after": rule.after, **times, "text": locked_out_text(model)}

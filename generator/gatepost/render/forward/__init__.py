"""The way of the log from a mail server to the log host (`logs.central`).

In: the model and a mail server. Out: the program that sends, its settings and its unit; nothing at all where the policy
names no log host. It fails never.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from gatepost.bundle import ConfigFile, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.rsyslog.way import PORT, certificate, needs

CONFIG = "/etc/gatepost/forward.json"
PROGRAM = "/usr/local/lib/gatepost/forward"
_UNIT = "/etc/systemd/system/gatepost-forward.service"


def render(model: Model, host: Host) -> Part:
    """The forwarding service's share of a bundle."""
    if model.policy.logs.central is None:
        return Part()
    about, line = comment(head(model, host)), comment(model.line("logs", "central"))
    unit = fill("forward/forward.service.j2", head=about, line=line, program=PROGRAM)
    return Part(
        files=(
            ConfigFile(PROGRAM, _program(), "forward", "restart", mode="0755"),
            ConfigFile(CONFIG, _settings(model), "forward", "restart"),
            ConfigFile(_UNIT, unit, "forward", "restart"),
        ),
        services=(Service("forward", "gatepost-forward.service"),),
        checks=certificate(model).checks,
        needs=needs(model),
    )


@cache
def _program() -> bytes:
    return Path(__file__).with_name("program.py").read_bytes()


def _settings(model: Model) -> bytes:
    tls = certificate(model)
    settings = {
        "log": "/var/log/mail.log",
        "host": model.policy.logs.central,
        "port": PORT,
        "ca": tls.ca,
        "certificate": tls.certificate,
        "key": tls.key,
    }
    return (json.dumps(settings, indent=1, sort_keys=True) + "\n").encode()

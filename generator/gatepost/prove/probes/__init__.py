"""Probes from the model: a pure function. Each maker knows one part of the policy.

In: the model, the vantage hosts, a mail server. Out: the probes for it, numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gatepost.inventory import Host, Vantage
from gatepost.policy import Model
from gatepost.prove.probe import Probe
from gatepost.prove.probes import domains, doors, entries, relay, scanners, spam
from gatepost.prove.setting import Setting
from gatepost.prove.sparing import spared

Maker = Callable[[Setting], Iterator[Probe]]
MAKERS: tuple[Maker, ...] = (domains.probes, relay.probes, doors.probes, entries.probes, scanners.probes, spam.probes)


def probes(model: Model, vantage: tuple[Vantage, ...], host: Host) -> list[Probe]:
    """Every probe of a policy for one mail server."""
    setting = Setting(model, host, vantage)
    made = (probe for maker in MAKERS for probe in maker(setting))
    sent = spared(model, setting.origins, made)
    return [replace(probe, id=f"{host.name}-{number:04d}") for number, probe in enumerate(sent, 1)]

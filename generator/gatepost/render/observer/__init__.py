"""The observer on the log host: what it must know of the policy, and the units that run it.

In: the model and a log host. Out: /etc/gatepost/observer.json, the collecting service and its timers. It fails never.
"""

from __future__ import annotations

from gatepost.bundle import ConfigFile, Part, Service
from gatepost.inventory import LogHost
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.observer.known import known
from gatepost.render.rsyslog.loghost import GROUP

CONFIG = "/etc/gatepost/observer.json"
_UNITS = "/etc/systemd/system"
_COLLECT = f"{_UNITS}/gatepost-collect.service"


def render(model: Model, host: LogHost) -> Part:
    """The observer's share of a log host's bundle."""
    about = comment(head(model, host))
    timers = {"gatepost-compact": "*-*-* 02:30:00", **_report_timers(model)}
    return Part(
        files=(
            ConfigFile(CONFIG, known(model, host), "collect", "restart"),
            ConfigFile(_COLLECT, _service("collect", about), "collect", "restart"),
            *(_one_shot(name, about) for name in timers),
            *(_timer(name, when, about) for name, when in timers.items()),
        ),
        services=(
            Service("collect", "gatepost-collect.service"),
            *(Service(name, f"{name}.timer") for name in timers),
        ),
        needs=("observer",),
    )


def _report_timers(model: Model) -> dict[str, str]:
    report = model.policy.logs.report
    daily = {"gatepost-report-daily": "*-*-* 06:00:00"} if report.daily else {}
    return {**daily, **({"gatepost-report-weekly": "Mon *-*-* 06:10:00"} if report.weekly else {})}


def _service(name: str, about: str) -> bytes:
    return fill(f"observer/{name}.service.j2", head=about, account=GROUP)


def _one_shot(name: str, about: str) -> ConfigFile:
    """What a timer starts."""
    return ConfigFile(f"{_UNITS}/{name}.service", _service(name.removeprefix("gatepost-"), about))


def _timer(name: str, when: str, about: str) -> ConfigFile:
    return ConfigFile(
        f"{_UNITS}/{name}.timer", fill("observer/timer.j2", head=about, name=name, when=when), name, "restart"
    )

"""rsyslog: what the daemons say, in /var/log/mail.log, whole and with exact times, for as long as the policy asks.

In: the model and a host. Out: rsyslog.conf as a whole, the socket that takes what the daemons say, and logrotate's rule
for the files. It fails never.

systemd holds the socket /run/gatepost/log, rsyslog takes it over, and /dev/log leads to it: journald, which otherwise
stands between a daemon and rsyslog, drops lines without a word when many come at once.
"""

from __future__ import annotations

from gatepost.bundle import Check, ConfigFile, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.postfix import instances
from gatepost.render.rsyslog.keeping import keeping
from gatepost.render.rsyslog.quoting import quoted

CONFIG = "/etc/rsyslog.conf"
LOGROTATE = "/etc/logrotate.d/rsyslog"
SOCKET = "/run/gatepost/log"
_UNITS = "/etc/systemd/system"
DROP_IN = f"{_UNITS}/rsyslog.service.d/gatepost.conf"
_JOURNALD = "/etc/systemd/journald.conf.d/gatepost.conf"
_LOGROTATE_SAYS = '! logrotate --debug --state "$1" "$2" 2>&1 | grep -E "^error:|^warning: .*:[0-9]+ "'
CHECKS = (
    Check("rsyslog", argv=("rsyslogd", "-N1", "-f", f"{{root}}{CONFIG}")),
    # It goes on after an unknown word, with code 0, so what it says of a line is what counts.
    Check("logrotate", argv=("sh", "-c", _LOGROTATE_SAYS, "sh", "{tmp}/state", f"{{root}}{LOGROTATE}")),
)


def render(model: Model, host: Host) -> Part:
    """rsyslog's share of a mail server's bundle."""
    about = comment(head(model, host))
    return Part(
        files=(
            ConfigFile(CONFIG, _config(host, about), "rsyslog", "restart"),
            ConfigFile(DROP_IN, fill("rsyslog/unit.conf.j2", head=about, socket=True), "rsyslog", "restart"),
            # No restart: another socket would be empty, and what lay in the old one lost.
            ConfigFile(f"{_UNITS}/gatepost-log.socket", fill("rsyslog/log.socket.j2", head=about, socket=SOCKET)),
            journald(model, about),
            ConfigFile(LOGROTATE, rotation(model, about)),
        ),
        services=(
            Service("journald", "systemd-journald.service"),
            Service("log-socket", "gatepost-log.socket"),
            Service("rsyslog", "rsyslog.service"),
            Service("logrotate", "logrotate.timer"),
        ),
        checks=CHECKS,
    )


def journald(model: Model, about: str) -> ConfigFile:
    """What the journal drops and for how long it keeps the rest."""
    return ConfigFile(
        _JOURNALD, fill("rsyslog/journald.conf.j2", head=about, keep=keeping(model)), "journald", "restart"
    )


def rotation(model: Model, about: str, *more: str) -> bytes:
    """logrotate's rule for Debian's log files and more."""
    return fill("rsyslog/logrotate.j2", head=about, keep=keeping(model), more=more)


def _config(host: Host, about: str) -> bytes:
    return fill("rsyslog/rsyslog.conf.j2", head=about, fqdn=quoted(host.fqdn), socket=SOCKET, units=_units(host))


def _units(host: Host) -> list[tuple[str, str]]:
    """How a program calls itself in the log, and the unit that it belongs to."""
    lanes = [(f"{instance.name}/", instance.unit) for instance in instances(host.debian)]
    return [*lanes, ("amavis", "amavis.service"), ("clamd", "clamav-daemon.service")]

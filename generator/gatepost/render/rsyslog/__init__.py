"""rsyslog: what the mail daemons say, in /var/log/mail.log, whole and with exact times, for as long as the policy asks.

In: the model and a host. Out: rsyslog.conf as a whole and logrotate's rule for its files. It fails never.
"""

from __future__ import annotations

from gatepost.bundle import Check, ConfigFile, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head

CONFIG = "/etc/rsyslog.conf"
LOGROTATE = "/etc/logrotate.d/rsyslog"
_DROP_IN = "/etc/systemd/system/rsyslog.service.d/gatepost.conf"
_JOURNALD = "/etc/systemd/journald.conf.d/gatepost.conf"
_DAY = 86400
_LOGROTATE_SAYS = '! logrotate --debug --state "$1" "$2" 2>&1 | grep -E "^error:|^warning: .*:[0-9]+ "'


def render(model: Model, host: Host) -> Part:
    """rsyslog's share of a bundle."""
    about = comment(head(model, host))
    keep = comment(model.line("logs", "keep"))
    rotation = fill("rsyslog/logrotate.j2", head=about, line=keep, days=days(model.policy.logs.keep))
    journal = fill("rsyslog/journald.conf.j2", head=about, line=keep, seconds=model.policy.logs.keep)
    return Part(
        files=(
            ConfigFile(CONFIG, fill("rsyslog/rsyslog.conf.j2", head=about), "rsyslog", "restart"),
            ConfigFile(_DROP_IN, fill("rsyslog/unit.conf.j2", head=about), "rsyslog", "restart"),
            ConfigFile(_JOURNALD, journal, "journald", "restart"),
            ConfigFile(LOGROTATE, rotation),
        ),
        services=(
            Service("journald", "systemd-journald.service"),
            Service("rsyslog", "rsyslog.service"),
            Service("logrotate", "logrotate.timer"),
        ),
        checks=(
            Check("rsyslog", argv=("rsyslogd", "-N1", "-f", f"{{root}}{CONFIG}")),
            # It goes on after an unknown word, with code 0, so what it says of a line is what counts.
            Check("logrotate", argv=("sh", "-c", _LOGROTATE_SAYS, "sh", "{tmp}/state", f"{{root}}{LOGROTATE}")),
        ),
    )


def days(seconds: int) -> int:
    """Whole days, so that nothing is kept for less than the policy asks."""
    return -(-seconds // _DAY)

"""rsyslog on the log host: the lines of all mail servers, a folder for each, and what the host itself says.

In: the model and a log host. Out: rsyslog.conf as a whole, logrotate's rule for the files. It fails never.
"""

from __future__ import annotations

from gatepost.bundle import ConfigFile, Directory, Part, Service
from gatepost.inventory import LogHost
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.rsyslog import CHECKS, CONFIG, DROP_IN, LOGROTATE, journald, rotation
from gatepost.render.rsyslog.quoting import quoted
from gatepost.render.rsyslog.way import PORT, certificate, needs

FOLDER = "/var/log/gatepost"
# Who reads them: the observer, under an account of its own.
GROUP = "gatepost"


def render(model: Model, host: LogHost) -> Part:
    """rsyslog's share of a log host's bundle."""
    about = comment(head(model, host))
    return Part(
        files=(
            ConfigFile(CONFIG, _config(model, host, about), "rsyslog", "restart"),
            ConfigFile(DROP_IN, fill("rsyslog/unit.conf.j2", head=about, socket=False), "rsyslog", "restart"),
            journald(model, about),
            ConfigFile(LOGROTATE, rotation(model, about, f"{FOLDER}/*/mail.log")),
        ),
        directories=(Directory(FOLDER, group=GROUP, mode="0750"),),
        services=(
            Service("journald", "systemd-journald.service"),
            Service("rsyslog", "rsyslog.service"),
            Service("logrotate", "logrotate.timer"),
        ),
        checks=(*certificate(model).checks, *CHECKS),
        needs=needs(model),
    )


def _config(model: Model, host: LogHost, about: str) -> bytes:
    return fill(
        "rsyslog/loghost.conf.j2",
        head=about,
        line=comment(model.line("logs", "central")),
        fqdn=quoted(host.fqdn),
        senders=[quoted(name) for name in host.senders],
        folder=FOLDER,
        group=GROUP,
        port=PORT,
        tls=certificate(model).quoted,
    )

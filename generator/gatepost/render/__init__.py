"""render: the model and a host become a bundle, as a pure function. One module and one template folder for a daemon.

In: the model and an inventory host. Out: a `Bundle`, byte for byte the same for the same input.
Nothing is written here, no clock is read, and decide is not asked.
"""

from __future__ import annotations

from gatepost.bundle import Bundle, Part
from gatepost.inventory import Host, LogHost
from gatepost.policy import Model
from gatepost.render import amavis, clamav, dovecot, forward, mx, observer, postfix, rsyslog, spamassassin
from gatepost.render.rsyslog import loghost

# In the order in which the services start: the log first, then what scans, what knows passwords, what receives.
DAEMONS = (rsyslog, clamav, spamassassin, amavis, dovecot, mx, postfix, forward)


def render(model: Model, host: Host) -> Bundle:
    """All files for one host."""
    if isinstance(host, LogHost):
        parts: tuple[Part, ...] = (loghost.render(model, host), observer.render(model, host))
    else:
        parts = tuple(daemon.render(model, host) for daemon in DAEMONS)
    return Bundle(host.name, host.debian, model.places.name, parts)

"""Dovecot: tells Postfix whether a password is right, and does nothing else: no mailboxes, no port.

In: the model and a host. Out: dovecot.conf as a whole, in the language of Debian 12's version 2.3 or of Debian 13's
2.4, or nothing where nobody logs in. It fails never.
"""

from __future__ import annotations

from gatepost.bundle import Check, ConfigFile, Directory, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.postfix.doors import on_host

CONFIG = "/etc/dovecot/dovecot.conf"
CHECK_PASSWORDS = "/usr/local/sbin/gatepost-check-passwords"
_DROP_IN = "/etc/systemd/system/dovecot.service.d/gatepost.conf"


def render(model: Model, host: Host) -> Part:
    """Dovecot's share of a bundle."""
    submission = model.policy.submission
    if submission is None:
        return Part()
    about, passwords = comment(head(model, host)), on_host(submission.passwords, host)
    line = comment(model.line("submission", "passwords"))
    language = "2.3" if host.debian == 12 else "2.4"
    text = fill(f"dovecot/dovecot-{language}.conf.j2", head=about, passwords=passwords, line=line)
    return Part(
        files=(
            ConfigFile(CONFIG, text, "dovecot", "reload"),
            ConfigFile(_DROP_IN, fill("dovecot/unit.conf.j2", head=about), "dovecot", "restart"),
            ConfigFile(CHECK_PASSWORDS, fill("dovecot/check-passwords.sh.j2", head=about), mode="0755"),
        ),
        # Postfix makes it when it first starts, and Dovecot puts its socket there before that.
        directories=(Directory("/var/spool/postfix/private", owner="postfix", mode="0700"),),
        services=(Service("dovecot", "dovecot.service"),),
        checks=(
            Check("dovecot", argv=("doveconf", "-c", f"{{root}}{CONFIG}", "-n"), stderr_fails=True),
            Check("dovecot: passwords", argv=("sh", f"{{root}}{CHECK_PASSWORDS}", passwords)),
        ),
        needs=("dovecot",),
    )

"""Which reader belongs to which program.

In: a program's name. Out: the function that knows its lines. A program that is not named here is another's business:
its lines are counted under its name, and not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gatepost_observer.events import Action, Kind
from gatepost_observer.parse.amavis import amavis
from gatepost_observer.parse.deliveries import bounce, delivery, pickup, postsuper, qmgr
from gatepost_observer.parse.lockouts import gatepost_mx
from gatepost_observer.parse.postscreen import postscreen
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.scanners import clamav_milter, clamd, freshclam, rspamd, sa_update, spamd
from gatepost_observer.parse.smtpd import cleanup, smtpd
from gatepost_observer.parse.text import shown

_MASTER: Final = (
    (re.compile(rb"daemon started "), Action.STARTED),
    (re.compile(rb"reload "), Action.RELOADED),
    (re.compile(rb"(?:terminating on signal|master exit|exiting)"), Action.STOPPED),
)
_MASTER_NOISE: Final = re.compile(
    rb"(?:using backwards|process |service |table |.*daemon |throttl|open active|instance )"
)
_SERVANTS: Final = re.compile(
    rb"(?:statistics: |table .* has changed|cache |close database|reload|using backwards|addr |CONNECT |DISCONNECT |"
    rb"(?:Anonymous|Untrusted|Trusted|Verified) TLS|SSL_|TLS |\S+\[\S*\]:?\d*: |setting up |initializing |"
    rb"lost connection|timeout|timed out|hangup|.*(?:re-)?open|logging|deleted|postfix|the Postfix|starting|stopping|"
    rb"refreshing|master |aborting|set-permissions|mail system|Postfix|service |queue |"
    rb"[0-9A-Za-z]{6,}: |transport |privacy|rewrit|connect|disconnect|no |database )"
)
_SERVANT_NAMES: Final = (
    "anvil",
    "dnsblog",
    "flush",
    "mailq",
    "newaliases",
    "postalias",
    "postcat",
    "postdrop",
    "postfix-script",
    "postfix-tlsproxy",
    "postfix-tls-script",
    "postfix-wrapper",
    "postlog",
    "postlogd",
    "postmap",
    "postmulti",
    "postqueue",
    "posttls-finger",
    "proxymap",
    "proxywrite",
    "rewrite",
    "scache",
    "sendmail",
    "showq",
    "spawn",
    "tlsmgr",
    "tlsproxy",
    "trivial-rewrite",
    "verify",
)
_POLICY: Final = re.compile("polic|spf|grey|dmarc|dkim|srs|filter|clamsmtp|spawn")


def master(said: Said) -> bool:
    """A line of Postfix's master."""
    for pattern, action in _MASTER:
        if pattern.match(said.message):
            said.event(Kind.STARTED, {"action": action.value, "text": shown(said.message)})
            return True
    return bool(_MASTER_NOISE.match(said.message))


def servant(said: Said) -> bool:
    """A line of a daemon that has nothing to say about a mail: anvil, scache, verify, tlsmgr, …"""
    return bool(_SERVANTS.match(said.message))


def stranger(said: Said) -> bool:
    """A line of a program that Postfix started: policy servers are known by their names."""
    return bool(_POLICY.search(said.program)) or delivery(said)


POSTFIX: Final[dict[str, Callable[[Said], bool]]] = {
    "smtpd": smtpd,
    "qmqpd": smtpd,
    "cleanup": cleanup,
    "qmgr": qmgr,
    "oqmgr": qmgr,
    "nqmgr": qmgr,
    "pickup": pickup,
    "bounce": bounce,
    "defer": bounce,
    "trace": bounce,
    "smtp": delivery,
    "lmtp": delivery,
    "relay": delivery,
    "local": delivery,
    "virtual": delivery,
    "pipe": delivery,
    "error": delivery,
    "retry": delivery,
    "discard": delivery,
    "postscreen": postscreen,
    "postsuper": postsuper,
    "master": master,
    **dict.fromkeys(_SERVANT_NAMES, servant),
    "?": stranger,
}

OTHERS: Final[dict[str, tuple[str, Callable[[Said], bool]]]] = {
    "amavis": ("amavis", amavis),
    "amavisd": ("amavis", amavis),
    "amavisd-new": ("amavis", amavis),
    "clamd": ("clamd", clamd),
    "clamav-daemon": ("clamd", clamd),
    "freshclam": ("freshclam", freshclam),
    "clamav-freshclam": ("freshclam", freshclam),
    "clamav-milter": ("clamav-milter", clamav_milter),
    "spamd": ("spamd", spamd),
    "rspamd": ("rspamd", rspamd),
    "sa-update": ("sa-update", sa_update),
    "gatepost-mx": ("gatepost-mx", gatepost_mx),
}

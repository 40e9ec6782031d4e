"""SpamAssassin: the score, and those entries of the lists that are rules: terms in the Subject, allowed senders.

In: the model and a host. Out: local.cf as a whole, and a timer for new rules where a mirror is at hand. Debian's *.pre
files, which load plugins, stay as they are. It fails never.
"""

from __future__ import annotations

from typing import Any

from gatepost.bundle import Check, ConfigFile, Part, Service
from gatepost.inventory import Host
from gatepost.policy import Model, Pattern
from gatepost.policy.values import IPNetwork
from gatepost.render.entries import BLOCKED, SPARED, comment, entries
from gatepost.render.layout import fill, head
from gatepost.render.once import once_per_model
from gatepost.render.spamassassin.quoting import term_pattern, text_pattern

CONFIG = "/etc/spamassassin/local.cf"
_PLUGINS = "/etc/spamassassin/gatepost.pre"
_UNITS = "/etc/systemd/system"
_UPDATE = "/usr/local/sbin/gatepost-sa-update"

# What Debian's *.pre files load, without those that ask a third party about each mail (Pyzor, Razor2, SpamCop) and
# those for learning.
PLUGINS = (
    "AskDNS", "BodyEval", "Check", "DKIM", "DMARC", "DNSEval", "FreeMail", "HTMLEval", "HTTPSMismatch", "HashBL",
    "HeaderEval", "ImageInfo", "MIMEEval", "MIMEHeader", "RelayEval", "ReplaceTags", "SPF", "URIDNSBL", "URIDetail",
    "URIEval", "VBounce", "WLBLEval", "WelcomeListSubject",
)  # fmt: skip


def render(model: Model, host: Host) -> Part:
    """SpamAssassin's share of a bundle. amavis holds it in its own processes, so amavis is what reloads."""
    about = comment(head(model, host))
    return Part(
        files=(
            ConfigFile(CONFIG, fill("spamassassin/local.cf.j2", head=about, **_settings(model)), "amavis", "reload"),
            ConfigFile(_PLUGINS, fill("spamassassin/plugins.pre.j2", head=about, plugins=PLUGINS), "amavis", "reload"),
            *_updates(about, wanted=host.updates),
        ),
        services=((Service("sa-update", "gatepost-sa-update.timer"),) if host.updates else ()),
        checks=(
            Check(
                "spamassassin",
                argv=("spamassassin", "--lint", "--siteconfigpath={root}/etc/spamassassin", "--prefspath=/dev/null"),
            ),
            *((Check("sa-update", argv=("sh", "-n", f"{{root}}{_UPDATE}")),) if host.updates else ()),
        ),
    )


@once_per_model
def _settings(model: Model) -> dict[str, Any]:
    """What depends on the model alone."""
    senders = entries(model, "allow", "sender")
    return {
        "network_line": comment(model.line("networks", "internal")),
        "networks": [str(net) for net in model.policy.networks.internal if not _loopback(net)],
        "senders": [(known.number, known.line, _sender(known.entry.sender)) for known in senders],
        "allowed_terms": _terms(model, "allow"),
        "blocked_terms": _terms(model, "block"),
        "spared": SPARED,
        "blocked": BLOCKED,
    }


def _terms(model: Model, name: str) -> list[tuple[int, str, str]]:
    known = entries(model, name, "term")
    return [(one.number, one.line, term_pattern(one.entry.term)) for one in known if one.entry.term]


def _sender(pattern: Pattern | None) -> str:
    """The envelope sender as amavis writes it in front of the mail: in angle brackets."""
    return ("" if pattern and pattern.local is None else r"^\s*<") + text_pattern(str(pattern)) + r">\s*$"


def _loopback(network: IPNetwork) -> bool:
    """SpamAssassin trusts loopback by itself, and complains when it is told so."""
    return network.is_loopback


def _updates(about: str, *, wanted: bool) -> tuple[ConfigFile, ...]:
    """New rules. Debian's own timer is disabled by default; its work is done here in another way."""
    never = ConfigFile(
        f"{_UNITS}/spamassassin-maintenance.service.d/gatepost.conf", fill("spamassassin/never.conf.j2", head=about)
    )
    if not wanted:
        return (never,)
    timer = fill("spamassassin/update.timer.j2", head=about)
    return (
        never,
        ConfigFile(_UPDATE, fill("spamassassin/update.sh.j2", head=about), mode="0755"),
        ConfigFile(
            f"{_UNITS}/gatepost-sa-update.service", fill("spamassassin/update.service.j2", head=about, update=_UPDATE)
        ),
        ConfigFile(f"{_UNITS}/gatepost-sa-update.timer", timer, "sa-update", "restart"),
    )

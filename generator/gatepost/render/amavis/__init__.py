"""amavis: unpacks each mail, asks ClamAV and SpamAssassin, and passes it on, quarantines or discards it.

In: the model and a host. Out: one configuration file of our own and a drop-in that makes the unit read it and nothing
else, so that no default of Debian's conf.d can leak in. It fails never: what may stand in a policy can be written.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import Any

from gatepost.bundle import Check, ConfigFile, Part, Proof, Service
from gatepost.inventory import Host
from gatepost.policy import Model, Pattern
from gatepost.policy.values import IPNetwork
from gatepost.render.amavis.quoting import perl_number, perl_pattern, perl_string
from gatepost.render.entries import SPARED, comment, entries
from gatepost.render.layout import fill, head
from gatepost.render.once import once_per_model
from gatepost.render.scanning import SOCKET, unpacked

CONFIG = "/etc/amavis/gatepost.conf"
DROP_IN = "/etc/systemd/system/amavis.service.d/gatepost.conf"

# One process uses a core while it scans and waits for DNS in between: more than the cores, but not many more, and each
# takes some 150 MB. The process limits of the lanes in Postfix's master.cf must not sum to more.
MAX_SERVERS = 4
# The port for mail of people who have logged in: it is filtered as mail from inside, wherever they are.
FROM_INSIDE = 10028


def render(model: Model, host: Host) -> Part:
    """amavis's share of a bundle."""
    filled = {**_settings(model), "head": comment(head(model, host)), "fqdn": perl_string(host.fqdn)}
    unit = fill("amavis/unit.conf.j2", head=filled["head"], config=CONFIG)
    return Part(
        files=(
            ConfigFile(CONFIG, fill("amavis/amavisd.conf.j2", **filled), "amavis", "reload"),
            ConfigFile(DROP_IN, unit, "amavis", "restart"),
        ),
        services=(Service("amavis", "amavis.service"),),
        checks=(Check("amavis", argv=("amavisd", "-c", f"{{root}}{CONFIG}", "test-config")),),
        proof=(Proof("amavis greets", ((None, "220"), ("QUIT", "221")), tcp=("127.0.0.1", 10024)),),
    )


@once_per_model
def _settings(model: Model) -> dict[str, Any]:
    """What depends on the model alone; render asks it once for each host."""
    filtering = model.policy.filtering
    spam = filtering.spam
    return {
        "domains": [perl_string(domain) for domain in sorted(model.domains)],
        "mydomain": perl_string(model.policy.organisation.postmaster.domain),
        "tag": (perl_number(spam.tag_at), comment(model.line("filtering", "spam", "tag_at"))),
        "mark": (perl_number(spam.mark_at), comment(model.line("filtering", "spam", "mark_at"))),
        "kill": (perl_number(spam.quarantine_at), comment(model.line("filtering", "spam", "quarantine_at"))),
        "keep_viruses": filtering.viruses.action == "quarantine",
        "virus_line": comment(model.line("filtering", "viruses", "action")),
        "wait_line": comment(model.line("filtering", "viruses", "when_scanner_is_down")),
        "extensions": "|".join(perl_pattern(extension) for extension in filtering.attachments.forbidden),
        "extension_line": comment(model.line("filtering", "attachments", "forbidden")),
        "spared": SPARED,
        "recipients": _recipients(model),
        "network_line": comment(model.line("networks", "internal")),
        "clients": _clients(model),
        "client_lines": [known.line for known in entries(model, "allow", "client")],
        "max_servers": MAX_SERVERS,
        "unpacked": unpacked(model.policy.limits.message_size),
        "size_line": comment(model.line("limits", "message_size")),
        "clamd": perl_string(SOCKET),
        "from_inside": FROM_INSIDE if model.policy.submission else 0,
        "submission_line": comment(model.line("submission")),
    }


def _recipients(model: Model) -> list[tuple[str, str]]:
    """Whose mail is spared by the spam filter: keys of an amavis lookup table, and the policy lines that say so."""
    ours = [(_key(known.entry.recipient), known.line) for known in entries(model, "allow", "recipient")]
    foreign = [(str(known.entry.destination), known.line) for known in entries(model, "allow", "destination")]
    return [(perl_string(key), line) for key, line in dict([*ours, *foreign]).items()]


def _key(pattern: Pattern | None) -> str:
    """amavis looks up the unquoted address in lower case, and a domain without its @."""
    assert pattern is not None  # noqa: S101 - the entry's kind says so
    return pattern.domain if pattern.local is None else f"{pattern.local.lower()}@{pattern.domain}"


def _clients(model: Model) -> list[tuple[list[str], str]]:
    """Networks with the names of their policy banks. amavis takes the first that matches, so both come first."""
    allowed = [known.entry.client for known in entries(model, "allow", "client") if known.entry.client]
    internal = list(model.policy.networks.internal)
    rows = [(_overlaps(allowed, internal), "INTERNAL,SPARED"), (allowed, "SPARED"), (internal, "INTERNAL")]
    return [([perl_string(str(net)) for net in nets], name) for nets, name in rows if nets]


def _overlaps(some: list[IPNetwork], others: list[IPNetwork]) -> list[IPNetwork]:
    """The networks that lie in both lists. Of two networks that overlap, one holds the other."""
    both = {max(a, b, key=lambda net: net.prefixlen) for a, b in product(some, others) if _overlap(a, b)}
    return sorted(both, key=str)


def _overlap(a: IPNetwork, b: IPNetwork) -> bool:
    """Networks of different versions never overlap, although Python's `overlaps` says nothing of it."""
    if isinstance(a, IPv4Network):
        return isinstance(b, IPv4Network) and a.overlaps(b)
    return isinstance(b, IPv6Network) and a.overlaps(b)

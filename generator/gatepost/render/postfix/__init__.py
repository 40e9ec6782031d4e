"""Postfix: the gate, which receives and refuses, and postfix-normal, which delivers what amavis has passed.

In: the model and a host. Out: both instances' configuration, tables, units, checks and proof. It fails never: what may
stand in a policy can be written.

The order of questions is the one of docs/how-mail-is-decided.md. Debian 12 and 13 get the same files but for what only
one of them knows: two parameters, and the units' names.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from gatepost.bundle import Check, ConfigFile, Directory, Part, Proof, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.policy.values import IPNetwork
from gatepost.render.amavis import MAX_SERVERS
from gatepost.render.entries import comment, entries
from gatepost.render.layout import fill, head
from gatepost.render.mx import SOCKET
from gatepost.render.postfix.asked import ldap_checks, ldap_files, ldap_maps, ldap_timeout, next_hop_domains
from gatepost.render.postfix.doors import (
    OPENED,
    OPENED_FOLDER,
    door_checks,
    door_files,
    door_proof,
    door_services,
    door_values,
)
from gatepost.render.postfix.maps import GATE_MAPS, LISTS, NORMAL_MAPS, alias_maps, model_maps, odd_tables
from gatepost.render.postfix.quoting import main_cf

GATE, NORMAL = "/etc/postfix", "/etc/postfix-normal"


@dataclass(frozen=True)
class Instance:
    """One Postfix instance: its name among the services, its unit, its folder."""

    name: str
    unit: str
    folder: str

    @property
    def queue(self) -> str:
        """The folder of its queue, as Debian names it."""
        return f"/var/spool/{self.name}"


def instances(debian: int) -> tuple[Instance, Instance]:
    """postfix-normal and the gate, in the order in which they start. Debian 12 runs every instance from one template;
    from 13 on the first instance is postfix.service, and the template's parameter lacks the prefix."""
    if debian == 12:
        names = "postfix@postfix-normal.service", "postfix@-.service"
    else:
        names = "postfix@normal.service", "postfix.service"
    return Instance("postfix-normal", names[0], NORMAL), Instance("postfix", names[1], GATE)


def render(model: Model, host: Host) -> Part:
    """Postfix's share of a bundle."""
    normal, gate = instances(host.debian)
    values = _values(model, host)
    files = (
        *_files(gate, {**values, **_of_gate(normal, values)}),
        *_files(normal, {**values, **_OF_NORMAL}),
        *model_maps(model),
        *ldap_files(model),
        *alias_maps(model, host, values["origin"]),
        *door_files(model, host, values["head"]),
    )
    return Part(
        files=files,
        directories=(*_DIRECTORIES, *([Directory(OPENED_FOLDER)] if values["block_lists"] else [])),
        services=(*(Service(instance.name, instance.unit) for instance in (normal, gate)), *door_services(model)),
        checks=(
            *_checks(normal),
            *_checks(gate),
            *_table_checks(files),
            *ldap_checks(model),
            *door_checks(model, host),
        ),
        proof=(*_proof(model), *door_proof(model)),
    )


_DIRECTORIES = (
    Directory(NORMAL),
    Directory("/var/spool/postfix-normal"),
    Directory("/var/lib/postfix-normal", owner="postfix", group="postfix", mode="0700"),
)


# What differs in the instance that delivers: it asks no directory, and stands behind no door.
_OF_NORMAL = {
    "after": "",
    "maps": NORMAL_MAPS,
    "what": "The instance that delivers.",
    "opened": "",
    "ldap_timeout": None,
}


def _of_gate(normal: Instance, values: dict[str, Any]) -> dict[str, Any]:
    opened = OPENED if values["block_lists"] else ""
    return {"after": normal.unit, "maps": GATE_MAPS, "what": "The gate.", "opened": opened}


def _files(instance: Instance, values: dict[str, Any]) -> tuple[ConfigFile, ...]:
    name = "gate" if instance.folder == GATE else "normal"
    drop_in = f"/etc/systemd/system/{instance.unit}.d/gatepost.conf"
    return (
        ConfigFile(f"{instance.folder}/main.cf", fill(f"postfix/{name}-main.cf.j2", **values), instance.name, "reload"),
        ConfigFile(
            f"{instance.folder}/master.cf", fill(f"postfix/{name}-master.cf.j2", **values), instance.name, "reload"
        ),
        ConfigFile(drop_in, fill("postfix/unit.conf.j2", queue=instance.queue, **values), instance.name, "restart"),
    )


def _values(model: Model, host: Host) -> dict[str, Any]:
    """Everything that stands in the templates, quoted."""
    size = model.policy.limits.message_size
    return {
        "head": comment(head(model, host)),
        "debian": host.debian,
        "fqdn": main_cf(host.fqdn),
        "origin": main_cf(_origin(model, host)),
        "protocols": _protocols(host),
        "networks": [(comment(line), main_cf(network)) for line, network in _networks(model)],
        "size": size,
        "free": 2 * size,
        "size_line": comment(model.line("limits", "message_size")),
        "processes": MAX_SERVERS,
        "asking": bool(next_hop_domains(model)),
        "ldap_timeout": ldap_timeout(model),
        "milter": SOCKET,
        "lock_out_line": comment(_lock_out_line(model)),
        **_tables(model),
        **door_values(model, host),
    }


def _lock_out_line(model: Model) -> str:
    """The line that locks clients out, or nothing."""
    return model.line("unknown_recipients", "lock_out") if model.policy.unknown_recipients.lock_out.enabled else ""


def _origin(model: Model, host: Host) -> str:
    """The domain of what the server writes itself. All of its addresses lead to the postmaster."""
    # A host may be called like a domain of ours, in which root must not come into being.
    return f"localhost.{host.fqdn}" if host.fqdn in model.domains else host.fqdn


def _protocols(host: Host) -> str:
    """IPv6 is spoken unless the inventory names the host's addresses and none is of that kind."""
    versions = {ipaddress.ip_address(address).version for address in host.addresses}
    return "ipv4" if versions == {4} else "all"


def _networks(model: Model) -> list[tuple[str, str]]:
    listed = model.policy.networks.internal
    return [(model.line("networks", "internal", number), _network(net)) for number, net in enumerate(listed)]


def _network(network: IPNetwork) -> str:
    """As mynetworks has it: an IPv6 address in brackets, its prefix behind them."""
    if network.version == 4:
        return str(network)
    return f"[{network.network_address}]/{network.prefixlen}"


def _tables(model: Model) -> dict[str, str]:
    """Where a table has a companion for odd keys, both are asked."""
    odd = odd_tables(model)

    def both(name: str, before: str = "") -> str:
        table = f"{before}lmdb:{GATE_MAPS}/{name}"
        return f"{before}pcre:{GATE_MAPS}/{name}.odd.pcre, {table}" if name in odd else table

    return {
        "recipients": ",\n    ".join([both("recipients"), *ldap_maps(model)]),
        "owners": both("owners"),
        "senders": both(LISTS["sender"], "check_sender_access "),
        "listed": both(LISTS["recipient"], "check_recipient_access "),
        "destinations": both(LISTS["destination"], "check_recipient_access "),
    }


def _checks(instance: Instance) -> list[Check]:
    """postconf tells of misspelt and unused parameters on stderr alone, and ends with 0."""
    folder = f"{{root}}{instance.folder}"
    return [
        Check(f"{instance.name}: {file}", argv=("postconf", "-c", folder, option), stderr_fails=True)
        for file, option in (("main.cf", "-n"), ("master.cf", "-M"))
    ]


def _table_checks(files: tuple[ConfigFile, ...]) -> list[Check]:
    """A rule that cannot be read is skipped with a warning: any table says it as soon as any key is asked for."""
    patterns = [(file.path.rpartition(".")[2], file.path) for file in files if file.path.endswith((".pcre", ".cidr"))]
    return [
        Check(
            f"postfix: {path.rpartition('/')[2]}",
            argv=("postmap", "-c", f"{{root}}{GATE}", "-q", "203.0.113.1", f"{kind}:{{root}}{path}"),
            ok=(0, 1),
            stderr_fails=True,
        )
        for kind, path in patterns
    ]


def _proof(model: Model) -> tuple[Proof, ...]:
    refused = "554 5.7.1" if _blocks_loopback(model) else "550 5.1.1"
    talk = (
        (None, "220"),
        ("EHLO localhost", "250"),
        ("MAIL FROM:<>", "250"),
        (f"RCPT TO:<{_nobody(model)}>", refused),
        ("QUIT", "221"),
    )
    return (
        Proof("the gate refuses an unknown recipient", talk, tcp=("127.0.0.1", 25)),
        Proof("postfix-normal greets", ((None, "220"), ("QUIT", "221")), tcp=("127.0.0.1", 10025)),
    )


def _nobody(model: Model) -> str:
    """An address that nobody has, as the server knows by itself: a proof must not fail because a directory is down."""
    known = next((domain for domain in model.domains if not model.asked(domain)), None)
    domain, name = known or "[127.0.0.1]", "gatepost-proof-nobody"
    while f"{name}@{domain}" in model.recipients.get(domain, ()):
        name += "-x"
    return f"{name}@{domain}"


def _blocks_loopback(model: Model) -> bool:
    """Whether the list refuses this host itself (a policy may block the world but for a few)."""
    here = ipaddress.ip_address("127.0.0.1")

    def names(which: str) -> bool:
        return any(here in known.entry.client for known in entries(model, which, "client") if known.entry.client)

    return names("block") and not names("allow")

"""The inventory: which mail servers there are, and from where they can be probed. It is Ansible's own.

In: the path of an inventory. Out: frozen hosts. A static YAML inventory is read here, in milliseconds; every other
kind (INI, scripts, plugins, vaulted or templated values) is read by `ansible-inventory`, which takes a second.
How it fails: with findings.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gatepost.findings import Finding, Place, shown
from gatepost.policy.values import IPNetwork, is_domain
from gatepost.source import read_yaml

SERVERS, VANTAGE = "mailservers", "vantage"
DEBIANS = (12, 13)
Vars = dict[str, Any]


@dataclass(frozen=True)
class Host:
    """One mail server."""

    name: str
    fqdn: str
    debian: int
    addresses: tuple[str, ...]
    # Whether freshclam and sa-update can reach a mirror from there.
    updates: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Everything by which a next hop could mean this host."""
        return frozenset({self.fqdn, *self.addresses})


@dataclass(frozen=True)
class Vantage:
    """A host from which probes are sent, or on which mailboxes are read."""

    name: str
    kind: Literal["outside", "internal", "mailbox"]
    source_networks: tuple[IPNetwork, ...] = ()
    imap: Mapping[str, Any] | None = None
    # Foreign domains of which every mailbox is read there; none given: it reads those of our own domains.
    mailbox_domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """The hosts that Gatepost knows, and what is wrong with what was said of them."""

    hosts: tuple[Host, ...]
    vantage: tuple[Vantage, ...]
    findings: tuple[Finding, ...] = ()

    def only(self, names: tuple[str, ...]) -> tuple[Host, ...]:
        """The hosts with these names, or all when no name is given."""
        return tuple(host for host in self.hosts if not names or host.name in names)


def read_inventory(path: Path) -> Inventory:
    """Read an inventory file or folder."""
    if not path.exists():
        return Inventory((), (), (Finding(Place(str(path)), "file-missing", "there is no such inventory"),))
    groups = _static(path)
    if groups is None:
        asked = _ask_ansible(path)
        if isinstance(asked, Finding):
            return Inventory((), (), (asked,))
        groups = asked
    return _inventory(groups, path.name)


def parse_inventory(listing: Mapping[str, Any], name: str) -> Inventory:
    """The inventory out of what `ansible-inventory --list` prints."""
    return _inventory(_from_listing(listing), name)


def _inventory(groups: Mapping[str, Mapping[str, Vars]], file: str) -> Inventory:
    findings: list[Finding] = []
    hosts = [found for name, given in sorted(groups[SERVERS].items()) if (found := _host(name, given, file, findings))]
    vantage = [v for name, given in sorted(groups[VANTAGE].items()) if (v := _vantage(name, given, file, findings))]
    if not hosts and not findings:
        findings.append(Finding(Place(file), "no-hosts", f"the group {SERVERS!r} has no host"))
    return Inventory(tuple(hosts), tuple(vantage), tuple(findings))


def _host(name: str, given: Vars, file: str, findings: list[Finding]) -> Host | None:
    before = len(findings)

    def wrong(key: str, message: str) -> None:
        findings.append(Finding(Place(file), "bad-host", f"{shown(name)}: {key}: {message}"))

    debian = given.get("gatepost_debian")
    if debian not in DEBIANS:
        wrong("gatepost_debian", f"{shown(debian)} is not one of {DEBIANS}")
    fqdn = str(given.get("gatepost_fqdn", name)).lower()
    if not is_domain(fqdn):
        wrong("gatepost_fqdn", f"{shown(fqdn)} is not a fully qualified host name")
    addresses = given.get("gatepost_addresses", [])
    if not isinstance(addresses, list) or not all(_is_address(a) for a in addresses):
        wrong("gatepost_addresses", "a list of IP addresses was expected")
    if not all(c.isalnum() or c in "._-" for c in name) or name.startswith("."):
        wrong("name", "letters, digits, dots, hyphens and underscores alone")
    if len(findings) > before:
        return None
    normal = tuple(str(ipaddress.ip_address(a)) for a in addresses)
    return Host(name, fqdn, int(str(debian)), normal, updates=bool(given.get("gatepost_updates", True)))


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return isinstance(value, str)


def _vantage(name: str, given: Vars, file: str, findings: list[Finding]) -> Vantage | None:
    kind = given.get("gatepost_vantage")
    if kind not in ("outside", "internal", "mailbox"):
        message = f"{shown(name)}: gatepost_vantage: outside, internal or mailbox was expected"
        findings.append(Finding(Place(file), "bad-host", message))
        return None
    try:
        networks = tuple(ipaddress.ip_network(n) for n in given.get("gatepost_source_networks", []))
    except (ValueError, TypeError):
        message = f"{shown(name)}: gatepost_source_networks: a list of networks was expected"
        findings.append(Finding(Place(file), "bad-host", message))
        return None
    domains = given.get("gatepost_mailbox_domains", [])
    if not isinstance(domains, list) or not all(isinstance(d, str) and is_domain(d) for d in domains):
        message = f"{shown(name)}: gatepost_mailbox_domains: a list of domains was expected"
        findings.append(Finding(Place(file), "bad-host", message))
        return None
    return Vantage(name, kind, networks, given.get("gatepost_imap"), tuple(domains))


# --- static YAML inventories -----------------------------------------------------------------------------------------


def _static(path: Path) -> dict[str, dict[str, Vars]] | None:
    """Hosts with their variables, by group; None when the inventory needs Ansible to be understood."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".")
    if not files or any(p.suffix not in (".yml", ".yaml") or p.stat().st_mode & 0o111 for p in files):
        return None
    folder = path.parent if path.is_file() else path
    if any((folder / name).is_dir() for name in ("group_vars", "host_vars")):
        return None
    found: dict[str, dict[str, Vars]] = {SERVERS: {}, VANTAGE: {}}
    for file in files:
        source = read_yaml(file)
        if not isinstance(source.data, dict) or source.findings or "plugin" in source.data:
            return None
        variables: dict[str, Vars] = {}
        membership: dict[str, set[str]] = {}
        for group, content in source.data.items():
            _walk(group, content, {}, (), variables, membership)
        for group in found:
            for host in membership.get(group, ()):
                found[group].setdefault(host, {}).update(variables[host])
    return None if any(_needs_ansible(v) for g in found.values() for v in g.values()) else found


def _walk(
    group: str,
    content: Any,
    above: Vars,
    parents: tuple[str, ...],
    variables: dict[str, Vars],
    membership: dict[str, set[str]],
) -> None:
    """Collect each host's variables, the nearer winning, and the groups in which it stands."""
    if not isinstance(content, dict):
        return
    here = {**above, **(content.get("vars") or {})}
    line = (*parents, group)
    for host, own in (content.get("hosts") or {}).items():
        variables.setdefault(host, {}).update({**here, **(own or {})})
        for name in line:
            membership.setdefault(name, set()).add(host)
    for child, inner in (content.get("children") or {}).items():
        _walk(child, inner, here, line, variables, membership)


def _needs_ansible(given: Vars) -> bool:
    """Templates and vaulted values in our own variables are for Ansible to resolve."""
    ours = json.dumps({k: v for k, v in given.items() if k.startswith("gatepost_")}, default=str)
    return "{{" in ours or "$ANSIBLE_VAULT" in ours


def _ask_ansible(path: Path) -> dict[str, dict[str, Vars]] | Finding:
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(path), "--list"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603 - our own argv
        listing = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        reason = shown(words[-1] if words else "no answer", 200)
        return Finding(Place(str(path)), "bad-inventory", f"ansible-inventory cannot read it: {reason}")
    return _from_listing(listing)


def _from_listing(listing: Mapping[str, Any]) -> dict[str, dict[str, Vars]]:
    known = listing.get("_meta", {}).get("hostvars", {})
    return {g: {name: known.get(name, {}) for name in _members(listing, g)} for g in (SERVERS, VANTAGE)}


def _members(listing: Mapping[str, Any], group: str) -> Iterator[str]:
    content = listing.get(group, {})
    yield from content.get("hosts", [])
    for child in content.get("children", []):
        yield from _members(listing, child)

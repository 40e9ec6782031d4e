"""The inventory: which mail servers and log hosts there are, and from where they can be probed. It is Ansible's own.

In: the path of an inventory. Out: frozen hosts. A static YAML inventory is read here, in milliseconds; every other
kind (INI, scripts, plugins, vaulted values) is read by `ansible-inventory`, which takes a second.
How it fails: with findings.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gatepost.findings import Finding, Place, shown
from gatepost.policy.values import IPNetwork, is_domain
from gatepost.source import read_yaml

SERVERS, LOGHOSTS, VANTAGE = "mailservers", "loghosts", "vantage"
GROUPS = (SERVERS, LOGHOSTS, VANTAGE)
DEBIANS = (12, 13)
Vars = dict[str, Any]

# What Ansible takes for a boolean; in the sections of an INI inventory every value is a text.
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
# A host's name is a folder of the bundles and a word in the head of every file.
_NAME = re.compile(r"[^\W.][\w.-]{0,199}")
# A source that cannot be read is an error, not a warning and an inventory without it.
_STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}


@dataclass(frozen=True)
class Host:
    """One mail server, or one log host."""

    name: str
    fqdn: str
    debian: int
    addresses: tuple[str, ...]
    # Whether freshclam and sa-update can reach a mirror from there.
    updates: bool = True
    # Whether the resolver on the host itself validates DNSSEC.
    validates: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Everything by which a next hop could mean this host."""
        return frozenset({self.fqdn, *self.addresses})


@dataclass(frozen=True)
class LogHost(Host):
    """A host that gathers the logs of the mail servers."""

    # The full names of those servers; the first of them takes the reports that are sent by mail.
    senders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vantage:
    """A host from which probes are sent, or on which mailboxes are read."""

    name: str
    kind: Literal["outside", "internal", "mailbox"]
    source_networks: tuple[IPNetwork, ...] = ()
    imap: Mapping[str, Any] | None = None
    # Foreign domains of which every mailbox is read there; none given: it reads those of our own domains.
    mailbox_domains: tuple[str, ...] = ()
    # Passwords of users who log in for a proof.
    logins: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Inventory:
    """The hosts that Gatepost knows, and what is wrong with what was said of them."""

    hosts: tuple[Host, ...]
    vantage: tuple[Vantage, ...]
    findings: tuple[Finding, ...] = ()
    loghosts: tuple[LogHost, ...] = ()

    @property
    def all_hosts(self) -> tuple[Host, ...]:
        """Everyone who gets a bundle: the mail servers, then the log hosts."""
        return (*self.hosts, *self.loghosts)

    def only(self, names: tuple[str, ...]) -> tuple[Host, ...]:
        """The mail servers and log hosts with these names, or all when no name is given."""
        return tuple(host for host in self.all_hosts if not names or host.name in names)


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


def _inventory(groups: Mapping[str, Mapping[str, Vars]], file: str) -> Inventory:
    findings: list[Finding] = []
    hosts = [found for name, given in sorted(groups[SERVERS].items()) if (found := _host(name, given, file, findings))]
    gathering = [h for name, given in sorted(groups[LOGHOSTS].items()) if (h := _host(name, given, file, findings))]
    vantage = [v for name, given in sorted(groups[VANTAGE].items()) if (v := _vantage(name, given, file, findings))]
    if not hosts and not findings:
        findings.append(Finding(Place(file), "no-hosts", f"the group {SERVERS!r} has no host"))
    findings += _in_both(hosts, gathering, file)
    senders = tuple(host.fqdn for host in hosts)
    loghosts = tuple(LogHost(**vars(host), senders=senders) for host in gathering)
    return Inventory(tuple(hosts), tuple(vantage), tuple(findings), loghosts)


def _in_both(hosts: list[Host], gathering: list[Host], file: str) -> Iterator[Finding]:
    """A host has one rsyslog, which either sends or gathers."""
    servers = {name for host in hosts for name in (host.name, host.fqdn)}
    for host in gathering:
        if servers & {host.name, host.fqdn}:
            message = f"{shown(host.name)}: is in {SERVERS} and in {LOGHOSTS}: a log host is a machine of its own"
            yield Finding(Place(file), "bad-host", message)


def _host(name: str, given: Vars, file: str, findings: list[Finding]) -> Host | None:
    before = len(findings)

    def wrong(key: str, message: str) -> None:
        template = "{{" in str(given.get(key, ""))
        hint = "templates are not filled in here: write the value itself" if template else ""
        findings.append(Finding(Place(file), "bad-host", f"{shown(name)}: {key}: {message}", hint))

    debian = {str(known): known for known in DEBIANS}.get(str(given.get("gatepost_debian")))
    if debian is None:
        wrong("gatepost_debian", f"{shown(given.get('gatepost_debian'))} is not one of {DEBIANS}")
    fqdn = str(given.get("gatepost_fqdn", name)).lower()
    if not is_domain(fqdn):
        wrong("gatepost_fqdn", f"{shown(fqdn)} is not a fully qualified host name")
    addresses = given.get("gatepost_addresses", [])
    if not isinstance(addresses, list) or not all(_is_address(a) for a in addresses):
        wrong("gatepost_addresses", "a list of IP addresses was expected")
    updates = _yes_or_no(given, "gatepost_updates", True, wrong)
    validates = _yes_or_no(given, "gatepost_validating_resolver", False, wrong)
    if not _NAME.fullmatch(name):
        wrong("name", "at most 200 letters, digits, dots, hyphens and underscores, and no dot in front")
    if debian is None or len(findings) > before:
        return None
    known = tuple(str(ipaddress.ip_address(a)) for a in addresses)
    return Host(name, fqdn, debian, known, updates=updates, validates=validates)


def _yes_or_no(given: Vars, key: str, default: bool, wrong: Callable[[str, str], None]) -> bool:
    said = _BOOLEANS.get(str(given.get(key, default)).lower())
    if said is None:
        wrong(key, f"{shown(given[key])} is neither true nor false")
    return bool(said)


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
    logins = given.get("gatepost_logins", {})
    if not isinstance(logins, dict) or not all(isinstance(word, str) for word in logins.values()):
        message = f"{shown(name)}: gatepost_logins: user names with their passwords, in quotes, were expected"
        findings.append(Finding(Place(file), "bad-host", message))
        return None
    return Vantage(name, kind, networks, given.get("gatepost_imap"), tuple(domains), logins)


# --- static YAML inventories -----------------------------------------------------------------------------------------


def _static(path: Path) -> dict[str, dict[str, Vars]] | None:
    """Hosts with their variables, by group; None when the inventory needs Ansible to be understood."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".")
    if not files or any(p.suffix not in (".yml", ".yaml") or p.stat().st_mode & 0o111 for p in files):
        return None
    folder = path.parent if path.is_file() else path
    if any((folder / name).is_dir() for name in ("group_vars", "host_vars")):
        return None
    found: dict[str, dict[str, Vars]] = {group: {} for group in GROUPS}
    for file in files:
        source = read_yaml(file)
        if not isinstance(source.data, dict) or source.findings or "plugin" in source.data:
            return None
        variables: dict[str, Vars] = {}
        membership: dict[str, set[str]] = {}
        try:
            for group, content in source.data.items():
                _walk(group, content, {}, (), variables, membership)
        except _NotPlainError:
            return None
        for group in found:
            for host in membership.get(group, ()):
                found[group].setdefault(host, {}).update(variables[host])
    return found


class _NotPlainError(Exception):
    """Something else stands where names and what belongs to them should: Ansible says it best."""


def _walk(
    group: str,
    content: Any,
    above: Vars,
    parents: tuple[str, ...],
    variables: dict[str, Vars],
    membership: dict[str, set[str]],
) -> None:
    """Collect each host's variables, the nearer winning, and the groups in which it stands."""
    inside = _named(content)
    here = {**above, **_named(inside.get("vars"))}
    line = (*parents, group)
    for host, own in _named(inside.get("hosts")).items():
        variables.setdefault(host, {}).update({**here, **_named(own)})
        for name in line:
            membership.setdefault(name, set()).add(host)
    for child, inner in _named(inside.get("children")).items():
        _walk(child, inner, here, line, variables, membership)


def _named(content: Any) -> Vars:
    """Names and what belongs to them; nothing at all is fine, too."""
    if not isinstance(content or {}, dict):
        raise _NotPlainError
    return content or {}


def _ask_ansible(path: Path) -> dict[str, dict[str, Vars]] | Finding:
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(path), "--list"]
    # Ansible speaks no other encoding.
    environment = {**os.environ, **_STRICT, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)  # noqa: S603 - our own argv
        return _from_listing(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        reason = _reason(path, (getattr(error, "stderr", None) or str(error)).strip())
        vaulted = "vault" in reason.lower()
        hint = "name the file with the Vault's password in ANSIBLE_VAULT_PASSWORD_FILE" if vaulted else ""
        return Finding(Place(str(path)), "bad-inventory", f"ansible-inventory cannot read it: {reason}", hint)


def _reason(path: Path, told: str) -> str:
    """Why Ansible cannot read an inventory: every reader tells its reason; that of this kind of file counts."""
    kind = "yaml" if path.suffix in (".yml", ".yaml") else "script" if path.stat().st_mode & 0o111 else "ini"
    reasons = dict(re.findall(r"Failed to parse inventory with '(\w+)' plugin: (.+)", told))
    return shown(reasons.get(kind) or (told.splitlines() or ["no answer"])[-1], 200)


def _from_listing(listing: Mapping[str, Any]) -> dict[str, dict[str, Vars]]:
    known = listing.get("_meta", {}).get("hostvars", {})
    return {g: {name: known.get(name, {}) for name in _members(listing, g)} for g in GROUPS}


def _members(listing: Mapping[str, Any], group: str) -> Iterator[str]:
    content = listing.get(group, {})
    yield from content.get("hosts", [])
    for child in content.get("children", []):
        yield from _members(listing, child)

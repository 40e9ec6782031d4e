"""Probes of relaying: our networks may send to anyone, and nobody else may, in whatever form he asks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from gatepost.findings import PolicyPath
from gatepost.prove.mails import Mail
from gatepost.prove.probe import Probe
from gatepost.prove.setting import LOCAL, Setting

INTERNAL: PolicyPath = ("networks", "internal")


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them."""
    yield from _inside(setting)
    yield from _outside(setting)
    yield from _forms(setting)


def _inside(setting: Setting) -> Iterator[Probe]:
    """Each internal network may send out; the mail is read abroad where that is possible."""
    sent = setting.may_get_mail(setting.abroad)
    for index, network in enumerate(setting.model.policy.networks.internal):
        if network.version not in setting.versions:
            continue
        yield setting.probe(
            f"a mail to the world, from {network}",
            ((*INTERNAL, index),),
            setting.origins.inside(network=network),
            setting.abroad,
            sender=setting.own_sender(),
            mail=Mail() if sent else None,
        )


def _outside(setting: Setting) -> Iterator[Probe]:
    known = setting.reader
    own = f"{LOCAL}@{known.rpartition('@')[2]}"
    tries = (
        ("relaying, from one stranger to another", None, setting.abroad),
        ("relaying, with our own person as sender", known, setting.abroad),
        ("relaying, with an unknown sender in our domain", own, setting.abroad),
        ("relaying, from the null sender", "", setting.abroad),
        ("a bare name as recipient", None, known.rpartition("@")[0]),
    )
    for version in setting.versions:
        for what, sender, recipient in tries:
            yield setting.probe(
                f"{what}, over IPv{version}",
                (INTERNAL,),
                setting.origins.outside(version, 3),
                recipient,
                sender=sender,
            )
        yield setting.probe(
            f"a notice (null sender) to one of us, over IPv{version}",
            (("domains", known.rpartition("@")[2], "recipients"),),
            setting.origins.outside(version, 3),
            known,
            sender="",
        )


def _forms(setting: Setting) -> Iterator[Probe]:
    """The forms of nmap's smtp-open-relay, with the server's name and with our domain."""
    version = setting.version
    literal = next((a for a in setting.host.addresses if ipaddress.ip_address(a).version == version), "127.0.0.1")
    at = f"[{'IPv6:' if version == 6 else ''}{literal}]"
    ours = setting.reader.rpartition("@")[2]
    forms = [*_with_name(setting, setting.host.fqdn, at), *_with_name(setting, ours, at, short=True)]
    for number, (sender, recipient) in enumerate(dict.fromkeys(forms)):
        yield setting.probe(
            f"relaying, as <{recipient}>",
            (INTERNAL,),
            # A server ends a conversation with many errors: the forms come from several addresses.
            setting.origins.outside(version, 4 + number // 8),
            recipient,
            sender=sender,
            loose=True,
        )


def _with_name(setting: Setting, name: str, at: str, *, short: bool = False) -> Iterator[tuple[str, str]]:
    """Sender and recipient of each form; F, T, D, S and I as in nmap's script."""
    local, _, domain = setting.abroad.rpartition("@")
    sender = f"{LOCAL}@{at}"
    if not short:
        yield f"{LOCAL}@{at}", f"{local}@{domain}"
        yield f"{LOCAL}@{name}", f"{local}@{domain}"
        yield sender, f"{local}%{domain}@{at}"
        yield sender, f'"{local}@{domain}"'
        yield sender, f'"{local}%{domain}"'
        yield sender, f"{local}@{domain}@{at}"
        yield sender, f'"{local}@{domain}"@{at}'
        yield sender, f"@{at}:{local}@{domain}"
        yield sender, f"{domain}!{local}"
        yield sender, f"{domain}!{local}@{at}"
    yield setting.sender, f"{local}%{domain}@{name}"
    yield setting.sender, f"{local}@{domain}@{name}"
    yield setting.sender, f'"{local}@{domain}"@{name}'
    yield setting.sender, f"@{name}:{local}@{domain}"
    yield setting.sender, f"{domain}!{local}@{name}"

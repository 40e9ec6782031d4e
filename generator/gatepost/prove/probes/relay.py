"""Probes of relaying: our networks may send to anyone, and nobody else may, in whatever form he asks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import product
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.policy.values import IPAddress
from gatepost.prove.mails import Mail
from gatepost.prove.probe import Probe
from gatepost.prove.setting import LOCAL, Setting
from gatepost.relaying import Envelope, Parties, envelopes

MANY = 20
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
            (("domains", known.rpartition("@")[2], "recipients"),) if setting.is_known(known) else (INTERNAL,),
            setting.origins.outside(version, 3),
            known,
            sender="",
        )


def _forms(setting: Setting) -> Iterator[Probe]:
    """The whole relay table: with the server's name and each of our domains, over each IP version, at each door."""
    ways = tuple(product(setting.versions, _doors(setting)))
    for way, (version, (where, door)) in enumerate(ways):
        addresses = map(ipaddress.ip_address, setting.host.addresses)
        own = next((a for a in addresses if a.version == version), ipaddress.ip_address("127.0.0.1"))
        for number, envelope in enumerate(_table(setting, own, way, len(ways))):
            facts: dict[str, Any] = {**door, **({"helo": envelope.helo} if envelope.helo else {})}
            yield setting.probe(
                f"relaying, as {envelope.form}, over IPv{version}{where}",
                (INTERNAL,),
                # A server ends a conversation with many errors: the forms come from several addresses, but never from
                # those that others need for themselves.
                setting.origins.outside(version, 4 + number // 8 % 140),
                envelope.recipient,
                sender=envelope.sender,
                loose=True,
                mail_from=envelope.wire_sender,
                rcpt_to=envelope.wire_recipient,
                **facts,
            )


def _table(setting: Setting, own: IPAddress, way: int, ways: int) -> list[Envelope]:
    """The envelopes of one way in. Of the domains beyond the first MANY a third of the forms, each at one way in: the
    server has the same rules for all of them, and hundreds of domains are proven in minutes."""
    names = tuple(dict.fromkeys((setting.host.fqdn, *setting.model.domains)))
    table = list(envelopes(Parties(setting.sender, setting.abroad, names[: MANY + 1], own)))
    known = set(table)
    further = [e for e in envelopes(Parties(setting.sender, setting.abroad, names, own)) if e not in known]
    return table + further[way :: 3 * ways]


def _doors(setting: Setting) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where a stranger may try, who has no password."""
    yield "", {}
    if setting.model.policy.tls.certificate:
        yield ", after STARTTLS", {"tls": True}
    if setting.model.policy.submission:
        yield ", at port 587", {"port": 587}
        yield ", at port 587 after STARTTLS", {"port": 587, "tls": True}
        yield ", at port 465", {"port": 465, "tls": True}

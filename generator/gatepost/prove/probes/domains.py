"""Probes of each domain: who exists and gets mail, who does not and is refused, and how large a mail may be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.prove.mails import Mail
from gatepost.prove.probe import Probe
from gatepost.prove.setting import Setting

_ODD = 12


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them."""
    for index, domain in enumerate(setting.model.domains):
        if setting.is_known(setting.known(domain)):
            yield from _existing(setting, domain, first=index == 0)
        yield from _odd(setting, domain)
        yield from _unknown(setting, domain)
    yield from _postmasters(setting)
    yield from _size(setting)


def _paths(domain: str) -> tuple[PolicyPath, PolicyPath]:
    return ("domains", domain, "recipients"), ("domains", domain, "deliver_to")


def _existing(setting: Setting, domain: str, *, first: bool) -> Iterator[Probe]:
    recipient = setting.known(domain)
    recipients, deliver_to = _paths(domain)
    delivered = setting.may_get_mail(recipient)
    # The IP version of the client has nothing to do with the domain: one domain shows that both are served.
    for version in setting.versions if first else (setting.version,):
        yield setting.probe(
            f"a known recipient, from outside over IPv{version}",
            (recipients, deliver_to) if delivered else (recipients,),
            setting.origins.outside(version),
            recipient,
            mail=Mail() if delivered else None,
            together=True,
        )


def _odd(setting: Setting, domain: str) -> Iterator[Probe]:
    """Names that servers get wrong: in quotes, with signs. They are only asked for."""
    for recipient in islice(setting.odd(domain), _ODD):
        yield setting.probe(
            "a listed recipient with an odd name, from outside",
            (("domains", domain, "recipients"),),
            setting.origins.outside(setting.version, 5),
            recipient,
        )


def _unknown(setting: Setting, domain: str) -> Iterator[Probe]:
    recipients, _ = _paths(domain)
    proves: tuple[PolicyPath, ...] = (recipients, ("unknown_recipients", "text"), ("organisation", "help_url"))
    nobody = setting.unknown(domain)
    told: dict[str, Any] = {"recipient_exists": False} if setting.model.asked(domain) else {}
    yield setting.probe(
        "an unknown recipient, from outside", proves, setting.origins.outside(setting.version, 1), nobody, **told
    )
    yield setting.probe(
        "an unknown recipient, from inside",
        proves,
        setting.origins.inside(setting.version, 1),
        nobody,
        sender=setting.own_sender(),
        **told,
    )


def _postmasters(setting: Setting) -> Iterator[Probe]:
    """Postmaster exists everywhere; where a stand-in gets that mail, once it is sent and read."""
    stand_in = setting.model.policy.organisation.postmaster
    delivered = setting.may_get_mail(str(stand_in))
    tried = False
    for domain in setting.model.domains:
        elsewhere = domain in setting.model.stand_in_postmasters
        sent = delivered and elsewhere and not tried
        tried = tried or sent
        yield setting.probe(
            "postmaster, from outside",
            (("organisation", "postmaster"),) if elsewhere else (("domains", domain, "recipients"),),
            setting.origins.outside(setting.version),
            f"postmaster@{domain}",
            mail=Mail() if sent else None,
        )
    yield setting.probe(
        "the bare postmaster, from outside",
        (("organisation", "postmaster"),),
        setting.origins.outside(setting.version),
        "postmaster",
        mail=Mail() if delivered else None,
    )


def _size(setting: Setting) -> Iterator[Probe]:
    limit = setting.model.policy.limits.message_size
    for what, size in (("one byte more than the limit", limit + 1), ("exactly at the limit", limit)):
        yield setting.probe(
            f"a mail announced as {what}",
            (("limits", "message_size"),),
            setting.origins.outside(setting.version),
            setting.reader,
            size=size,
        )

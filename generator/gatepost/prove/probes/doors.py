"""Probes of the doors: TLS, people who log in and the addresses they may use, and clients that talk too early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.policy.values import address
from gatepost.prove.mails import Mail
from gatepost.prove.probe import Origin, Probe
from gatepost.prove.setting import Setting

PASSWORDS: PolicyPath = ("submission", "passwords")
USERS: PolicyPath = ("submission", "users")
FILE: PolicyPath = ("submission", "users_file")
# The turns of addresses that other probes may use, and one that is left for who talks early: a client that has once
# waited is not asked again for a day.
_USED, _LAST = 150, 199


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them."""
    yield from _tls(setting)
    if setting.model.policy.submission:
        yield from _strangers(setting)
        yield from _users(setting)
    yield from _early(setting)


def _tls(setting: Setting) -> Iterator[Probe]:
    if setting.model.policy.tls.certificate:
        for version in setting.versions:
            yield setting.probe(
                f"a mail after STARTTLS, over IPv{version}",
                (("tls", "certificate"), ("tls", "key")),
                setting.origins.outside(version, 3),
                setting.reader,
                tls=True,
            )


def _strangers(setting: Setting) -> Iterator[Probe]:
    """Who has not logged in, or not yet encrypted, may do nothing where people log in: not even write to us."""
    origin = setting.origins.outside(setting.version, 3)
    name = next(iter(sorted(setting.model.logins)))
    tries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("at port 587, before STARTTLS", {"port": 587}),
        ("at port 587, not logged in", {"port": 587, "tls": True}),
        ("at port 465, not logged in", {"port": 465, "tls": True}),
        ("a login before STARTTLS", {"port": 587, "login": name}),
    )
    for what, facts in tries:
        yield setting.probe(f"{what}: a mail to one of us", (PASSWORDS,), origin, setting.reader, **facts)


def _users(setting: Setting) -> Iterator[Probe]:
    """Each user of whom the inventory has the password: with his own addresses, and with others."""
    ports = (587, 465)
    for number, name in enumerate(setting.logins):
        origin = setting.origins.outside(setting.version, 3)
        facts: dict[str, Any] = {"login": name, "tls": True, "port": ports[number % 2]}
        for path, key in _addresses(setting, name):
            yield setting.probe(
                f"{name} writes to the world as {key}", (path, PASSWORDS), origin, setting.abroad, sender=key, **facts
            )
        for key in _of_others(setting, name):
            yield setting.probe(
                f"{name} writes as {key}", (_path(setting, name),), origin, setting.abroad, sender=key, **facts
            )
        yield from _mail(setting, name, origin, number)


def _mail(setting: Setting, name: str, origin: Origin | None, number: int) -> Iterator[Probe]:
    """One user at each port truly sends a mail to the world, if it can be read there, or to us."""
    recipient = setting.abroad if setting.may_get_mail(setting.abroad) else setting.reader
    if number < 2 and setting.may_get_mail(recipient):
        path, key = next(iter(_addresses(setting, name)))
        facts: dict[str, Any] = {"login": name, "tls": True, "port": (587, 465)[number]}
        yield setting.probe(f"a mail from {name}", (path,), origin, recipient, sender=key, mail=Mail(), **facts)


def _path(setting: Setting, name: str) -> PolicyPath:
    submission = setting.model.policy.submission
    return FILE if submission and submission.users_file else (*USERS, name, 0)


def _addresses(setting: Setting, name: str) -> Iterator[tuple[PolicyPath, str]]:
    submission = setting.model.policy.submission
    if submission and submission.users:
        for index, known in enumerate(submission.users[name]):
            yield (*USERS, name, index), str(known)
    else:
        yield from ((FILE, str(address(key))) for key in sorted(setting.model.logins[name]))


def _of_others(setting: Setting, name: str) -> Iterator[str]:
    """An address of somebody else, one of nobody, and one of a stranger."""
    own = setting.model.logins[name]
    others = (key for other, keys in sorted(setting.model.logins.items()) if other != name for key in sorted(keys))
    yield from [key for key in others if key not in own][:1]
    yield setting.unknown(next(iter(setting.model.domains)))
    yield setting.sender


def _early(setting: Setting) -> Iterator[Probe]:
    """A client that the server has never seen wait. Without addresses enough there is none."""
    for version in setting.versions:
        origin = setting.origins.outside(version, _LAST)
        used = {found.client for turn in range(_USED) if (found := setting.origins.outside(version, turn))}
        if origin and origin.bound and origin.client not in used:
            yield setting.probe(
                f"a client that talks before it is greeted, over IPv{version}",
                (("front_door", "greet_wait"),),
                origin,
                setting.reader,
                talks_early=True,
            )

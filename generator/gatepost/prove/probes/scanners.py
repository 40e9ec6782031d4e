"""Probes of the virus scanner and of the attachment rules."""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import PolicyPath
from gatepost.prove.mails import Mail, eicar, zipped
from gatepost.prove.probe import Probe
from gatepost.prove.probes.entries import VIRUS
from gatepost.prove.setting import Setting

ACTION: PolicyPath = ("filtering", "viruses", "action")
FORBIDDEN: PolicyPath = ("filtering", "attachments", "forbidden")
# What a file's name says counts here, so the content is harmless.
HARMLESS = b"This file holds nothing but these words.\n"


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them, to the one recipient whose mailbox may be used."""
    yield from _viruses(setting)
    yield from _attachments(setting)


def _viruses(setting: Setting) -> Iterator[Probe]:
    virus = eicar().encode()
    harmless = _harmless(setting)
    tries: list[tuple[str, Mail, tuple[str, ...]]] = [("as the text", Mail(body=eicar()), ())]
    if harmless:
        tries += [
            ("as an attachment", Mail(attachment=(f"probe.{harmless}", virus)), (f"probe.{harmless}",)),
        ]
    if "zip" not in setting.model.policy.filtering.attachments.forbidden:
        inner = f"probe.{harmless or 'dat'}"
        tries += [("in an archive", Mail(attachment=("probe.zip", zipped(inner, virus))), ("probe.zip", inner))]
    for what, mail, names in tries:
        yield setting.probe(
            f"a virus {what}",
            (ACTION,),
            setting.origins.outside(setting.version, 1),
            setting.reader,
            mail=mail,
            virus=VIRUS,
            attachments=names,
        )
    if setting.may_get_mail(setting.abroad):
        yield setting.probe(
            "a virus to the world, from inside",
            (ACTION,),
            setting.origins.inside(setting.version),
            setting.abroad,
            sender=setting.own_sender(),
            mail=Mail(body=eicar()),
            virus=VIRUS,
        )


def _attachments(setting: Setting) -> Iterator[Probe]:
    forbidden = setting.model.policy.filtering.attachments.forbidden
    outside = setting.origins.outside(setting.version, 1)
    for index, extension in enumerate(forbidden):
        name = f"probe.{extension}"
        yield setting.probe(
            f"a forbidden attachment, .{extension}",
            ((*FORBIDDEN, index),),
            outside,
            setting.reader,
            mail=Mail(attachment=(name, HARMLESS)),
            attachments=(name,),
        )
    if forbidden and "zip" not in forbidden:
        name = f"probe.{forbidden[0]}"
        yield setting.probe(
            f"a forbidden attachment in an archive, .{forbidden[0]}",
            ((*FORBIDDEN, 0),),
            outside,
            setting.reader,
            mail=Mail(attachment=("probe.zip", zipped(name, HARMLESS))),
            attachments=("probe.zip", name),
        )
    if harmless := _harmless(setting):
        yield setting.probe(
            f"a harmless attachment, .{harmless}",
            (FORBIDDEN,),
            outside,
            setting.reader,
            mail=Mail(attachment=(f"probe.{harmless}", HARMLESS)),
            attachments=(f"probe.{harmless}",),
        )


def _harmless(setting: Setting) -> str | None:
    forbidden = setting.model.policy.filtering.attachments.forbidden
    return next((e for e in ("txt", "csv", "pdf", "dat") if e not in forbidden), None)

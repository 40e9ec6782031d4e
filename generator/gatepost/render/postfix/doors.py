"""The doors of the gate: TLS, submission, the front door, and limits for each client.

In: the model and a host. Out: values for the templates, tables, and the checks of files that lie on the server alone.
Pure; it fails never.
"""

from __future__ import annotations

import json
from typing import Any

from gatepost.bundle import Check, ConfigFile, Proof, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.policy.door_values import FQDN
from gatepost.policy.doors import BlockList
from gatepost.policy.replies import help_for_refused
from gatepost.render.amavis import FROM_INSIDE
from gatepost.render.entries import comment
from gatepost.render.layout import fill
from gatepost.render.postfix.quoting import footer, main_cf

# Where gatepost-mx says that the front door stands open: it is no part of a bundle, since it changes by itself.
OPENED_FOLDER = "/var/lib/gatepost-lists"
OPENED = f"{OPENED_FOLDER}/open.cidr"
LISTS = "/etc/gatepost/lists.json"
SENDING = "/etc/gatepost/sending.json"
COUNTER = "/run/gatepost-sending/policy"
PROGRAM = "/usr/local/sbin/gatepost-mx"
CHECK_CERTIFICATE = "/usr/local/sbin/gatepost-check-certificate"
_UNITS = "/etc/systemd/system"
_LIMITS = ("connections", "connections_per_minute", "mails_per_minute", "recipients_per_minute")
# What another host says of DNSSEC can be forged on the way here.
_RESOLVER = """awk '$1 == "nameserver" && $2 !~ /^(127[.]|::1$)/ {print $2 " is not on this host"; bad = 1}
    END {exit bad}' /etc/resolv.conf"""


def on_host(path: str, host: Host) -> str:
    """A path of the policy, for one host."""
    return path.replace(FQDN, host.fqdn)


def door_values(model: Model, host: Host) -> dict[str, Any]:
    """What stands in the templates, quoted."""
    policy = model.policy
    return {
        **_tls(model, host),
        "limits": {name: (comment(model.line("limits", name)), getattr(policy.limits, name)) for name in _LIMITS},
        "greet_wait": policy.front_door.greet_wait,
        "greet_line": comment(model.line("front_door", "greet_wait")),
        "block_lists": [
            (comment(model.line("front_door", "block_lists", index, "name")), site)
            for index, known in enumerate(policy.front_door.block_lists)
            for site in _sites(known)
        ],
        "refuse_at": policy.front_door.refuse_at,
        "refuse_line": comment(model.line("front_door", "refuse_at")),
        "refused_footer": footer(help_for_refused(model)),
        "submission": policy.submission,
        "submission_line": comment(model.line("submission")),
        "from_inside": FROM_INSIDE,
        "counter": COUNTER,
    }


def _tls(model: Model, host: Host) -> dict[str, Any]:
    tls = model.policy.tls
    return {
        "certificate": main_cf(on_host(tls.certificate, host)) if tls.certificate else "",
        "key": main_cf(on_host(tls.key, host)) if tls.key else "",
        "tls_line": comment(model.line("tls", "certificate")),
        "tls_out_line": comment(model.line("tls", "outgoing")),
        "dane": verifies(model, host),
    }


def verifies(model: Model, host: Host) -> bool:
    """Whether mail that leaves this host is verified by DANE."""
    return model.policy.tls.outgoing == "dane" and host.validates


def _sites(known: BlockList) -> list[str]:
    """A list as postscreen has it: one entry for each network of answers, in which a client counts once."""
    networks = dict.fromkeys(answer.network for answer in known.answers)
    runs = {net: [_run(a.first, a.last) for a in sorted(set(known.answers)) if a.network == net] for net in networks}
    return [f"{known.name}={net}[{';'.join(several)}]*{known.weight}" for net, several in runs.items()]


def _run(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}..{last}"


# --- what lies on the server -----------------------------------------------------------------------------------------


def door_files(model: Model, host: Host, about: str) -> tuple[ConfigFile, ...]:
    """What looks at the certificate each day, at the block lists every five minutes, and counts what users send."""
    return (
        *_certificate_files(model, host, about),
        *_list_files(model, about),
        *_sending_files(model, host, about),
    )


def _sending_files(model: Model, host: Host, about: str) -> tuple[ConfigFile, ...]:
    submission = model.policy.submission
    if submission is None:
        return ()
    gate = "postfix@-.service" if host.debian == 12 else "postfix.service"
    unit = fill("postfix/sending.service.j2", head=about, program=PROGRAM, gate=gate)
    limits = {"mails": submission.mails_per_hour, "recipients": submission.recipients_per_hour}
    told = {"version": 1, **limits, "text": f"You have sent too much mail this hour; {help_for_refused(model)}"}
    return (
        ConfigFile(SENDING, (json.dumps(told, indent=1) + "\n").encode(), "sending", "restart"),
        ConfigFile(f"{_UNITS}/gatepost-sending.service", unit, "sending", "restart"),
    )


def _list_files(model: Model, about: str) -> tuple[ConfigFile, ...]:
    if not model.policy.front_door.block_lists:
        return ()
    words = {"head": about, "program": PROGRAM}
    service, timer = (fill(f"postfix/lists.{kind}.j2", **words) for kind in ("service", "timer"))
    return (
        ConfigFile(LISTS, list_config(model)),
        ConfigFile(f"{_UNITS}/gatepost-lists.service", service),
        ConfigFile(f"{_UNITS}/gatepost-lists.timer", timer, "lists", "restart"),
    )


def list_config(model: Model) -> bytes:
    """What gatepost-mx must know of the lists."""
    lists = [
        {"name": known.name, "answers": [[a.network, a.first, a.last] for a in known.answers]}
        for known in model.policy.front_door.block_lists
    ]
    return (json.dumps({"version": 1, "lists": lists, "opened": OPENED}, indent=1) + "\n").encode()


def _certificate_files(model: Model, host: Host, about: str) -> tuple[ConfigFile, ...]:
    tls = model.policy.tls
    if not tls.certificate or not tls.key:
        return ()
    words = {"head": about, "program": CHECK_CERTIFICATE}
    words |= {"certificate": on_host(tls.certificate, host), "key": on_host(tls.key, host)}
    return (
        ConfigFile(CHECK_CERTIFICATE, fill("postfix/check-certificate.sh.j2", head=about), mode="0755"),
        ConfigFile(f"{_UNITS}/gatepost-certificate.service", fill("postfix/certificate.service.j2", **words)),
        ConfigFile(
            f"{_UNITS}/gatepost-certificate.timer",
            fill("postfix/certificate.timer.j2", **words),
            "certificate",
            "restart",
        ),
    )


def door_services(model: Model) -> tuple[Service, ...]:
    """The timers."""
    policy = model.policy
    certificate = (Service("certificate", "gatepost-certificate.timer"),) if policy.tls.certificate else ()
    lists = (Service("lists", "gatepost-lists.timer"),) if policy.front_door.block_lists else ()
    sending = (Service("sending", "gatepost-sending.service"),) if policy.submission else ()
    return certificate + lists + sending


def door_checks(model: Model, host: Host) -> tuple[Check, ...]:
    """What must be right on the server before a release counts on it."""
    tls, checks = model.policy.tls, []
    if tls.certificate and tls.key:
        files = on_host(tls.certificate, host), on_host(tls.key, host)
        checks.append(Check("tls: certificate and key", argv=("sh", f"{{root}}{CHECK_CERTIFICATE}", *files)))
    if verifies(model, host):
        checks.append(Check("tls: a validating resolver on this host", argv=("sh", "-c", _RESOLVER)))
    return tuple(checks)


def door_proof(model: Model) -> tuple[Proof, ...]:
    """Before STARTTLS nothing is heard at the submission port."""
    if model.policy.submission is None:
        return ()
    talk = ((None, "220"), ("EHLO localhost", "250"), ("MAIL FROM:<>", "530 5.7.0"), ("QUIT", "221"))
    return (Proof("submission wants TLS", talk, tcp=("127.0.0.1", 587)),)

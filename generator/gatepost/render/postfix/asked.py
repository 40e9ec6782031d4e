"""Recipients that the gate has to ask for: LDAP tables, and the asking of next hops (address verification).

In: the model. Out: configuration files, their checks, and what stands of them in main.cf. Pure; it fails never.

Each directory has a table for each domain (`domain =`): nobody else's address is ever asked for there, and a directory
that is down concerns nobody else. smtpd opens such a table itself, as root, and not by way of proxymap: one proxymap
process serves many clients one after the other, so a slow directory would keep those of another waiting.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.bundle import Check, ConfigFile
from gatepost.policy import Model
from gatepost.policy.sections import Ldap
from gatepost.render.entries import comment
from gatepost.render.layout import head
from gatepost.render.once import once_per_model
from gatepost.render.postfix.lists import SPARED, Row
from gatepost.render.postfix.quoting import ldap_filter, ldap_name, table_cf

LDAP_FOLDER = "/etc/postfix/ldap"
# What smtpd's LDAP client answers at once, since it stands in no domain of ours: is a table well written?
_NOBODY = "nobody@gatepost.invalid"


def next_hop_domains(model: Model) -> tuple[str, ...]:
    """The domains whose addresses the next hop knows."""
    return tuple(domain for domain in model.domains if model.asked(domain) == "the next hop")


# --- directories -----------------------------------------------------------------------------------------------------


def ldap_maps(model: Model) -> tuple[str, ...]:
    """The tables as main.cf names them."""
    # postconf looks into such a table when it checks a staged main.cf: it must be the staged one.
    return tuple(f"ldap:$config_directory/ldap/{domain}.cf" for domain, _ in _directories(model))


def ldap_timeout(model: Model) -> int | None:
    """The LDAP library's own time-out, which is one for all directories; None where there is none."""
    return min((known.timeout for _, known in _directories(model)), default=None)


@once_per_model
def ldap_files(model: Model) -> tuple[ConfigFile, ...]:
    """A table for each domain with a directory. Root and Postfix alone may read it: the password stands there."""
    return tuple(_table(model, *directory) for directory in _directories(model))


def ldap_checks(model: Model) -> Iterator[Check]:
    """Whether each table can be read, and its certificates are there. The directory itself is not asked: a release must
    be possible while it is down."""
    for domain, _ in _directories(model):
        source = f"ldap:{{root}}{_path(domain)}"
        argv = ("postmap", "-c", "{root}/etc/postfix", "-q", _NOBODY, source)
        yield Check(f"postfix: the directory of {domain}", argv=argv, ok=(0, 1), stderr_fails=True)
    for path in sorted({known.ca for _, known in _directories(model) if known.tls == "required"}):
        yield Check(f"postfix: the certificates in {path}", argv=("head", "-c", "1", path), stderr_fails=True)


def _path(domain: str) -> str:
    return f"{LDAP_FOLDER}/{domain}.cf"


def _directories(model: Model) -> Iterator[tuple[str, Ldap]]:
    for domain, known in model.domains.items():
        if known.recipients.ldap is not None:
            yield domain, known.recipients.ldap


def _table(model: Model, domain: str, known: Ldap) -> ConfigFile:
    tokens = {known.secret: f"<secret {known.secret}>"} if known.secret else {}
    lines = [
        f"# {comment(head(model))}",
        f"# {comment(model.line('domains', domain, 'recipients'))}: who exists in this domain.",
        *(f"{name} = {table_cf(value)}" for name, value in _parameters(known, domain, tokens)),
    ]
    text = "\n".join(lines) + "\n"
    return ConfigFile(
        _path(domain), text.encode(), "postfix", "reload", group="postfix", mode="0640", secrets=tokens or None
    )


def _parameters(known: Ldap, domain: str, tokens: dict[str, str]) -> Iterator[tuple[str, str]]:
    starttls = known.tls == "required" and known.servers[0].scheme == "ldap"
    yield "server_host", " ".join(map(str, known.servers))
    yield "version", "3"
    # When this one ends the wait for STARTTLS, Postfix jumps out of the library, which then stays locked: its own
    # time-out (LDAPTIMEOUT) must come first.
    yield "timeout", str(known.timeout + 1)
    yield "start_tls", "yes" if starttls else "no"
    if known.tls == "required":
        yield "tls_require_cert", "yes"
        yield "tls_ca_cert_file", known.ca
    yield "bind", "yes" if known.bind else "no"
    if known.bind and known.secret:
        yield "bind_dn", known.bind
        yield "bind_pw", tokens[known.secret]
    yield "domain", domain
    yield "search_base", ldap_name(known.base)
    yield "scope", "sub"
    yield "query_filter", ldap_filter(known.filter.text)
    # Only whether there is an answer matters; an entry counts when it has the attribute by which it was found.
    yield "result_attribute", ", ".join(known.filter.attributes)
    yield "special_result_attribute", ""
    yield "dereference", "0"
    yield "chase_referrals", "no"


# --- next hops -------------------------------------------------------------------------------------------------------


def asked_rows(model: Model) -> Iterator[Row]:
    """Whose addresses are asked for: everyone's in these domains but the postmaster's, who always exists."""
    for domain in next_hop_domains(model):
        line = comment(model.line("domains", domain, "recipients"))
        yield Row(line, f"postmaster@{domain}", SPARED)
        yield Row(line, domain, "reject_unverified_recipient")


def asking_rows(model: Model) -> Iterator[Row]:
    """Whom to ask, and by which transport: its time-outs are short, and it tells apart what an answer means."""
    for domain in next_hop_domains(model):
        hop = model.domains[domain].deliver_to
        yield Row(comment(model.line("domains", domain, "deliver_to")), domain, f"ask-{hop}")


def answer_rules() -> list[str]:
    """What an answer of the next hop means. An address does not exist only where that is said of the address itself;
    every other refusal (of our host, of the sender, for a policy) says nothing of it, and puts the mail off. The words
    are ours: an answer names hosts of the inside."""
    said = r"\(in reply to RCPT TO command\)$/"
    return [
        rf"/^5\.(?:1\.(?:0|1|3|6|10)|2\.1|4\.1) .*{said} 5.1.1 User unknown",
        rf"/^5\.0\.0 .* said: 55[013] .*{said} 5.1.1 User unknown",
        r"/^[45](\.\d+\.\d+) / 4${1} whether it exists cannot be told at the moment",
    ]

"""The lookup tables of both instances: who exists, who is listed, where mail goes, what a refused sender reads.

In: the model (aliases: the host too). Out: configuration files. Pure; it fails never.

Three kinds: `lmdb` where a whole address or domain is looked up (Postfix sees by itself when such a table changes),
`cidr` for networks (a network is neither a key nor a pattern: it holds addresses), `pcre` for patterns. The last two
are read when a process starts, so a change needs a reload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gatepost.bundle import ConfigFile
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.policy.replies import locked_out_text, unknown_text
from gatepost.render.entries import comment
from gatepost.render.layout import head
from gatepost.render.once import once_per_model
from gatepost.render.postfix.admission import door_clients, login_rows, owner_rows
from gatepost.render.postfix.asked import answer_rules, asked_rows, asking_rows, next_hop_domains
from gatepost.render.postfix.lists import SPARED, Row, client_rows, mail_rows
from gatepost.render.postfix.quoting import footer, pcre_literal, pcre_result, speakable_key, table_line
from gatepost.render.postfix.terms import term_rules

GATE_MAPS, NORMAL_MAPS = "/etc/postfix/maps", "/etc/postfix-normal/maps"
# The value of a table that is asked only whether a key is there.
YES = "x"
# What internal clients are not offered: the same as everyone, but for DSN (see main.cf).
INTERNAL_EHLO = "chunking, etrn, silent-discard"
# What filters write: on a mail that comes in it is forged, or says what somebody else's filter thought.
_FILTERS_HEADERS = r"/^X-(?:(?:Spam|Virus|Amavis)(?:-[!-9;-~]*)?|Quarantine-ID)[ \t]*:/ IGNORE"
# Kinds of entries, and the table of each.
LISTS = {"sender": "senders", "recipient": "recipients-listed", "destination": "destinations"}


# The reply to which the help text is added. An address is free of `$` and backslashes, or it is not repeated.
_REPLY = r"/^550 5\.1\.1 <%s>: Recipient address rejected: (?:undeliverable address: )?User unknown$/"
_ADDRESSES = ((r"([^$\\]*)", "${1}"), (".*", "the address"))
# What Postfix says when a milter wants a client gone as soon as it connects; the milter's own words are logged alone.
_GONE = r"/^421 [^ ]+ Service unavailable - try again later$/"


@once_per_model
def model_maps(model: Model) -> tuple[ConfigFile, ...]:
    """All tables that are the same on every host."""
    return (
        _keyed(model, GATE_MAPS, "domains", "Our own domains.", _domain_rows(model)),
        *_recipients(model),
        *(file for kind, name in LISTS.items() for file in _listed(model, kind, name)),
        _clients(model),
        _ehlo(model),
        door_clients(model, _top(model, "Who passes the front door unasked, besides internal networks.")),
        *_logins(model),
        _pattern_file(
            model, "claims.pcre", "What a mail says of having been filtered is taken off.", [_FILTERS_HEADERS]
        ),
        _pattern_file(model, "terms.pcre", "Terms in the Subject.", term_rules(model)),
        _pattern_file(model, "footers.pcre", "What a refused client reads.", [*_footers(model), *_locked_out(model)]),
        *_asking(model),
        _keyed(model, NORMAL_MAPS, "transport", "The next hop of each domain.", _hop_rows(model)),
    )


def odd_tables(model: Model) -> frozenset[str]:
    """The lmdb tables that have a pcre companion for keys which a table's source cannot say."""
    names = (file.path.rpartition("/")[2] for file in model_maps(model))
    return frozenset(name.removesuffix(".odd.pcre") for name in names if name.endswith(".odd.pcre"))


def alias_maps(model: Model, host: Host, origin: str) -> tuple[ConfigFile, ...]:
    """Mail for the server itself (cron), and for the postmasters that the domains lack, goes to the postmaster."""
    local = _alias(model, f"@{origin}", "mail that this server writes, and mail to the bare postmaster")
    stand_ins = [_alias(model, f"postmaster@{domain}") for domain in model.stand_in_postmasters]
    what = "Addresses that stand for the postmaster."
    return (
        _keyed(model, GATE_MAPS, "aliases", what, [local, *stand_ins], host),
        _keyed(model, NORMAL_MAPS, "aliases", what, [local], host),
    )


def _alias(model: Model, key: str, why: str = "") -> Row:
    line = comment(model.line("organisation", "postmaster"))
    return Row(f"{line}: {why}" if why else line, key, str(model.policy.organisation.postmaster))


def _domain_rows(model: Model) -> list[Row]:
    return [Row(comment(model.line("domains", domain)), domain, YES) for domain in model.domains]


def _hop_rows(model: Model) -> list[Row]:
    return [
        Row(comment(model.line("domains", domain, "deliver_to")), domain, str(known.deliver_to))
        for domain, known in model.domains.items()
    ]


def _recipients(model: Model) -> Iterator[ConfigFile]:
    """Who exists. A million lines are joined as a whole, and comments stand at each domain alone."""
    text = [_top(model, "The addresses that exist.")]
    odd: list[Row] = []
    # Everyone passes this table there, and the next hop is asked before anybody is taken.
    everyone = next_hop_domains(model)
    for domain in model.domains:
        line = comment(model.line("domains", domain, "recipients"))
        keys = sorted(model.recipients.get(domain, ()))
        text.append(f"\n# {line}\n")
        text.append("".join(f"{key} {YES}\n" for key in keys if key[0] != "#"))
        if domain in everyone:
            text.append(f"@{domain} {YES}\n")
        odd += [Row(line, key, YES) for key in keys if not speakable_key(key)]
    yield ConfigFile(f"{GATE_MAPS}/recipients", "".join(text).encode(), build="lmdb")
    yield from _odd(model, "recipients", odd)


def _asking(model: Model) -> Iterator[ConfigFile]:
    """Whose next hop is asked for recipients, and what its answers mean."""
    if next_hop_domains(model):
        yield _keyed(model, GATE_MAPS, "asked", "Recipients whose next hop is asked.", asked_rows(model))
        yield _keyed(model, GATE_MAPS, "asking", "The next hops that are asked.", asking_rows(model))
        yield _pattern_file(model, "answers.pcre", "What their answers mean.", answer_rules())


def _listed(model: Model, kind: str, name: str) -> Iterator[ConfigFile]:
    rows = mail_rows(model, kind)
    what = f"The allow and block lists: {kind}."
    yield _keyed(model, GATE_MAPS, name, what, [row for row in rows if speakable_key(row.key)])
    # The companion is asked first, and what it spares must not be asked of the table (DUNNO would go on to it). OK
    # ends the restriction list, in which nothing follows that could concern such an address.
    odd = [
        replace(row, action="OK" if row.action == SPARED else row.action) for row in rows if not speakable_key(row.key)
    ]
    yield from _odd(model, name, odd)


def _odd(model: Model, name: str, rows: list[Row]) -> Iterator[ConfigFile]:
    if rows:
        lines = _lines((row.told, f"/^{pcre_literal(row.key)}$/ {pcre_result(row.action)}") for row in rows)
        yield _pattern_file(model, f"{name}.odd.pcre", "Keys that a table's source would take for comments.", lines)


def _clients(model: Model) -> ConfigFile:
    lines = _lines((row.told, f"{row.key} {row.action}") for row in client_rows(model))
    return _pattern_file(model, "clients.cidr", "The allow and block lists: client.", lines)


def _logins(model: Model) -> Iterator[ConfigFile]:
    """Who may log in, and whose the sender addresses are."""
    if model.policy.submission is None:
        return
    yield _keyed(model, GATE_MAPS, "logins", "Who may log in.", login_rows(model))
    rows = owner_rows(model)
    owned = "Who may use a sender address."
    yield _keyed(model, GATE_MAPS, "owners", owned, [row for row in rows if speakable_key(row.key)])
    yield from _odd(model, "owners", [row for row in rows if not speakable_key(row.key)])


def _ehlo(model: Model) -> ConfigFile:
    line = comment(model.line("networks", "internal"))
    networks = [("the server itself", "127.0.0.0/8"), ("the server itself", "::1/128")]
    networks += [(line, str(network)) for network in model.policy.networks.internal]
    lines = _lines((why, f"{network} {INTERNAL_EHLO}") for why, network in networks)
    return _pattern_file(model, "ehlo.cidr", "Internal clients may ask for delivery reports (DSN).", lines)


def _footers(model: Model) -> list[str]:
    """The help text behind `550 5.1.1 … User unknown`.

    Postfix's own `$recipient` is here the last one that was *accepted*, so the address is taken from the reply. What
    is captured is expanded once more, so an address with `$` or a backslash is not repeated.
    """
    marker = "\0"
    pieces = [footer(piece) for piece in unknown_text(model, marker).strip().split(marker)]
    ways = _ADDRESSES if len(pieces) > 1 else _ADDRESSES[1:]
    rules = [f"{_REPLY % address} {said.join(map(pcre_result, pieces))}" for address, said in ways]
    return [f"# {comment(model.line('unknown_recipients', 'text'))}", *rules]


def _locked_out(model: Model) -> list[str]:
    """The text behind `421 … Service unavailable`, which a client that is locked out is told when it connects."""
    if not model.policy.unknown_recipients.lock_out.enabled:
        return []
    line = comment(model.line("unknown_recipients", "lock_out"))
    return [f"# {line}", f"{_GONE} {pcre_result(footer(locked_out_text(model)))}"]


def _lines(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for told, rule in pairs for line in (f"# {told}", rule)]


def _keyed(
    model: Model, folder: str, name: str, what: str, rows: Iterable[Row], host: Host | None = None
) -> ConfigFile:
    lines = [f"# {row.told}" + (f"\n{table_line(row.key, row.action)}" if row.key else "") for row in rows]
    text = _top(model, what, host) + "".join(f"\n{line}\n" for line in lines)
    return ConfigFile(f"{folder}/{name}", text.encode(), build="lmdb")


def _pattern_file(model: Model, name: str, what: str, lines: list[str]) -> ConfigFile:
    text = _top(model, what) + "\n" + "".join(f"{line}\n" for line in lines)
    return ConfigFile(f"{GATE_MAPS}/{name}", text.encode(), "postfix", "reload")


def _top(model: Model, what: str, host: Host | None = None) -> str:
    return f"# {comment(head(model, host))}\n# {what}\n"

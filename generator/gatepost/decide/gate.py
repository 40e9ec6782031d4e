"""At the gate: the steps of docs/how-mail-is-decided.md that end in an SMTP reply, in their order.

Each takes a case and says whether the mail goes on. `CONNECTED` is asked before anything is said, `ANNOUNCED` is asked
of the sender, `ENVELOPE` of each recipient (but for the bare `postmaster`, who must always be reached), `DATA` when the
mail is there.
"""

from __future__ import annotations

from gatepost.decide import doors, lists
from gatepost.decide.case import Ask, Case, Said, goes_on, put_off, refused
from gatepost.policy.replies import locked_out_text, refused_text, repeated, unknown_text

_SYNTAX = "always (RFC 5321 §4.1.2)"
_INCOMPLETE = (504, "5.5.2", "need fully-qualified address")
_LOOKUP_FAILED = (451, "4.3.0", "Temporary lookup failure")
_NOT_TOLD = (450, "4.1.1", "unverified address")
_TOO_LARGE = (552, "5.3.4", "Message size exceeds fixed limit")


def lock_out(case: Case) -> Said | None:
    """Has the client guessed too many addresses? Asked of strangers alone, and not of who logs in."""
    if not case.attempt.locked_out:
        return None
    networks = case.model.policy.networks
    if case.attempt.authenticated or case.model.is_internal(case.client):
        outcome = "logged in" if case.attempt.authenticated else "internal client"
        return goes_on("lock-out", f"never: {outcome}", case.line("networks", "internal"))
    if case.model.is_partner(case.client):
        number = next(n for n, net in enumerate(networks.partners) if case.client in net)
        return goes_on("lock-out", "never: a partner", case.line("networks", "partners", number))
    if not case.model.policy.unknown_recipients.lock_out.enabled:
        return goes_on("lock-out", "nobody is", case.line("unknown_recipients", "lock_out", "enabled"))
    line, text = case.line("unknown_recipients", "lock_out"), locked_out_text(case.model)
    return refused("lock-out", "guessed too many addresses", line, (421, "4.7.0", text))


def sender_syntax(case: Case) -> Said | None:
    """Is the sender an address at all?"""
    if case.sender:
        return None
    return refused("sender", "no address", _SYNTAX, (501, "5.1.7", "Bad sender address syntax"))


def size(case: Case) -> Said:
    """Is the mail larger than the limit? Asked of the size announced, and again when the data is there."""
    line, limit = case.line("limits", "message_size"), case.model.policy.limits.message_size
    if case.attempt.size > limit:
        return refused("size", f"more than {limit} bytes", line, _TOO_LARGE)
    return goes_on("size", f"at most {limit} bytes", line)


def recipient_syntax(case: Case) -> Said | None:
    """Is the recipient an address at all?"""
    if case.recipient:
        return None
    return refused("recipient", "no address", _SYNTAX, (501, "5.1.3", "Bad recipient address syntax"))


def bare_postmaster(case: Case) -> Said | None:
    """Whoever writes to `postmaster` without a domain reaches the postmaster, past all that is asked of recipients."""
    if not case.is_bare_postmaster:
        return None
    line = case.line("organisation", "postmaster")
    return goes_on("bare postmaster", f"always reached (RFC 5321 §4.5.1): {case.delivered.key}", line)


def _listed(case: Case, kind: str, matches: lists.Matches) -> Said:
    """A block entry refuses, unless any allow entry of its kind speaks for the mail."""
    allowed = lists.first(case, "allow", kind, matches)
    if allowed:
        return goes_on(f"{kind} list", "on the allow list", allowed)
    blocked = lists.first(case, "block", kind, matches)
    if blocked:
        code = 550 if kind == "term" else 554
        return refused(f"{kind} list", "on the block list", blocked, (code, "5.7.1", refused_text(case.model)))
    return goes_on(f"{kind} list", "not blocked", case.line("filtering", "block"))


def client_list(case: Case) -> Said:
    """Is the client blocked?"""
    return _listed(case, "client", lists.by_client(case))


def sender_complete(case: Case) -> Said | None:
    """Is the sender a full address?"""
    if case.sender is None or case.sender.is_null or case.sender.is_complete:
        return None
    return refused("sender", "no full address", "always (RFC 5321 §2.3.5)", _INCOMPLETE)


def sender_list(case: Case) -> Said | None:
    """Is the sender blocked? The null sender is nobody."""
    return None if case.sender is None or case.sender.is_null else _listed(case, "sender", lists.by_sender(case))


def relaying(case: Case) -> Said:
    """May this client send to this domain?"""
    internal = case.line("networks", "internal")
    if case.is_logged_in and case.attempt.port in doors.SUBMISSION:
        return goes_on("relaying", "logged in", case.line("submission"))
    if case.may_relay:
        return goes_on("relaying", "logged in" if case.is_logged_in else "internal client", internal)
    recipient = case.recipient
    if case.domain and recipient and not recipient.is_routed:
        return goes_on("relaying", "one of our domains", case.line("domains", case.domain))
    if recipient and recipient.at_server and not recipient.is_routed:
        return goes_on("relaying", "this very server", internal)
    outcome = "the local part names another destination" if case.domain else "neither ours nor from inside"
    return refused("relaying", outcome, internal, (554, "5.7.1", "Relay access denied"))


def recipient_complete(case: Case) -> Said | None:
    """Is the recipient a full address?"""
    if case.recipient and case.recipient.is_complete:
        return None
    return refused("recipient", "no full address", "always (RFC 5321 §2.3.5)", _INCOMPLETE)


def recipient_exists(case: Case) -> Said | None:
    """Does the recipient exist, by its domain's list or by who is asked? Nobody lives at the server's own address."""
    recipient = case.recipient
    if recipient is None or not (case.domain or recipient.at_server):
        return None
    line = case.line("domains", case.domain, "recipients") if case.domain else case.line("domains")
    if recipient.key in case.model.recipients.get(case.domain or "", ()):
        return goes_on("recipient", "listed", line)
    if case.domain and recipient.key == f"postmaster@{case.domain}":
        line = case.line("organisation", "postmaster")
        return goes_on("recipient", f"always exists (RFC 5321 §4.5.1): {case.delivered.key}", line)
    unknown = (550, "5.1.1", unknown_text(case.model, repeated(recipient.told)))
    source = case.model.asked(case.domain) if case.domain else None
    return _asked(case, source, line, unknown) if source else refused("recipient", "not listed", line, unknown)


def _asked(case: Case, source: str, line: str, unknown: tuple[int, str, str]) -> Said:
    """What comes of asking somebody else. A directory's answers are not remembered, those of a next hop are."""
    exists, remembered = case.attempt.recipient_exists, source == "the next hop" and case.attempt.recipient_exists
    if case.attempt.source_down and not remembered:
        reply = _LOOKUP_FAILED if source == "the directory" else _NOT_TOLD
        return put_off("recipient", f"{source} does not answer: put off", line, reply)
    if case.attempt.source_down:
        return goes_on("recipient", f"remembered, though {source} does not answer", line)
    if exists is None:
        return goes_on("recipient", f"only {source} can tell; taken to exist", line)
    return (
        goes_on("recipient", f"{source} knows it", line)
        if exists
        else refused("recipient", f"{source} does not know it", line, unknown)
    )


def recipient_list(case: Case) -> Said:
    """Is the recipient blocked?"""
    return _listed(case, "recipient", lists.by_recipient(case))


def destination_list(case: Case) -> Said | None:
    """Is the foreign domain blocked?"""
    return None if case.domain else _listed(case, "destination", lists.by_destination(case))


def term_list(case: Case) -> Said | None:
    """Does the Subject, as sent, hold a blocked term?"""
    return None if case.attempt.subject is None else _listed(case, "term", lists.by_term_as_sent(case))


CONNECTED: tuple[Ask, ...] = (lock_out,)
ANNOUNCED: tuple[Ask, ...] = (sender_syntax, size, recipient_syntax, bare_postmaster)
ENVELOPE: tuple[Ask, ...] = (
    client_list,
    doors.login,
    sender_complete,
    doors.owner,
    sender_list,
    relaying,
    recipient_complete,
    recipient_exists,
    recipient_list,
    destination_list,
)
DATA: tuple[Ask, ...] = (term_list,)

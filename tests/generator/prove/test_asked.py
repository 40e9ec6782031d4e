"""Domains of which a directory or the next hop alone knows who exists: what is rendered, decided, explained, proven."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from gatepost.bundle import Bundle, Part
from gatepost.decide import Attempt, decide
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.policy.ldap import distinguished_name, search_filter
from gatepost.prove import Probe, judge, lines, probes
from gatepost.prove.seen import Reply, Seen
from gatepost.render import postfix
from gatepost.render.postfix.asked import answer_rules
from gatepost.render.postfix.quoting import ldap_filter, ldap_name, table_cf
from hypothesis import given
from hypothesis import strategies as st
from proving import EVERYWHERE
from written import OUTSIDE, TEN_LINES, written

SECRET = "        bind: cn=gatepost,dc=example,dc=org\n        secret: ldap-example\n"
ASKED = TEN_LINES.replace(
    "networks:",
    f"""\
  directory.example:
    deliver_to: smtp:[mailstore.example.org]:25
    recipients:
      ldap:
        servers: [ldap://ldap1.example.org, "ldap://[2001:db8::5]:3389"]
        base: ou=100% people,dc=example,dc=org
        filter: (&(mail={{recipient}})(cn=100%))
{SECRET}  hop.example:
    deliver_to: lmtp:[mailstore.example.org]:24
    recipients: {{ask_next_hop: true}}
networks:""",
)
HOST = Host("gate", "gate.example.net", 12, ("10.91.0.12",))
MODEL = written(base=ASKED)
NOBODY = replace(OUTSIDE, recipient="nobody@hop.example")


def part(model: Model = MODEL) -> Part:
    return postfix.render(model, HOST)


def text_of(path: str, model: Model = MODEL) -> str:
    return next(file.content.decode() for file in part(model).files if file.path == f"/etc/postfix/{path}")


def parameters(text: str) -> dict[str, str]:
    """A table's source as Postfix reads it: name = value, one on each line."""
    split = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in split}


# --- render ----------------------------------------------------------------------------------------------------------


def test_a_directory_is_asked_for_its_own_domain_alone_with_verified_encryption() -> None:
    found = parameters(text_of("ldap/directory.example.cf"))
    assert found["server_host"] == "ldap://ldap1.example.org:389 ldap://[2001:db8::5]:3389"
    assert (found["domain"], found["start_tls"], found["tls_require_cert"]) == ("directory.example", "yes", "yes")
    assert found["tls_ca_cert_file"] == "/etc/ssl/certs/ca-certificates.crt"
    assert (found["search_base"], found["query_filter"]) == (
        "ou=100%% people,dc=example,dc=org",
        "(&(mail=%s)(cn=100%%))",
    )
    assert found["result_attribute"] == "mail"


def test_the_library_gives_up_before_postfix_would_jump_out_of_it() -> None:
    units = [file.content.decode() for file in part().files if file.path.endswith("gatepost.conf")]
    assert [re.findall(r"Environment=LDAPTIMEOUT=(\d+)", unit) for unit in units].count(["5"]) == 1
    assert parameters(text_of("ldap/directory.example.cf"))["timeout"] == "6"
    assert "LDAPTIMEOUT" in text_of("main.cf") and "LDAPTIMEOUT" not in text_of("main.cf", written())


def test_ldaps_needs_no_starttls_and_none_says_so() -> None:
    ldaps = ASKED.replace("ldap://ldap1", "ldaps://ldap1").replace('"ldap://[', '"ldaps://[')
    assert parameters(text_of("ldap/directory.example.cf", written(base=ldaps)))["start_tls"] == "no"
    plain = parameters(
        text_of("ldap/directory.example.cf", written("", base=ASKED.replace(SECRET, "        tls: none\n")))
    )
    assert (plain["start_tls"], plain["bind"], "bind_dn" in plain) == ("no", "no", False)


def test_the_bundle_names_the_secret_in_a_file_that_not_everyone_reads_and_holds_a_word_in_its_place() -> None:
    [file] = [file for file in part().files if file.secrets]
    assert file.secrets is not None
    [(name, word)] = file.secrets.items()
    assert (name, file.mode, file.group) == ("ldap-example", "0640", "postfix")
    assert file.content.decode().count(word) == 1
    listed = Bundle("gate", 12, "policy.yml", (part(),)).manifest["files"]
    assert [entry["path"] for entry in listed if "secrets" in entry] == ["/etc/postfix/ldap/directory.example.cf"]


def test_a_release_is_possible_while_the_directory_is_down() -> None:
    ldap = [check for check in part().checks if "directory" in check.name]
    assert [check.argv[4] for check in ldap] == ["nobody@gatepost.invalid"]
    assert "nobody@example.org" in str(part().proof) or "gatepost-proof-nobody@example.org" in str(part().proof)


def test_the_proof_of_a_release_asks_no_directory_even_where_there_is_nothing_else() -> None:
    only = ASKED.replace("recipients: {list: [anna", "recipients: {ask_next_hop: true} # [anna")
    assert "<gatepost-proof-nobody@[127.0.0.1]>" in str(part(written(base=only)).proof)


def test_the_next_hop_is_asked_for_everyone_but_the_postmaster_and_for_no_other_domain() -> None:
    asked = [line for line in text_of("maps/asked").splitlines() if line and line[0] != "#"]
    assert asked == ["postmaster@hop.example DUNNO", "hop.example reject_unverified_recipient"]
    asking = [line for line in text_of("maps/asking").splitlines() if line and line[0] != "#"]
    assert asking == ["hop.example ask-lmtp:[mailstore.example.org]:24"]
    assert "@hop.example x" in text_of("maps/recipients").splitlines()
    assert "@directory.example" not in text_of("maps/recipients")


def test_asking_comes_before_the_lists_and_a_source_that_is_down_puts_off() -> None:
    main = text_of("main.cf")
    assert re.search(r"reject_unlisted_recipient,\s+check_recipient_access lmdb:/etc/postfix/maps/asked,", main)
    for line in ("unverified_recipient_tempfail_action = defer", "unverified_recipient_defer_code = 450"):
        assert line in main.splitlines()


def test_a_policy_that_asks_nobody_has_nothing_of_it() -> None:
    model = written()
    assert "ask-" not in text_of("main.cf", model) + text_of("master.cf", model)
    assert not {file.path for file in part(model).files} & {"/etc/postfix/maps/asked", "/etc/postfix/maps/asking"}


def meaning(status: str) -> str:
    """What Postfix makes of a delivery's status: the first rule that matches says."""
    for rule in answer_rules():
        pattern, result = re.fullmatch(r"/(.*)/ (.*)", rule).groups()  # type: ignore[union-attr]
        if found := re.search(pattern, status):
            return str(result).replace("${1}", found[1] if found.groups() else "")
    return status


@pytest.mark.parametrize(
    "status",
    [
        "5.1.1 host a[192.0.2.1] said: 550 5.1.1 <x@y>: Recipient address rejected (in reply to RCPT TO command)",
        "5.1.10 host a[192.0.2.1] said: 550 5.1.10 RESOLVER.ADR.RecipientNotFound (in reply to RCPT TO command)",
        "5.4.1 host a[192.0.2.1] said: 550 5.4.1 Recipient rejected: Access denied (in reply to RCPT TO command)",
        "5.0.0 host a[192.0.2.1] said: 550 no such user (in reply to RCPT TO command)",
    ],
)
def test_what_the_next_hop_says_of_the_address_itself_is_definite(status: str) -> None:
    assert meaning(status) == "5.1.1 User unknown"


@pytest.mark.parametrize(
    "status",
    [
        "5.7.1 host a[192.0.2.1] refused to talk to me: 554 5.7.1 go away",
        "5.7.1 host a[192.0.2.1] said: 554 5.7.1 Client host rejected (in reply to RCPT TO command)",
        "5.1.8 host a[192.0.2.1] said: 550 5.1.8 sender refused (in reply to MAIL FROM command)",
        "5.1.1 host a[192.0.2.1] said: 550 5.1.1 no (in reply to MAIL FROM command)",
        "5.0.0 host a[192.0.2.1] said: 554 no (in reply to RCPT TO command)",
        "5.4.6 mail for a loops back to myself",
        "5.4.4 Host or domain name not found. Name service error for name=a type=A: Host not found",
        "4.4.1 connect to a[192.0.2.1]:25: Connection refused",
    ],
)
def test_every_other_refusal_puts_off_and_names_no_host(status: str) -> None:
    assert re.fullmatch(r"4\.\d\.\d+ whether it exists cannot be told at the moment", meaning(status))


def test_an_answer_that_takes_the_address_is_left_as_it_is() -> None:
    assert meaning("2.1.5 250 2.1.5 Ok") == "2.1.5 250 2.1.5 Ok"


values = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="()*\\{}\x7f"), min_size=1, max_size=30
)


@given(values)
def test_no_value_of_a_filter_becomes_a_place_for_the_address(value: str) -> None:
    try:
        text = search_filter(f"(&(mail={{recipient}})(cn={value}))").text
    except ValueError:
        return
    written_ = table_cf(ldap_filter(text))
    assert "\n" not in written_
    assert written_.replace("%%", "").count("%") == 1
    assert written_.replace("%s", "{recipient}", 1).replace("%%", "%") == text or "%s" in value


@given(values)
def test_no_value_of_a_name_becomes_a_place_for_the_address(value: str) -> None:
    try:
        text = distinguished_name(f"cn={value},dc=org")
    except ValueError:
        return
    assert "%" not in table_cf(ldap_name(text)).replace("%%", "")


@pytest.mark.parametrize("value", ["a\nb", " a", "a ", "a\0"])
def test_what_a_table_cannot_say_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        table_cf(value)


# --- decide ----------------------------------------------------------------------------------------------------------


def on(domain: str, **changes: Any) -> tuple[str, int, str]:
    """Action, code, and what is said of the recipient."""
    found = decide(MODEL, replace(OUTSIDE, recipient=f"x@{domain}", **changes))
    return found.action, found.code, next(step.outcome for step in found.steps if step.what == "recipient")


def test_what_nobody_was_asked_is_said_in_words_and_taken_to_exist() -> None:
    assert on("directory.example") == ("accept", 250, "only the directory can tell; taken to exist")
    assert on("hop.example") == ("accept", 250, "only the next hop can tell; taken to exist")


def test_what_the_source_says_is_decided_by() -> None:
    assert on("directory.example", recipient_exists=True) == ("accept", 250, "the directory knows it")
    assert on("hop.example", recipient_exists=False) == ("reject", 550, "the next hop does not know it")


@pytest.mark.parametrize("exists", [None, True, False])
def test_a_directory_that_is_down_puts_off_whoever_it_is(exists: bool | None) -> None:
    down = on("directory.example", recipient_exists=exists, source_down=True)
    assert down == ("defer", 451, "the directory does not answer: put off")


def test_a_next_hop_that_is_down_puts_off_all_but_those_who_are_remembered() -> None:
    for exists in (None, False):
        assert on("hop.example", recipient_exists=exists, source_down=True)[:2] == ("defer", 450)
    remembered = on("hop.example", recipient_exists=True, source_down=True)
    assert remembered == ("accept", 250, "remembered, though the next hop does not answer")


def test_a_list_does_not_mind_that_a_source_elsewhere_is_down() -> None:
    assert decide(MODEL, replace(OUTSIDE, source_down=True)).action == "accept"
    unknown = replace(OUTSIDE, recipient="nobody@example.org", source_down=True, recipient_exists=True)
    assert decide(MODEL, unknown).code == 550


def test_a_client_that_was_put_off_has_no_lane_and_no_next_hop_yet() -> None:
    found = decide(MODEL, replace(NOBODY, source_down=True))
    assert (found.lane, found.next_hop, found.recipient) == (None, None, None)


@pytest.mark.parametrize("domain", ["directory.example", "hop.example"])
def test_postmaster_exists_whatever_the_source_says(domain: str) -> None:
    attempt = replace(OUTSIDE, recipient=f"postmaster@{domain}", recipient_exists=False, source_down=True)
    found = decide(MODEL, attempt)
    assert (found.action, found.recipient) == ("accept", "anna@example.org")


# --- prove -----------------------------------------------------------------------------------------------------------


def made(more: str = "") -> tuple[Model, list[Probe]]:
    model = written(more, base=ASKED)
    return model, probes(model, EVERYWHERE, HOST)


def answered(code: int, enhanced: str, text: str = "") -> Seen:
    return Seen((Reply("RCPT TO", code, enhanced, text),))


def of(found: list[Probe], what: str, domain: str) -> Probe:
    return next(p for p in found if p.what.startswith(what) and p.attempt.recipient.endswith(f"@{domain}"))


@pytest.mark.parametrize("domain", ["directory.example", "hop.example"])
def test_an_address_that_nobody_has_must_be_refused_by_asking(domain: str) -> None:
    model, found = made()
    probe = of(found, "an unknown recipient", domain)
    assert decide(model, probe.attempt).code == 550
    assert not any(p.what.startswith("a known recipient") and p.attempt.recipient.endswith(domain) for p in found)


def test_a_next_hop_that_takes_every_address_is_found() -> None:
    model, found = made()
    result = judge(model, of(found, "an unknown recipient", "hop.example"), answered(250, "2.1.5", "Ok"))
    assert result.outcome == "differs" and "the next hop takes an address that nobody has" in result.reasons[-1]


@pytest.mark.parametrize(
    ("domain", "code", "enhanced"), [("directory.example", 451, "4.3.0"), ("hop.example", 450, "4.1.1")]
)
def test_a_source_that_does_not_answer_is_no_proof_of_anything(domain: str, code: int, enhanced: str) -> None:
    model, found = made()
    result = judge(model, of(found, "an unknown recipient", domain), answered(code, enhanced, "x"))
    assert result.outcome == "unknown" and "does not answer" in result.reasons[0]


def test_the_mailbox_for_proofs_must_be_known_to_who_is_asked() -> None:
    model, found = made("proof: {recipient: proof@hop.example}\n")
    probe = of(found, "a known recipient", "hop.example")
    assert (probe.attempt.recipient, probe.attempt.recipient_exists) == ("proof@hop.example", True)
    result = judge(model, probe, answered(550, "5.1.1", "User unknown"))
    assert result.outcome == "differs"


def test_a_blocked_recipient_whom_the_directory_does_not_know_is_not_proven() -> None:
    model, found = made("filtering: {block: [{recipient: gone@directory.example}]}\n")
    probe = next(p for p in found if p.what == "a blocked recipient")
    result = judge(model, probe, answered(550, "5.1.1", "User unknown"))
    assert result.outcome == "unknown" and "does not know gone@directory.example" in result.reasons[0]


def test_nobody_unknown_gets_a_mail_and_the_line_stays_unproven_with_its_reason() -> None:
    model, found = made("filtering: {allow: [{recipient: someone@hop.example}]}\n")
    assert not [p for p in found if p.what.startswith("an allowed recipient")]
    [line] = [line for line in lines(model, ()) if line.name == "filtering.allow.0.recipient"]
    assert (line.standing, bool(line.reason)) == ("unproven", True)


def test_a_policy_in_which_everybody_is_asked_for_can_be_probed() -> None:
    only = ASKED.replace("recipients: {list: [anna", "recipients: {ask_next_hop: true} # [anna")
    model = written(base=only)
    found = probes(model, EVERYWHERE, HOST)
    mails = {p.attempt.recipient for p in found if p.mail and p.attempt.recipient.endswith("example")}
    assert mails <= {"postmaster@directory.example", "postmaster@hop.example"}


def test_an_attempt_needs_to_know_nothing_of_sources() -> None:
    assert (Attempt.recipient_exists, Attempt.source_down) == (None, False)

"""The judge: what a server did, beside what the policy says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gatepost.prove import Probe, judge, lines, probes
from gatepost.prove.seen import Reply, Seen, score_of
from gatepost.prove.signatures import judge_signatures
from proving import EVERYWHERE, GATE, LISTS, about, arrival, made, well
from written import TEN_LINES, written

MODEL, PROBES = made(LISTS)


def first(what: str) -> Probe:
    return next(probe for probe in PROBES if probe.what.startswith(what))


def reasons(what: str, **changes: Any) -> tuple[str, ...]:
    """Why a probe differs, when the server did something else than it should."""
    probe = first(what)
    result = judge(MODEL, probe, well(MODEL, probe, **changes))
    assert result.outcome == "differs"
    return result.reasons


def test_a_server_that_follows_the_policy_agrees_on_every_probe() -> None:
    results = [judge(MODEL, probe, well(MODEL, probe)) for probe in PROBES]
    assert [(r.what, r.reasons) for r in results if r.outcome != "ok"] == []


@pytest.mark.parametrize(
    ("what", "changes", "word"),
    [
        ("an unknown recipient", {"replies": (Reply("RCPT TO", 250, "2.1.5", "Ok"),)}, "expected 550 5.1.1"),
        ("an unknown recipient", {"replies": (Reply("RCPT TO", 550, "5.1.1", "User unknown"),)}, "lacks the words"),
        ("an unknown recipient", {"replies": (Reply("RCPT TO", 450, "4.1.1", "later"),)}, "answered 450"),
        ("a blocked sender", {"replies": (Reply("RCPT TO", 554, "5.7.0", "Refused"),)}, "enhanced code"),
        ("relaying, as", {"replies": (Reply("RCPT TO", 250, "2.1.5", "Ok"),)}, "answered 250"),
        ("relaying, as", {"replies": (Reply("RCPT TO", 451, "4.3.0", "later"),)}, "answered 451"),
        ("a known recipient", {"replies": (Reply("RCPT TO", 550, "5.1.1", "User unknown"),)}, "expected 250"),
        ("a known recipient", {"replies": (Reply("DATA", 250, "2.0.0", "Ok"),)}, "expected 250"),
        ("a known recipient", {"arrived": ()}, "did not arrive"),
        ("a known recipient", {"arrived": (), "queued": ("ID: store is down",)}, "store is down"),
        ("a known recipient", {"arrived": (arrival("bert@example.org"),)}, "in the mailbox of bert@example.org"),
        ("a known recipient", {"arrived": (arrival("anna@example.org"),) * 2}, "2 times"),
        ("a known recipient", {"arrived": (arrival("anna@example.org", X_Spam_Flag="YES"),)}, "marked as spam"),
        ("a known recipient", {"quarantined": ("X-Spam-Score: 3",), "arrived": ()}, "lies in quarantine"),
        ("a blocked term", {"arrived": (arrival("anna@example.org"),)}, "arrived all the same"),
        ("a virus as", {"arrived": (arrival("anna@example.org"),)}, "expected to be kept back"),
        ("a virus as", {"quarantined": ()}, "not in quarantine"),
        ("a virus as", {"notices": (arrival("x@foreign.test", Subject="Undelivered"),)}, "notice"),
    ],
)
def test_a_wrong_server_is_found_out(what: str, changes: dict[str, Any], word: str) -> None:
    assert any(word in reason for reason in reasons(what, **changes))


def test_a_mail_without_the_scanners_header_was_not_scanned() -> None:
    unscanned = replace(arrival("anna@example.org"), headers=())
    assert "without the scanner's header" in reasons("a known recipient", arrived=(unscanned,))[0]


def test_an_odd_form_may_be_refused_for_another_reason() -> None:
    probe = first("relaying, as")
    seen = Seen((Reply("RCPT TO", 501, "5.1.3", "Bad recipient address syntax"),))
    assert judge(MODEL, probe, seen).outcome == "ok"


def test_no_answer_is_unknown_and_never_a_refusal() -> None:
    for probe in (first("relaying, as"), first("a blocked client")):
        result = judge(MODEL, probe, Seen(error="timed out"))
        assert (result.outcome, result.reasons) == ("unknown", ("timed out",))


def test_a_mailbox_or_a_server_that_does_not_answer_leaves_it_open() -> None:
    probe = first("a known recipient")
    assert judge(MODEL, probe, well(MODEL, probe, arrived=(), unread=("store: no route",))).outcome == "unknown"
    virus = first("a virus as")
    silent = well(MODEL, virus, quarantined=(), server_error="gate: no route")
    assert judge(MODEL, virus, silent).outcome == "unknown"


# --- the spam score --------------------------------------------------------------------------------------------------


def scored(score: str, *, flag: bool = False) -> Seen:
    probe = first("a mail that looks like spam")
    headers = {"X_Spam_Score": score, **({"X_Spam_Flag": "YES"} if flag else {})}
    return well(MODEL, probe, arrived=(arrival("anna@example.org", **headers),))


@pytest.mark.parametrize(
    ("score", "flag", "line"), [("2.5", False, "tag_at"), ("7", True, "mark_at"), ("5", True, "mark_at")]
)
def test_a_threshold_is_proven_by_the_score_that_the_server_gave(score: str, flag: bool, line: str) -> None:
    result = judge(MODEL, first("a mail that looks like spam"), scored(score, flag=flag))
    assert (result.outcome, result.proves) == ("ok", (("filtering", "spam", line),))


@pytest.mark.parametrize(("score", "flag"), [("4.9", True), ("7", False), ("9.5", True)])
def test_a_score_on_the_wrong_side_of_a_threshold_is_found_out(score: str, flag: bool) -> None:
    assert judge(MODEL, first("a mail that looks like spam"), scored(score, flag=flag)).outcome == "differs"


def test_a_mail_whose_score_is_not_told_proves_no_threshold() -> None:
    probe = first("a mail that looks like spam")
    result = judge(MODEL, probe, well(MODEL, probe))
    assert (result.outcome, result.proves) == ("ok", ())


@pytest.mark.parametrize(
    ("headers", "score"),
    [
        ({"x-spam-score": "6.31"}, 6.31),
        ({"x-spam-status": "No, score=-1.2 tagged_above=2 required=5"}, -1.2),
        ({"x-spam-status": "Yes, hits"}, None),
        ({}, None),
    ],
)
def test_a_score_is_read_from_either_header(headers: dict[str, str], score: float | None) -> None:
    assert score_of(headers) == score


# --- replies ---------------------------------------------------------------------------------------------------------


def test_a_reply_of_several_lines_is_one_text_without_its_codes() -> None:
    lines = ["550-5.1.1 <x@y.example>: User unknown", "550 5.1.1 Check the   spelling"]
    reply = Reply.of("RCPT TO", lines)
    assert (reply.code, reply.enhanced) == (550, "5.1.1")
    assert reply.text == "<x@y.example>: User unknown Check the spelling"
    assert Reply.of("", ["220 gate ESMTP"]).enhanced == ""


# --- signatures ------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clamd", "outcome", "word"),
    [
        ({"error": None, "version": "ClamAV 1.4.6", "built": None}, "differs", "no date"),
        ({"error": None, "version": "…", "built": (NOW - timedelta(hours=40)).timestamp()}, "differs", "40 h old"),
        ({"error": None, "version": "…", "built": (NOW - timedelta(hours=30)).timestamp()}, "ok", ""),
        ({"error": "no socket", "version": None, "built": None}, "unknown", "no socket"),
        (None, "unknown", "no route"),
    ],
)
def test_signatures_are_as_old_as_clamd_says(clamd: dict[str, Any] | None, outcome: str, word: str) -> None:
    result = judge_signatures(written(), "gate", clamd, "no route", NOW)
    assert result.outcome == outcome
    assert word in " ".join(result.reasons)


# --- lines -----------------------------------------------------------------------------------------------------------


def standing(results: list[Any]) -> dict[str, str]:
    return {line.name: line.standing for line in lines(MODEL, results)}


def test_every_line_of_the_policy_stands_somewhere() -> None:
    found = standing([judge(MODEL, probe, well(MODEL, probe)) for probe in PROBES])
    assert found["domains.example.org.deliver_to"] == "proven"
    assert found["filtering.block.5.term"] == "proven"
    assert found["unknown_recipients.text"] == "proven"
    assert found["filtering.viruses.when_scanner_is_down"] == "unproven"
    assert found["filtering.spam.mark_at"] == "unproven"
    assert found["logs.keep"] == "unproven"
    assert "filtering.block.0.reason" not in found


def test_one_probe_that_differs_fails_its_line() -> None:
    several = about(PROBES, "filtering", "block", 5, "term")
    results = [judge(MODEL, probe, well(MODEL, probe)) for probe in several[1:]]
    results.append(judge(MODEL, several[0], Seen((Reply(".", 250, "2.0.0", "Ok"),))))
    assert standing(results)["filtering.block.5.term"] == "failed"


def test_an_entry_that_another_one_shadows_is_not_proven_by_it() -> None:
    lists = "filtering: {block: [{sender: '@scam.example'}, {sender: joe@scam.example}]}\n"
    model, found = made(lists)
    results = [judge(model, probe, well(model, probe)) for probe in found]
    stands = {line.name: line.standing for line in lines(model, results)}
    assert stands["filtering.block.0.sender"] == "proven"
    assert stands["filtering.block.1.sender"] == "unproven"


def test_a_help_page_is_proven_only_by_a_reply_that_names_it() -> None:
    named = TEN_LINES.replace("domains:", "  help_url: https://help.example/\ndomains:")
    model = written("unknown_recipients: {text: ask somebody}\n", base=named)
    results = [judge(model, probe, well(model, probe)) for probe in probes(model, EVERYWHERE, GATE)]
    stands = {line.name: line.standing for line in lines(model, results)}
    assert stands["organisation.help_url"] == "unproven"


def test_an_ordinary_mail_that_a_strict_policy_keeps_back_leaves_it_open() -> None:
    strict, found = made("filtering: {spam: {tag_at: 1, mark_at: 2, quarantine_at: 3}}\n")
    probe = next(p for p in found if p.what.startswith("a known recipient"))
    kept = well(strict, probe, arrived=(), quarantined=("X-Spam-Score: 3.6",))
    assert judge(strict, probe, kept).outcome == "unknown"
    lost = well(strict, probe, arrived=(), quarantined=("X-Spam-Score: 2.6",))
    assert judge(strict, probe, lost).outcome == "differs"

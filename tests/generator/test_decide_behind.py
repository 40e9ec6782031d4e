"""Behind the gate: what the filter does with a mail that was taken."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from test_decide_gate import LISTS
from written import INSIDE, verdict


def encoded(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def test_what_is_kept_back_was_taken_from_the_client_first() -> None:
    found = verdict(virus="Eicar")
    assert (found.code, found.enhanced, found.lane, found.recipient) == (250, "2.0.0", "normal", "anna@example.org")
    assert found.next_hop is None


def test_a_mail_waits_while_a_scanner_is_down_even_with_a_virus() -> None:
    found = verdict(scanner_down=True, virus="Eicar")
    assert (found.action, found.line) == ("defer", "policy.yml filtering.viruses.when_scanner_is_down (default)")
    assert found.next_hop == "smtp:[mailstore.example.org]:25"


def test_a_virus_is_quarantined_and_the_allow_list_does_not_help() -> None:
    found = verdict(LISTS, virus="Eicar", sender="good@scam.example")
    assert (found.action, found.steps[-1].outcome) == ("quarantine", "Eicar found: quarantined")


def test_a_virus_is_discarded_where_the_policy_says_so() -> None:
    found = verdict("filtering: {viruses: {action: discard}}\n", virus="Eicar")
    assert (found.action, found.line) == ("discard", "policy.yml:11 filtering.viruses.action")


@pytest.mark.parametrize(
    "name", ["a.exe", "A.EXE", "invoice.pdf.exe", "a.exe.", "a.exe . ", "a.exe'", "a.exe\u200b", "a.js\x01"]
)
def test_a_forbidden_extension_is_seen_at_the_end_of_the_name_in_any_case(name: str) -> None:
    assert verdict(attachments=("good.pdf", name)).action == "quarantine"


def test_an_extension_elsewhere_in_the_name_does_not_count() -> None:
    assert verdict(attachments=("exe.pdf", "a.exe.txt", "exe", ".exe", "")).action == "accept"


def test_the_line_of_the_very_extension_is_named() -> None:
    more = "filtering:\n  attachments:\n    forbidden:\n    - js\n    - scr\n"
    assert verdict(more, attachments=("x.scr",)).line == "policy.yml:15 filtering.attachments.forbidden.1"
    assert verdict(attachments=("x.scr",)).line == "policy.yml filtering.attachments.forbidden (default)"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16"])
def test_a_term_that_shows_only_when_decoded_is_quarantined(charset: str) -> None:
    found = verdict(LISTS, subject=encoded("Urgent bank  transfer", charset))
    assert (found.action, found.line) == ("quarantine", "policy.yml:25 filtering.block.6.term")


def test_a_term_in_two_encoded_words_is_one_term() -> None:
    assert verdict(LISTS, subject=f"{encoded('urgent ba')}\r\n {encoded('nk transfer')}").action == "quarantine"


def test_an_allowed_term_that_shows_only_when_decoded_spares_the_mail() -> None:
    assert verdict(LISTS, subject=encoded("council minutes, urgent bank transfer")).action == "accept"


@pytest.mark.parametrize("subject", ["=?no-such?B?AAAA?=", "=?utf-8?B?A?=", "=?utf-8?Q?=ZZ?=", "=?utf-8?B?/////w==?="])
def test_a_subject_that_cannot_be_decoded_is_looked_at_as_it_stands(subject: str) -> None:
    assert verdict(LISTS, subject=subject).action == "accept"


def test_umlauts_fold_their_case_once_decoded() -> None:
    more = "filtering:\n  block:\n    - {term: günstige kredite}\n"
    assert verdict(more, subject=encoded("GÜNSTIGE Kredite")).action == "quarantine"


SPAM = "filtering:\n  spam: {tag_at: 2, mark_at: 5, quarantine_at: 9}\n"
SCORES = [
    (1.9, "accept", False, False),
    (2.0, "accept", True, False),
    (5.0, "accept", True, True),
    (8.9, "accept", True, True),
    (9.0, "quarantine", False, False),
]


@pytest.mark.parametrize(("score", "action", "tagged", "marked"), SCORES)
def test_each_threshold_counts_from_its_very_score_on(score: float, action: str, tagged: bool, marked: bool) -> None:
    found = verdict(SPAM, spam_score=score)
    assert (found.action, found.tagged, found.marked) == (action, tagged, marked)


def test_only_our_own_recipients_see_marks() -> None:
    found = verdict(SPAM, attempt=INSIDE, recipient="x@foreign.example", spam_score=6)
    assert (found.action, found.tagged, found.marked) == ("accept", False, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "good@scam.example"},
        {"recipient": "anna@example.org"},
        {"recipient": "postmaster"},
        {"recipient": "o'brien@example.org", "subject": "council minutes"},
        {"attempt": INSIDE, "recipient": "x@partner.example"},
    ],
)
def test_every_kind_of_allow_entry_spares_the_spam_filter(changes: dict[str, Any]) -> None:
    lists = LISTS.replace('    - {recipient: "@example.org"}\n', "")
    found = verdict(lists, spam_score=100.0, **changes)
    assert (found.action, found.tagged, found.marked) == ("accept", False, False)

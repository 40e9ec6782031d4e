"""No value that a policy may hold escapes its place in a file of Postfix: what is read back is what was written."""

from __future__ import annotations

import re

import pytest
from gatepost.policy import Address
from gatepost.render.postfix.quoting import footer, main_cf, pcre_literal, pcre_result, speakable_key, table_line
from gatepost.render.postfix.terms import term_pattern
from hypothesis import example, given
from hypothesis import strategies as st
from postfixes import footer_read, logical_lines, result_read, table

ascii_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80)
texts = st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1, max_size=60)
locals_ = ascii_texts.filter(lambda text: len(text) < 60)
addresses = st.builds(Address, locals_, st.just("example.org"))
terms = texts.filter(lambda text: bool(text.split()))


@given(texts)
@example("${1}$$1\\$")
def test_a_text_in_a_pcre_result_is_read_back_as_it_was(text: str) -> None:
    assert result_read(pcre_result(text)) == text


@given(ascii_texts)
@example("\\n\\c\\\\n$recipient ${recipient?x} $$ \\")
@example("\\cost")
def test_a_text_in_a_footer_is_read_back_as_it_was(text: str) -> None:
    assert footer_read(result_read(pcre_result(footer(text)))) == text


@given(ascii_texts, st.from_regex(r"[^$\\\x00-\x1f\x7f-]{1,20}", fullmatch=True).filter(str.isascii))
@example("\\", "nobody")
@example("\\", "cc")
def test_an_address_behind_a_piece_of_a_footer_stays_itself(piece: str, captured: str) -> None:
    read = result_read(pcre_result(footer(piece)) + "${1}", captured)
    assert footer_read(read) == piece + captured


@given(texts)
@example("a/b#c[d]{e}(f)|g.h*i+j?k^l$m\\n 'o' \"p\"")
def test_a_literal_matches_its_text_alone_and_never_ends_the_pattern(text: str) -> None:
    pattern = pcre_literal(text)
    assert re.fullmatch(pattern.encode("ascii"), text.encode())
    assert re.fullmatch(pattern.encode("ascii"), b"x" + text.encode()) is None
    assert "/" not in pattern
    assert "#" not in pattern


@given(addresses, texts.map(str.strip).filter(bool))
@example(Address('a"b\\c d', "example.org"), "x")
@example(Address("#a b", "example.org"), "x")
def test_a_table_gives_back_the_key_and_the_value(address: Address, value: str) -> None:
    key = address.key
    if not speakable_key(key):
        with pytest.raises(ValueError, match="cannot say"):
            table_line(key, value)
        return
    line = table_line(key, value)
    assert len(logical_lines(line + "\n")) == 1
    assert table(line) == {key: value}


@pytest.mark.parametrize("key", ["", "two words", 'un"balanced', "back\\slash", "new\nline"])
def test_a_key_that_postmap_would_misread_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        table_line(key, "x")


@pytest.mark.parametrize("value", [" x", "x ", "a\nb", "{ x }"])
def test_a_value_that_main_cf_would_misread_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        main_cf(value)


def test_a_dollar_in_main_cf_is_no_parameter() -> None:
    assert main_cf("a$b") == "a$$b"


def _found(term: str, header: str) -> bool:
    """As Postfix asks: bytes, the flags i and s."""
    return re.search(term_pattern(term).encode(), header.encode(), re.IGNORECASE | re.DOTALL) is not None


@given(terms)
def test_a_term_is_found_whatever_signs_it_holds(term: str) -> None:
    assert _found(term, f"Subject: {term}")
    assert _found(term, f"SUBJECT:\n  {term}")
    assert _found(term, "Subject: say " + "\n\t".join(term.split()) + " ")
    assert "/" not in term_pattern(term)


@pytest.mark.parametrize(
    ("term", "subject", "found"),
    [
        ("Überweisung", "eine ÜBERWEISUNG!", True),
        ("überweisung", "Überweisung", True),
        ("bung", "Übung", False),
        ("urgent", "urgently", False),
        ("urgent", "x_urgent", False),
        ("urgent", "(urgent)", True),
        ("subject", "nothing", False),
        ("a.c", "abc", False),
        ("urgent transfer", "urgent\r\n\t transfer", True),
        ("urgent transfer", "urgenttransfer", False),
    ],
)
def test_terms_are_whole_words_in_any_case(term: str, subject: str, found: bool) -> None:
    assert _found(term, f"Subject: {subject}") is found

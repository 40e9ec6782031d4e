"""SpamAssassin's rules mean the same terms and senders as the policy, and no value can become syntax."""

from __future__ import annotations

import re

from gatepost.bundle import Part
from gatepost.decide.subject import holds_decoded
from gatepost.render import spamassassin
from gatepost.render.spamassassin.quoting import term_pattern, text_pattern
from hypothesis import given
from hypothesis import strategies as st
from scanners import ALONE, GATE12, model_of, paths_of, text_of

LETTERS = "abcXYZ019_äÖßéñŁωЖ"
NO_LETTERS = ".,;:!?-/#\\'\"$@(){}[]*+^|&„“”–…€«»→★🔥！　"
BLANKS = " \t\u00a0\u2003\u202f\u3000"
ANY = LETTERS + NO_LETTERS + BLANKS
TERMS = st.text(LETTERS + NO_LETTERS + " ", min_size=1, max_size=12).filter(str.strip)


def part_of(more: str = "") -> Part:
    return spamassassin.render(model_of(more), GATE12)


def rules_of(more: str) -> dict[str, re.Pattern[bytes]]:
    """The patterns of local.cf by their rule's name, as Perl would match them: on bytes."""
    lines = text_of(part_of(more), spamassassin.CONFIG).splitlines()
    found = [match for line in lines if (match := re.fullmatch(r"header (\S+) \S+ =~ /(.*)/i", line))]
    return {match[1]: re.compile(match[2].encode("ascii"), re.IGNORECASE) for match in found}


def scores_of(more: str) -> dict[str, float]:
    lines = text_of(part_of(more), spamassassin.CONFIG).splitlines()
    return {name: float(score) for word, name, score in (line.split(" ") for line in lines if line[:6] == "score ")}


@given(TERMS, st.text(ANY, max_size=3), st.text(ANY, max_size=3), st.sampled_from(BLANKS), st.booleans())
def test_the_rule_and_the_decision_find_the_same_terms(
    term: str, before: str, after: str, blank: str, upper: bool
) -> None:
    written = blank.join(term.upper() if upper else term for term in term.split())
    subject = before + written + after
    found = re.search(term_pattern(term).encode("ascii"), subject.encode(), re.IGNORECASE) is not None
    # "ß" in capitals is "SS": SpamAssassin's rule knows that, Python's flag does not.
    assert found == holds_decoded(term, subject) or "ß" in term


def test_a_term_is_found_in_utf_16_which_spamassassin_does_not_decode() -> None:
    pattern = re.compile(term_pattern("Überweisung an Bank").encode("ascii"), re.IGNORECASE)
    for encoding in ("utf-16-be", "utf-16-le", "utf-16"):
        assert pattern.search("zur ÜBERWEISUNG  an bank!".encode(encoding))
        assert not pattern.search("Überweisung an Banken".encode(encoding))
        assert not pattern.search("Überweisung anBank".encode(encoding))


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60).filter(str.strip))
def test_no_value_can_end_a_pattern_or_begin_a_comment(text: str) -> None:
    for pattern in (text_pattern(text), term_pattern(text)):
        assert pattern.isascii() and not set(pattern) & set("/#\n\r\"'$@")


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60))
def test_a_text_pattern_matches_its_own_text(text: str) -> None:
    assert re.fullmatch(text_pattern(text).encode("ascii"), text.encode())


def test_a_sender_is_the_envelope_sender_and_matches_as_a_whole() -> None:
    more = """filtering:
  allow:
    - {sender: Billing@supplier.example}
    - {sender: "@whole.example"}
    - {sender: '"odd name"@odd.example'}
"""
    rules = rules_of(more)
    one, all_there, odd = (rules[f"GATEPOST_ALLOW_{number}"] for number in range(3))
    assert one.search(b" <billing@SUPPLIER.example>") and not one.search(b"<xbilling@supplier.example>")
    assert not one.search(b"<billing@supplier.example.test>")
    assert all_there.search(b"<a@whole.example>") and not all_there.search(b"<a@sub.whole.example>")
    assert odd.search(b'<"odd name"@odd.example>\n')


def test_a_blocked_term_outweighs_every_allowed_sender_but_no_allowed_term() -> None:
    more = """filtering:
  allow: [{sender: a@b.example}, {term: council minutes}]
  block: [{term: bank transfer}]
"""
    scores = scores_of(more)
    assert scores["GATEPOST_BLOCK_0"] + 4 * scores["GATEPOST_ALLOW_0"] > 1000
    assert scores["GATEPOST_ALLOW_1"] + 1000 + 100 < -1000
    meta = "meta GATEPOST_BLOCK_0 __GATEPOST_BLOCK_0 && !(GATEPOST_ALLOW_1)\n"
    assert meta in text_of(part_of(more), spamassassin.CONFIG)


def test_internal_networks_are_trusted() -> None:
    text = text_of(part_of(), spamassassin.CONFIG)
    for network in ("192.0.2.0/24", "2001:db8:1::/48"):
        assert f"trusted_networks {network}\ninternal_networks {network}\n" in text


def test_rules_are_fetched_only_where_a_mirror_is_at_hand() -> None:
    without = spamassassin.render(model_of(), ALONE)
    assert not any("gatepost-sa-update" in path for path in paths_of(without))
    assert [service.unit for service in part_of().services] == ["gatepost-sa-update.timer"]
    assert without.services == ()

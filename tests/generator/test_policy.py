"""What a policy may say: values and their normal forms, sections, and what is told of mistakes."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from gatepost.findings import errors
from gatepost.policy import values as v
from pydantic_core import PydanticCustomError
from written import TEN_LINES, loaded_text, written


def found(more: str = "", *, change: tuple[str, str] = ("", "")) -> list[str]:
    """The findings of ten lines and more, as `line:column id hint`."""
    loaded = loaded_text(TEN_LINES.replace(*change, 1) + more if change[0] else TEN_LINES + more)
    return [f"{f.place.line}:{f.place.column} {f.id} {f.hint}".strip() for f in loaded.findings]


GOOD: list[tuple[Callable[[Any], Any], Any, str]] = [
    (v.domain_name, "Example.ORG", "example.org"),
    (v.domain_name, "bücher.example", "xn--bcher-kva.example"),
    (v.domain_name, "BÜCHER.example", "xn--bcher-kva.example"),
    (v.address, "Anna@Example.org", "Anna@example.org"),
    (v.address, '"john doe"@example.org', '"john doe"@example.org'),
    (v.address, '"anna"@example.org', "anna@example.org"),
    (v.address, '"a\\"b\\c"@example.org', '"a\\"bc"@example.org'),
    (v.address, "o'brien+x/y={$}%@bücher.example", "o'brien+x/y={$}%@xn--bcher-kva.example"),
    (v.pattern, "@Example.org", "@example.org"),
    (v.network, "192.0.2.7", "192.0.2.7/32"),
    (v.network, "2001:DB8::/32", "2001:db8::/32"),
    (v.next_hop, "smtp:[host.example]", "smtp:[host.example]:25"),
    (v.next_hop, "lmtp:[192.0.2.7]", "lmtp:[192.0.2.7]:24"),
    (v.next_hop, "smtp:[IPv6:2001:DB8::1]:2525", "smtp:[2001:db8::1]:2525"),
    (v.next_hop, "smtp:host.example", "smtp:host.example:25"),
    (v.duration, "36h", "129600"),
    (v.duration, "2 w", "1209600"),
    (v.size, "50M", "52428800"),
    (v.size, 65536, "65536"),
    (v.extension, "EXE", "exe"),
    (v.date, "2028-02-29", "2028-02-29"),
]


@pytest.mark.parametrize(("check", "text", "normal"), GOOD)
def test_a_value_has_one_normal_form(check: Callable[[Any], Any], text: Any, normal: str) -> None:
    assert str(check(text)) == normal


WRONG: list[tuple[Callable[[Any], Any], Any]] = [
    *(
        (v.domain_name, text)
        for text in ("", "example", "-a.example", "a_b.example", "a..example", "example.org.", "1.2.3.4")
    ),
    *(
        (v.domain_name, text)
        for text in ("a" * 64 + ".example", "ü" * 300 + ".example", "a b.example", "\n.example", None, 5)
    ),
    *((v.address, text) for text in ("anna", "@example.org", "a b@example.org", "ä@example.org", "a@b@example.org")),
    *(
        (v.address, text)
        for text in ("a..b@example.org", '"a"b"@example.org', "a" * 65 + "@example.org", "a@[192.0.2.1]")
    ),
    *(
        (v.network, text)
        for text in ("192.0.2.0/33", "192.0.2.7/24", "010.0.0.1", "fe80::1%eth0", "::ffff:192.0.2.1", 5, "")
    ),
    *(
        (v.next_hop, text)
        for text in ("host.example", "http:[host.example]", "lmtp:host.example", "smtp:[a.example]:0")
    ),
    *(
        (v.next_hop, text)
        for text in ("smtp:[a.example]:65536", "smtp:192.0.2.1", "smtp:[224.0.0.1]", "smtp:[fe80::1%eth0]")
    ),
    *((v.next_hop, text) for text in ("smtp:[a.example]:٢٥", "smtp:[a b.example]", "smtp:[]", "smtp:[a.example] x")),
    *((v.duration, text) for text in ("", "90", 90, "0d", "-1d", "1.5h", "٣d", "999999w", True, None)),
    *((v.size, text) for text in ("", 0, -1, "1.5M", 1.5, "1k", "4G", "٣M", True, None, "50T")),
    *((v.extension, text) for text in ("", ".exe", "a b", "a" * 13, "é", 7)),
    *(
        (v.date, text)
        for text in ("2030-02-29", "20300101", "2030-1-1", "2030-01-01T00:00:00Z", "٢٠٣٠-01-01", 20300101)
    ),
    *(
        (v.url, text)
        for text in ("www.example.org", "ftp://a.example", "https://a b", "https://a\n", "https://ä.example")
    ),
    *((v.version, value) for value in (0, 2, True, 1.0, "1", None)),
]


@pytest.mark.parametrize(("check", "value"), WRONG)
def test_a_value_that_is_none_is_refused_with_an_id_of_ours(check: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        check(value)
    assert refused.value.context and refused.value.context["text"]


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\ud800", "\u00ad"]
)
def test_no_text_holds_a_character_that_cannot_be_seen(character: str) -> None:
    for check in (v.one_line(200), v.reply_text, v.url, v.address, v.domain_name, v.pattern, v.next_hop, v.extension):
        try:
            assert str(check(f"a{character}b")).isprintable()
        except ValueError:
            continue


@pytest.mark.parametrize("character", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u202e"])
def test_a_domain_with_a_character_that_cannot_be_seen_is_no_other_domain(character: str) -> None:
    for check, value in ((v.domain_name, "{}.org"), (v.address, "a@{}.org"), (v.next_hop, "smtp:{}.org")):
        with pytest.raises(PydanticCustomError):
            check(value.format(f"exam{character}ple"))


def test_a_domain_may_join_letters_as_persian_does() -> None:
    assert v.domain_name("نامه\u200cای.example") == "xn--mgba3gch31f060k.example"


def test_texts_may_hold_what_is_special_elsewhere() -> None:
    text = "$HOME ${x} $(id) `id` 100% %s {brace} # no comment ' \" \\ \\n ; | & < > ü 🏛"
    assert v.one_line(200)(text) == text


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{0}", "{help_url.x}", "{help_url!r}", "{help_url:>9}", "{{help_url}}"]
)
def test_a_reply_has_placeholders_and_no_other_braces(text: str) -> None:
    with pytest.raises(ValueError, match="placeholder"):
        v.reply_text(text)


def test_what_the_policy_does_not_say_has_a_safe_default() -> None:
    policy = written().policy
    assert policy.filtering.spam.quarantine_at == 9
    assert "exe" in policy.filtering.attachments.forbidden
    assert policy.limits.message_size == 50 * 1024**2


def test_all_mistakes_are_told_at_once_each_at_its_place() -> None:
    more = """\
filtering:
  spam: {tag_at: x, marc_at: 5}
  block:
    - {client: 203.0.113.1/24}
    - {sender: nobody}
    - {sender: a@b.example}
    - {recipient: anna@exmple.org}
logs: {keep: 90}
"""
    assert found(more, change=("deliver_to: smtp:", "deliver_to: stmp:")) == [
        "7:17 bad-next-hop did you mean 'smtp'?",
        "12:18 wrong-type",
        "12:21 unknown-key did you mean 'mark_at'?",
        "14:16 host-bits did you mean 203.0.113.0/24?",
        "15:16 bad-address for example: anna@example.org",
        "18:14 bad-duration a number and s, m, h, d or w: 36h, 90d",
    ]


def test_what_is_cut_out_does_not_shift_the_places_of_what_stays() -> None:
    more = "filtering:\n  block: [{sender: nobody}, {sender: a@b.example}, {recipient: anna@exmple.org}]\n"
    assert found(more)[1] == "12:64 unknown-domain did you mean 'example.org'?; for foreign domains: destination"


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ("filterin: {}\n", "did you mean 'filtering'?"),
        ("filtering: {spam: {tag: 1}}\n", "did you mean 'tag_at'?"),
        ("filtering: {block: [{sendr: a@b.example, client: 203.0.113.7}]}\n", "did you mean 'sender'?"),
        ("filtering: {block: [{within: subject, term: x}]}\n", "valid here: client, destination, in, owner, reason, "),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one_at_any_depth(more: str, hint: str) -> None:
    assert hint in found(more)[0]


def test_an_unknown_key_of_a_domain_is_told_with_the_nearest_one() -> None:
    assert "did you mean 'deliver_to'?" in " ".join(found(change=("deliver_to:", "deliverto:")))


@pytest.mark.parametrize("key", ["organisation", "domains", "networks", "policy"])
def test_a_section_that_is_left_out_is_told_at_the_top(key: str) -> None:
    lines = TEN_LINES.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(key))
    end = next((i for i in range(start + 1, len(lines)) if lines[i][:1].strip()), len(lines))
    loaded = loaded_text("\n".join(lines[:start] + lines[end:]))
    assert ("missing-key", 1) in [(f.id, f.place.line) for f in loaded.findings]


@pytest.mark.parametrize("value", ["", " ~", " x", " 1", " [a]", " {a: b}", " true"])
@pytest.mark.parametrize("key", ["organisation", "domains", "networks", "filtering", "limits", "logs", "proof"])
def test_a_section_of_the_wrong_kind_is_a_finding(key: str, value: str) -> None:
    loaded = loaded_text("policy: 1\n" + f"{key}:{value}\n")
    assert errors(loaded.findings)


def test_five_thousand_mistakes_are_told_in_a_moment() -> None:
    more = "filtering:\n  block:\n" + "".join(f"    - {{client: x{n}}}\n" for n in range(2000))
    before = datetime.datetime.now()
    assert len(found(more)) == 2000
    assert datetime.datetime.now() - before < datetime.timedelta(seconds=10)

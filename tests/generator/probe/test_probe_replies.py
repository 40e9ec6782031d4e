"""Replies of servers that may be hostile."""

from __future__ import annotations

import pytest
from gatepost.probe.replies import LONGEST_LINE, MOST_LINES, NoAnswerError, Reply, ReplyReader
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


def read(*pieces: bytes) -> ReplyReader:
    reader = ReplyReader()
    for piece in pieces:
        reader.feed(piece)
    return reader


@given(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=MOST_LINES - 1), st.data())
def test_a_reply_is_the_same_in_whatever_pieces_it_comes(code: int, lines: list[str], data: st.DataObject) -> None:
    signs = ["-"] * (len(lines) - 1) + [" "]
    octets = "".join(f"{code}{sign}{line}\r\n" for sign, line in zip(signs, lines, strict=True)).encode()
    cut = data.draw(st.integers(0, len(octets)))
    assert read(octets).reply == read(octets[:cut], octets[cut:]).reply == Reply(code, tuple(lines))


@given(st.binary(max_size=5000))
def test_any_octets_are_a_reply_or_none_or_an_error_and_what_is_shown_is_printable(octets: bytes) -> None:
    reader = ReplyReader()
    try:
        reader.feed(octets)
    except NoAnswerError as error:
        assert str(error).isprintable()
        return
    if reader.reply is not None:
        assert str(reader.reply).isprintable()
        assert 200 <= reader.reply.code <= 599


@given(st.binary(max_size=200).filter(lambda octets: b"\n" not in octets))
def test_eight_bit_and_control_characters_are_shown_without_harm(octets: bytes) -> None:
    try:
        reply = read(b"550 " + octets + b"\r\n").reply
    except NoAnswerError:
        pytest.fail("a text after a code is a reply, whatever stands in it")
    assert reply is not None
    assert all(line.isprintable() for line in reply.lines)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"hello\r\n", "no SMTP reply"),
        (b"99 no\r\n", "no SMTP reply"),
        (b"650 no\r\n", "no SMTP reply"),
        (b"25\xb2 no\r\n", "no SMTP reply"),
        (b"\x1b[2J250 ok\r\n", "no SMTP reply"),
        (b"250-one\r\n550 two\r\n", "at once"),
        (b"250-more\r\n" * MOST_LINES, "does not end"),
        (b"2" * (LONGEST_LINE + 1), "does not end"),
        (b"250 " + b"x" * LONGEST_LINE + b"\r\n", "no SMTP reply"),
    ],
)
def test_what_is_no_reply_is_an_error_and_never_a_refusal(octets: bytes, reason: str) -> None:
    with pytest.raises(NoAnswerError, match=reason):
        read(octets)


def test_an_unfinished_reply_is_not_there_yet() -> None:
    assert read(b"250-one\r\n25").reply is None


def test_what_comes_after_the_reply_is_kept_apart() -> None:
    reader = read(b"250 one\r\n250 two\r\n")
    assert reader.reply == Reply(250, ("one",))
    assert reader.rest == b"250 two\r\n"


def test_the_enhanced_code_is_told_apart_from_the_text() -> None:
    reply = read(b"554-5.7.1 no\r\n554 5.7.1 never\r\n").reply
    assert reply is not None
    assert (reply.enhanced, reply.text, str(reply)) == ("5.7.1", "no never", "554 5.7.1 no never")

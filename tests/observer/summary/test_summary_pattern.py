"""Reading by blocks: whatever the lines and wherever a block ends, the numbers are those of lines read one by one."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from gatepost_observer.summary.counter import Counter, blocks
from gatepost_observer.summary.hours import Hours
from gatepost_observer.summary.numbers import numbers
from gatepost_observer.summary.pattern import Likeness
from gatepost_observer.summary.single import Single
from gatepost_observer.summary.tally import Tally
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import logs

HOST = b" mx1 "
QUIET = [
    b"postfix/smtpd[7]: connect from x.example[203.0.113.9]",
    b"postfix/smtpd[7]: disconnect from x.example[203.0.113.9] ehlo=1 quit=1 commands=2",
    b"postfix/cleanup[7]: 4jABC: message-id=<a@b>",
    b"postfix/anvil[7]: statistics: max connection rate 1/60s for (smtp:203.0.113.9) at Nov 24 11:04:26",
    b"postfix/postscreen[7]: CONNECT from [203.0.113.9]:4711 to [192.0.2.1]:25",
    b"amavis[7]: (1-2) Passed CLEAN, <a@b> -> <c@d>",
]
COUNTED = [
    b"postfix/smtpd[7]: %b: client=x.example[203.0.113.9]",
    b"postfix/submission/smtpd[7]: %b: client=x.example[203.0.113.9], sasl_method=PLAIN, sasl_username=a",
    b"postfix/pickup[7]: %b: uid=0 from=<root>",
    b"postfix/qmgr[7]: %b: from=<a@b.example>, size=4711, nrcpt=1 (queue active)",
    b"postfix/qmgr[7]: %b: from=<>, size=0, nrcpt=1 (queue active)",
    b"postfix/qmgr[7]: %b: removed",
    b"postfix/lmtp[7]: %b: to=<c@d.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.3, delays=0/0/0/0.3, dsn=2.0.0, status=sent (250 ok)",  # noqa: E501
    b"postfix/smtp[7]: %b: to=<c@D.example>, orig_to=<e>, relay=x[198.51.100.1]:25, conn_use=2, delay=14, delays=0/0/0/14, dsn=2.0.0, status=sent (250 ok)",  # noqa: E501
    b"postfix/local[7]: %b: to=<c@d>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (forwarded as 4jX)",
    b"postfix/smtp[7]: %b: to=<c@d>, relay=none, delay=9, delays=9/0/0/0, dsn=4.4.1, status=deferred (connect to x[198.51.100.1]:25: Connection timed out)",  # noqa: E501
    b"postfix/error[7]: %b: to=<c@d>, relay=none, delay=9, delays=9/0/0/0, dsn=5.0.0, status=bounced (no such user)",
    b"postfix/smtpd[7]: NOQUEUE: reject: RCPT from x.example[203.0.113.9]: 550 5.1.1 <%b@d>: Recipient address rejected: User unknown in relay recipient table; from=<a@b> to=<%b@d> proto=ESMTP helo=<x>",  # noqa: E501
    b"postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.example; https://zen.example/q; from=<> to=<%b@d> proto=ESMTP helo=<x>",  # noqa: E501
    b"postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 450 4.1.8 <%b@b>: Sender address rejected: Domain not found; from=<%b@b> to=<c@d> proto=ESMTP helo=<x>",  # noqa: E501
    b"postfix/smtpd[7]: NOQUEUE: reject: EHLO from unknown[203.0.113.9]: 504 5.5.2 <x>: Helo command rejected: no; proto=SMTP helo=<x>",  # noqa: E501
    b"postfix/smtpd[7]: warning: %b does not resolve to address 203.0.113.9, and that is told at some length here",
    b"postfix/smtp[7]: warning: %b: what smtp warns of",
    b"postfix/cleanup[7]: %b: reject: header Subject: x from y[203.0.113.9]; from=<a@b> to=<c@d> proto=ESMTP helo=<x>: no",  # noqa: E501
    b"postfix/master[7]: terminating on signal 15",
]
FORGED = [
    b"2026-11-24T11:04:26.123456+00:00 mx1 postfix/smtpd[7]: EVIL: client=evil[6.6.6.6]",
    b">, relay=x, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)",
    b": client=evil[6.6.6.6]",
    b"\r",
    b"\0",
    b"\xff\xfe\x85\xe2\x80\xa8",
    b'"',
    b"; from=<x> to=<y> ",
]
QIDS = [b"4jABCDEFGHI", b"4jBBCDEFGHI", b"ABCDEF0123"]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """What a daemon says, mostly in its words; now and then with something forged in it, or torn."""
    text = draw(st.sampled_from(QUIET + COUNTED * 2))
    message = text.replace(b"%b", draw(st.sampled_from(QIDS)))
    start = message.index(b"]: ") + 3
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return message[: draw(st.integers(start, len(message)))]
    if kind in (1, 2):
        at = draw(st.integers(start, len(message)))
        return message[:at] + draw(st.sampled_from(FORGED)) + message[at:]
    return message


def stamps(day: int, form: int) -> bytes:
    """The time and the host."""
    times = (b"2026-11-%02dT11:04:26.123456+00:00", b"2026-11-%02d 11:04:26", b"Nov %02d 11:04:26")
    return times[form] % day + (HOST if form < 2 else b" other ")


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A log: days in their order, hosts and time forms mixed, garbage between, with or without an end."""
    days = sorted(draw(st.lists(st.integers(20, 24), min_size=1, max_size=60)))
    lines = []
    for day in days:
        form = draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1, 2)))
        if draw(st.integers(0, 19)) == 0:
            lines.append(draw(st.binary(max_size=60)).replace(b"\n", b""))
        lines.append(stamps(day, form) + draw(messages()))
    return b"\n".join(lines) + draw(st.sampled_from((b"\n", b"", b"\n\n", b"\r\n")))


def by_blocks(text: bytes, block: int, length: int | None = None) -> Tally:
    tally = Tally(cut=True)
    Counter(tally).count(io.BytesIO(text), length, block)
    return tally


def one_by_one(text: bytes) -> Tally:
    tally = Tally(cut=True)
    hours = Hours(tally)
    single = Single(tally, hours)
    for line in text.split(b"\n"):
        single.count(line)
    hours.settle()
    return tally


def told(tally: Tally) -> dict[str, object]:
    """All that was counted, and all that is kept for the lines that follow."""
    kept = {name: value for name, value in vars(tally).items() if name not in ("details", "lines")}
    tables = {name: value for name, value in vars(tally.details).items() if name not in ("memory", "hosts")}
    return {**kept, **tables, **numbers(tally)}


@given(text=texts(), block=st.sampled_from((1, 7, 64, 200, 1000, 5000, 1 << 18)))
@settings(max_examples=300, deadline=None)
def test_read_by_blocks_of_any_size_a_log_has_the_numbers_of_its_lines(text: bytes, block: int) -> None:
    assert told(by_blocks(text, block)) == told(one_by_one(text))


@pytest.mark.parametrize("shape", [logs.MIXED, logs.REFUSALS, logs.FILTERED, logs.TRADITIONAL])
def test_a_servers_log_read_by_blocks_has_the_numbers_of_its_lines(shape: logs.Shape, tmp_path: Path) -> None:
    logs.write(tmp_path / "log", 0.5, seed=7, shape=shape)
    text = (tmp_path / "log").read_bytes()
    assert told(by_blocks(text, 1 << 14)) == told(one_by_one(text))


@given(text=texts(), block=st.sampled_from((1, 100, 5000)), length=st.integers(1, 3000))
@settings(max_examples=100, deadline=None)
def test_blocks_are_the_log_in_whole_lines(text: bytes, block: int, length: int) -> None:
    read = []
    for buffer, end in blocks(io.BytesIO(text), block, length):
        assert (buffer[0], buffer[end - 1]) == (10, 10)
        read.append(bytes(buffer[1:end]))
    wanted = text[:length]
    assert b"".join(read) == wanted + (b"" if wanted.endswith(b"\n") or not wanted else b"\n")


def like(*lanes: bytes) -> Likeness:
    known = Likeness(13, 19)
    for lane in lanes:
        known.learn(b"mx1", lane, b"")
    known.learn(b"mx1", b"", b"amavis")
    return known


@given(text=texts())
@settings(max_examples=200, deadline=None)
def test_every_line_is_matched_once_or_quiet(text: bytes) -> None:
    patterns = like(b"postfix", b"postfix/submission").patterns()
    assert patterns
    lines = text.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    matched = {match.start(): match for match in patterns[0].finditer(b"\n" + text)}
    assert set(matched) <= set(starts)
    for start, line in zip(starts, lines, strict=False):
        if start in matched:
            assert matched[start].end() <= start + 1 + len(line)
        else:
            assert any(message.split(b"]: ")[0].split(b"[")[0] in line for message in QUIET)


@given(text=texts())
@settings(max_examples=200, deadline=None)
def test_a_line_that_is_passed_over_counts_nothing_when_it_is_read(text: bytes) -> None:
    patterns = like(b"postfix", b"postfix/submission").patterns()
    assert patterns
    passed = [line for line in text.split(b"\n") if not patterns[0].match(b"\n" + line)]
    alone = one_by_one(b"\n".join(passed))
    nothing = Tally(cut=True)
    nothing.days = alone.days
    assert told(alone) == told(nothing)


def test_a_line_longer_than_many_blocks_is_one_line() -> None:
    long = stamps(24, 0) + b"postfix/smtpd[7]: connect from " + b"x" * 1_000_000 + FORGED[0]
    text = b"\n".join([stamps(24, 0) + COUNTED[0] % b"4jA", long, stamps(24, 0) + COUNTED[0] % b"4jB"]) + b"\n"
    assert numbers(by_blocks(text, 1 << 14))["totals"]["received"] == 2


def test_a_day_whose_lines_all_count_nothing_has_a_row_and_one_of_other_programs_has_none() -> None:
    lines = [stamps(20, 0) + COUNTED[0] % b"4jA"] * 200
    lines += [stamps(21, 0) + QUIET[0]] * 200 + [stamps(22, 0) + QUIET[-1]] * 200 + [stamps(23, 0) + QUIET[1]] * 200
    days = numbers(by_blocks(b"\n".join(lines) + b"\n", 1 << 14))["days"]
    assert [row["day"] for row in days] == ["2026-11-20", "2026-11-21", "2026-11-23"]


def test_what_is_learnt_from_the_heads_is_taken_literally() -> None:
    known = Likeness(13, 19)
    known.learn(b"m.1", b"postfix", b"")
    patterns = known.patterns()
    assert patterns
    line = b"\n2026-11-24T11:04:26.123456+00:00 %b postfix/qmgr[7]: 4jA: removed"
    assert [patterns[0].findall(line % host)[0][0] for host in (b"m.1", b"mx1")] == [b"2026-11-24T11", b""]


def test_the_pattern_is_not_possessive() -> None:
    """Python 3.11.2 loses its place behind such a quantifier."""
    patterns = like(b"postfix").patterns()
    assert patterns
    assert not re.search(rb"[*+?}]\+|\(\?>", patterns[0].pattern)

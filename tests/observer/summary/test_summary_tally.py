"""The fast tally: the same however the log is cut, and the same as what the events tell."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter as Count
from pathlib import Path

import pytest
from gatepost_observer.parse import Reader
from gatepost_observer.summary.counter import Counter
from gatepost_observer.summary.numbers import numbers
from gatepost_observer.summary.parts import Stretched, Wanted, cut, summed
from gatepost_observer.summary.tally import Tally
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import logs  # noqa: I001
import itertools

DAY = "2026-11-24T11:04:26.123456+00:00 mx1 "


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A small log of everything."""
    log = tmp_path_factory.mktemp("log") / "mail.log"
    shape = logs.Shape(refused=0.3, deferred=0.3, returned=0.2)
    logs.write(log, 0.1, seed=3, shape=shape)
    return log.read_bytes().splitlines(keepends=True)


def tallied(lines: list[bytes], *cuts: int) -> Tally:
    """The tally of these lines, counted in so many parts."""
    bounds = [0, *sorted(cuts), len(lines)]
    whole = None
    for start, end in itertools.pairwise(bounds):
        tally = Tally(cut=start > 0)
        Counter(tally).count(io.BytesIO(b"".join(lines[start:end])))
        if whole is None:
            whole = tally
        else:
            whole.add(Tally.unpacked(tally.packed()))
    assert whole is not None
    whole.finish()
    return whole


def rounded(told: dict[str, object]) -> str:
    """The numbers as text; averages of delays may differ in their last binary digit."""
    import json

    return json.dumps(json.loads(json.dumps(told), parse_float=lambda x: round(float(x), 6)), sort_keys=True)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_log_cut_anywhere_into_parts_has_the_same_numbers(data: st.DataObject, lines: list[bytes]) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(lines)), max_size=4))
    assert rounded(numbers(tallied(lines, *cuts))) == rounded(numbers(tallied(lines)))


def from_events(lines: list[bytes]) -> dict[str, int]:
    """The grand totals as the events tell them."""
    events = Reader().read([line.rstrip(b"\n") for line in lines])
    kinds = Count(event["kind"] for event in events)
    first_tries = {event["queue_id"] for event in events if event["kind"] == "deferred"}
    return {
        "delivered": kinds["delivered"],
        "deferrals": kinds["deferred"],
        "deferred": len(first_tries),
        "bounced": sum(1 for e in events if e["kind"] == "returned" and e.get("reason") != "expired"),
        "rejected": kinds["refused"],
        "bytes_delivered": sum(e.get("size", 0) for e in events if e["kind"] == "delivered"),
        "bytes_received": sum(e["size"] for e in events if e["kind"] == "accepted" and e.get("client")),
        "recipients": len({e["recipient"] for e in events if e["kind"] == "delivered"}),
    }


@given(seed=st.integers(0, 10_000), refused=st.floats(0, 0.6), traditional=st.booleans(), amavis=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_tally_of_a_log_is_the_tally_of_its_events(
    seed: int, refused: float, traditional: bool, amavis: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("log") / "mail.log"
    shape = logs.Shape(refused=refused, deferred=0.2, returned=0.1, traditional=traditional, with_amavis=amavis)
    logs.write(log, 0.03, seed=seed, shape=shape)
    lines = log.read_bytes().splitlines(keepends=True)
    totals = numbers(tallied(lines))["totals"]
    assert {name: totals[name] for name in from_events(lines)} == from_events(lines)


@given(line=st.binary(max_size=300))
def test_no_bytes_make_the_tally_fail(line: bytes) -> None:
    for program in ("smtpd", "qmgr", "cleanup", "smtp", "postscreen", "master", "pickup"):
        tally = tallied([DAY.encode() + f"postfix/{program}[1]: ".encode() + line.replace(b"\n", b"") + b"\n", line])
        numbers(tally)


def test_a_quoted_recipient_that_looks_like_a_delivery_counts_for_what_it_is() -> None:
    evil = '"x>, relay=evil[6.6.6.6]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok"@far.example'
    line = f"{DAY}postfix/smtp[1]: ABCDEF0123: to=<{evil}>, relay=none, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (no)\n"  # noqa: E501
    totals = numbers(tallied([line.encode()]))["totals"]
    assert (totals["delivered"], totals["bounced"]) == (0, 1)


def test_a_forged_line_inside_a_line_counts_nothing() -> None:
    forged = f"{DAY}postfix/smtpd[1]: ABCDEF0123: client=evil[6.6.6.6]"
    line = f"{DAY}postfix/smtpd[1]: lost connection after EHLO from x[203.0.113.9] {forged}\n"
    assert numbers(tallied([line.encode()]))["totals"]["received"] == 0


def test_files_are_cut_into_consecutive_parts_that_begin_with_a_line(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"line\n" * 1000)
    two.write_bytes(b"a much longer line\n" * 1000)
    parts = cut([str(one), str(two)], 3, forced=True)
    stretches = [stretch for part in parts for stretch in part]
    assert len(parts) == 3
    assert stretches[0] == Stretched(str(one), 0, stretches[0].end)
    for before, after in itertools.pairwise(stretches):
        assert (before.path, before.end) == (after.path, after.start) or (before.end is None and after.start == 0)
        data = Path(after.path).read_bytes()
        assert after.start == 0 or data[after.start - 1 : after.start] == b"\n"


def test_a_day_and_an_instance_can_be_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(
        "2026-11-23T23:59:59+00:00 mx1 postfix/smtpd[1]: ABCDEF0121: client=x[203.0.113.9]\n"
        "2026-11-24T00:00:01+00:00 mx1 postfix/smtpd[1]: ABCDEF0122: client=x[203.0.113.9]\n"
        "2026-11-24T00:00:02+00:00 mx1 postfix-normal/smtpd[1]: ABCDEF0123: client=localhost[127.0.0.1]\n"
    )
    received = [
        numbers(summed([str(log)], wanted, 1))["totals"]["received"]
        for wanted in (Wanted(), Wanted(day="2026-11-24"), Wanted(frozenset({b"postfix"})),
                       Wanted(frozenset({b"postfix-normal"}), "2026-11-24"))
    ]  # fmt: skip
    assert received == [3, 2, 2, 1]


def test_a_log_without_process_numbers_is_counted_too(lines: list[bytes]) -> None:
    bare = [re.sub(rb"(postfix/\w+)\[\d+\]", rb"\1", line, count=1) for line in lines]
    assert numbers(tallied(bare))["totals"] == numbers(tallied(lines))["totals"]


def test_logs_of_two_hosts_in_both_time_forms_mixed_line_by_line_are_counted(lines: list[bytes]) -> None:
    other = [re.sub(rb"^2026-\d\d-\d\dT(\d\d:\d\d:\d\d)\S+ mx1", rb"Nov 24 \1 host2", line) for line in lines]
    mixed = [line for pair in zip(lines, other, strict=True) for line in pair]
    alone = numbers(tallied(lines))["totals"]
    totals = numbers(tallied(mixed))["totals"]
    assert (totals["received"], totals["rejected"]) == (2 * alone["received"], 2 * alone["rejected"])

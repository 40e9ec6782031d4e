"""The log: no session waits for it, and its lines are such as other programs can read."""

from __future__ import annotations

import threading

from gatepost_mx.counting import LockOut
from gatepost_mx.sayings import MOST_WAITING, Line, Voice, lifted, locked, refused
from hypothesis import given
from hypothesis import strategies as st

ONE = LockOut("2001:db8::/64", began=5, until=105, times=2, addresses=20, within=60)


def test_a_lock_out_is_one_line_of_names_and_values() -> None:
    assert locked(ONE)[1] == "lock-out: client=2001:db8::/64 addresses=20 window=60 for=100 times=2"
    assert lifted(ONE, 25)[1] == "lock-out lifted: client=2001:db8::/64 left=80 times=2"


@given(st.dictionaries(st.ip_addresses().map(str), st.integers(1, 10**6), max_size=60))
def test_the_sums_of_a_minute_lose_no_refusal(counts: dict[str, int]) -> None:
    lines = [text for _, text in refused(counts, 60)]
    assert len(lines) <= 21
    assert sum(int(line.partition("refused=")[2].split()[0]) for line in lines) == sum(counts.values())


def test_a_log_that_nobody_reads_holds_nobody_up_and_fills_no_memory() -> None:
    read, taken = threading.Event(), []

    def write(line: Line) -> None:
        read.wait(60)
        taken.append(line)

    voice = Voice(write)
    for number in range(MOST_WAITING + 500):
        voice.say((6, str(number)))
    read.set()
    voice.end()
    assert MOST_WAITING <= len(taken) <= MOST_WAITING + 1
    assert [text for _, text in taken[:3]] == ["0", "1", "2"]

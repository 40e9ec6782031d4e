"""Time: what passes over restarts and reboots, and what a jump of the clock does (nothing)."""

from __future__ import annotations

import time

from gatepost_mx.clock import Moment, elapsed, now, shift, steady
from hypothesis import given
from hypothesis import strategies as st

DAY = 86400


@given(st.integers(-10 * DAY, 10 * DAY))
def test_within_one_boot_the_wall_clock_may_jump_as_it_likes(jump: int) -> None:
    assert elapsed(Moment("a", 100, 1_000_000), Moment("a", 160, 1_000_060 + jump)) == 60


def test_over_a_reboot_the_wall_clock_tells_how_long_it_took() -> None:
    assert elapsed(Moment("a", 5000, 1_000_000), Moment("b", 20, 1_000_300)) == 300


def test_over_a_reboot_into_the_past_no_time_has_passed() -> None:
    assert elapsed(Moment("a", 5000, 1_000_000), Moment("b", 20, 0)) == 0


def test_without_the_boot_s_name_only_the_wall_clock_counts() -> None:
    assert elapsed(Moment("", 100, 1000), Moment("", 9000, 1005)) == 5


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**9), st.booleans())
def test_what_had_so_many_seconds_left_has_them_less_the_time_that_passed(
    then: int, at: int, wall: int, later: int, reboot: bool
) -> None:
    left, before, after = 500, Moment("a", then, wall), Moment("b" if reboot else "a", at, wall + later)
    until = then + left
    assert until + shift(before, after) - after.steady == left - elapsed(before, after)


def test_this_moment_is_on_the_steady_scale() -> None:
    before, moment, after = steady(), now(), steady()
    assert before <= moment.steady <= after
    assert abs(moment.wall - time.time()) <= 2

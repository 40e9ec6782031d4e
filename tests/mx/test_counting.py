"""Counting: distinct unknown recipients within a window lock a client out, and nothing else does."""

from __future__ import annotations

from gatepost_mx.counting import Counts, Limits, LockOut, Record
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(after=3, within=100, first=1000, longest=4000, forgotten_after=5000, most=50)
CLIENT = "203.0.113.9"


def guessed(counts: Counts, *addresses: int, now: int = 0, client: str = CLIENT) -> LockOut | None:
    """The client asks for these; what the last one did."""
    begun = None
    for address in addresses:
        begun = counts.refused(client, address, now)
    return begun


def locked(counts: Counts, now: int) -> LockOut:
    """A client that is locked out at this time."""
    begun = guessed(counts, 1, 2, 3, now=now)
    assert begun
    return begun


def test_the_last_allowed_address_does_nothing_and_the_next_locks_out() -> None:
    counts = Counts(LIMITS)
    assert guessed(counts, 1, 2) is None
    assert counts.locked_out(CLIENT, 0) is None
    assert guessed(counts, 3) == LockOut(CLIENT, began=0, until=1000, times=1, addresses=3, within=100)
    assert counts.locked_out(CLIENT, 999)


@given(st.lists(st.sampled_from([7, 8]), max_size=60), st.integers(0, 50))
def test_whoever_asks_for_fewer_addresses_than_the_limit_is_never_locked_out(asked: list[int], step: int) -> None:
    counts = Counts(LIMITS)
    assert not any(counts.refused(CLIENT, address, number * step) for number, address in enumerate(asked))


def test_an_address_falls_out_of_the_window_after_it_was_last_asked_for() -> None:
    counts = Counts(LIMITS)
    guessed(counts, 1, 2, now=0)
    guessed(counts, 1, now=50)
    assert guessed(counts, 3, now=100) is None
    assert guessed(counts, 4, now=149)


def test_a_lock_out_ends_by_itself_and_is_told_once() -> None:
    counts = Counts(LIMITS)
    locked(counts, 0)
    assert counts.ended(999) == []
    assert counts.locked_out(CLIENT, 1000) is None
    assert [one.client for one in counts.ended(1000)] == [CLIENT]
    assert counts.ended(1001) == []


def test_after_a_lock_out_counting_begins_anew() -> None:
    counts = Counts(LIMITS)
    locked(counts, 0)
    counts.ended(1000)
    assert guessed(counts, 4, 5, now=1000) is None


def test_who_returns_is_locked_out_twice_as_long_up_to_the_longest() -> None:
    counts, now, spans = Counts(LIMITS), 0, []
    for _ in range(4):
        one = locked(counts, now)
        spans.append((one.times, one.lasts))
        now = one.until
        counts.ended(now)
    assert spans == [(1, 1000), (2, 2000), (3, 4000), (4, 4000)]


def test_a_good_while_makes_the_next_lock_out_a_first_one() -> None:
    counts = Counts(LIMITS)
    until = locked(counts, 0).until
    counts.ended(until)
    assert locked(counts, until + LIMITS.forgotten_after).times == 1


def test_guesses_during_a_lock_out_do_not_lengthen_it() -> None:
    counts = Counts(LIMITS)
    until = locked(counts, 0).until
    assert guessed(counts, 4, 5, 6, 7, now=500) is None
    assert counts.locked_out(CLIENT, until) is None


def test_two_clients_are_locked_out_each_for_itself() -> None:
    counts = Counts(LIMITS)
    for address in (1, 2, 3):
        for client in ("203.0.113.1", "2001:db8::/64", "203.0.113.2"):
            if client != "203.0.113.2" or address < 3:
                counts.refused(client, address, address)
    assert [one.client for one in counts.lock_outs(5)] == ["2001:db8::/64", "203.0.113.1"]


def test_lifting_ends_the_lock_out_and_forgets_all_that_was_counted() -> None:
    counts = Counts(LIMITS)
    locked(counts, 0)
    lifted = counts.lift(CLIENT)
    assert lifted
    assert lifted.client == CLIENT
    assert counts.locked_out(CLIENT, 1) is None
    assert guessed(counts, 1, 2, now=1) is None
    assert counts.lift(CLIENT) is None
    assert locked(counts, 2).times == 1


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9), st.integers(0, 30)), max_size=400))
def test_memory_is_bounded_whoever_comes(events: list[tuple[int, int, int]]) -> None:
    counts, now = Counts(LIMITS), 0
    for client, address, later in events:
        now += later
        counts.refused(f"198.51.100.{client}", address, now)
        counts.ended(now)
        assert all(size <= LIMITS.most for size in counts.size)
        assert all(len(record.seen) < LIMITS.after for record in counts.changes())


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 400)), max_size=200))
def test_it_says_what_a_list_of_all_refusals_would_say(events: list[tuple[int, int, int]]) -> None:
    counts, now, told, plain = Counts(LIMITS), 0, [], []
    asked: dict[int, list[tuple[int, int]]] = {}
    until: dict[int, int] = {}
    for client, address, later in events:
        now += later
        counts.ended(now)
        begun = counts.refused(str(client), address, now)
        told.append(bool(begun))
        asked.setdefault(client, [])
        if now >= until.get(client, 0):
            asked[client].append((now, address))
        within = {one for at, one in asked[client] if now - at < LIMITS.within}
        plain.append(now >= until.get(client, 0) and len(within) >= LIMITS.after)
        if plain[-1]:
            asked[client] = []
            until[client] = begun.until if begun else now
    assert told == plain


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.integers(0, 400)), max_size=100))
def test_what_was_written_and_read_again_goes_on_as_if_nothing_had_been(events: list[tuple[int, int, int]]) -> None:
    kept, written, now = Counts(LIMITS), {}, 0
    for client, address, later in events:
        now += later
        kept.ended(now)
        kept.refused(f"198.51.100.{client}", address, now)
        for record in kept.changes():
            written[record.client] = record
    again = Counts(LIMITS)
    again.remember(written.values())
    assert again.size == kept.size
    assert again.lock_outs(now) == kept.lock_outs(now)
    assert again.ended(now + 5000) == kept.ended(now + 5000)


def test_what_could_not_be_written_is_written_the_next_time() -> None:
    counts = Counts(LIMITS)
    guessed(counts, 1)
    changes = counts.changes()
    assert counts.changes() == []
    counts.unsaved(changes)
    assert counts.changes() == [Record(CLIENT, {1: 0})]


def test_a_client_with_nothing_to_remember_is_written_as_gone() -> None:
    counts = Counts(LIMITS)
    guessed(counts, 1)
    counts.changes()
    counts.ended(LIMITS.within)
    assert counts.changes() == [Record(CLIENT)]


def test_a_lower_limit_holds_from_the_next_refusal_on() -> None:
    counts = Counts(Limits(after=10, within=100, first=5, longest=5, forgotten_after=0))
    guessed(counts, 1, 2, 3, 4)
    counts.limits = LIMITS
    assert guessed(counts, 4)

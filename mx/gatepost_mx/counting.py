"""Who guessed too much: distinct unknown recipients for each client within a sliding window, and what follows.

In: refusals (client, number of the address, steady time) and questions. Out: lock-outs begun and ended, and which
clients changed since they were last written to disk. No clock is read, nothing is written, and it fails never.

Memory is bounded: a client is remembered with at most `after` addresses (more would lock it out), and at most `most`
clients are remembered of each kind; the ones heard of longest ago give way.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """How many distinct unknown recipients, within how many seconds, lock a client out, and for how long."""

    after: int
    within: int
    first: int
    longest: int
    forgotten_after: int
    most: int = 100_000

    def duration(self, times: int) -> int:
        """Seconds of the first, second, … lock-out in a row: twice as long each time, up to the longest."""
        return min(self.first << min(times - 1, 32), self.longest)


@dataclass(frozen=True, slots=True)
class LockOut:
    """One client locked out: since when, until when, the how-many-eth time, and for how many addresses."""

    client: str
    began: int
    until: int
    times: int
    addresses: int
    within: int
    ended: bool = False

    @property
    def lasts(self) -> int:
        """Seconds from its beginning to its end."""
        return self.until - self.began


Seen = dict[int, int]
"""The number of an unknown recipient → when the client asked for it last."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that is remembered of one client. With nothing to remember, it is to be forgotten."""

    client: str
    seen: Seen = field(default_factory=dict)
    lock_out: LockOut | None = None


class Counts:
    """All clients that asked for unknown recipients of late, and all that are or were locked out."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._watched: OrderedDict[str, Seen] = OrderedDict()  # in the order of their last refusal
        self._active: dict[str, LockOut] = {}
        self._past: OrderedDict[str, LockOut] = OrderedDict()  # in the order of their end
        self._next_end: float = math.inf
        self._changed: set[str] = set()

    def refused(self, client: str, address: int, now: int) -> LockOut | None:
        """A client was refused an unknown recipient. Gives the lock-out that begins by it, if one does."""
        if client in self._active:
            return None
        seen = self._watched.setdefault(client, {})
        seen[address] = now
        self._watched.move_to_end(client)
        self._changed.add(client)
        if len(seen) < self.limits.after:
            self._bound(self._watched)
            return None
        self._watched[client] = fresh = self._within_window(seen, now)
        return self._lock(client, len(fresh), now) if len(fresh) >= self.limits.after else None

    def _within_window(self, seen: Seen, now: int) -> Seen:
        return {address: at for address, at in seen.items() if now - at < self.limits.within}

    def _lock(self, client: str, addresses: int, now: int) -> LockOut:
        before = self._past.pop(client, None)
        times = before.times + 1 if before and now < before.until + self.limits.forgotten_after else 1
        until = now + self.limits.duration(times)
        begun = LockOut(client, now, until, times, addresses, self.limits.within)
        del self._watched[client]
        self._active[client] = begun
        self._next_end = min(self._next_end, until)
        return begun

    def locked_out(self, client: str, now: int) -> LockOut | None:
        """The lock-out under which this client is, if it is."""
        found = self._active.get(client)
        return found if found and now < found.until else None

    def lock_outs(self, now: int) -> list[LockOut]:
        """All that are locked out, the ones that end first at the top."""
        return sorted(
            (one for one in self._active.values() if now < one.until), key=lambda one: (one.until, one.client)
        )

    def lift(self, client: str) -> LockOut | None:
        """End a lock-out and forget all that was counted: somebody who knows better said so."""
        known = [kept.pop(client, None) for kept in (self._active, self._past, self._watched)]
        if any(known):
            self._changed.add(client)
        return known[0] if isinstance(known[0], LockOut) else None

    def ended(self, now: int) -> list[LockOut]:
        """Lock-outs that have come to their end since this was asked last; and what is old is forgotten."""
        self._forget(now)
        room = len(self._active) - self.limits.most
        if now < self._next_end and room <= 0:
            return []
        soonest = sorted(self._active.values(), key=lambda one: one.until)
        over = [one for number, one in enumerate(soonest) if one.until <= now or number < room]
        for one in over:
            del self._active[one.client]
            self._past[one.client] = replace(one, ended=True)
            self._changed.add(one.client)
        self._next_end = min((one.until for one in self._active.values()), default=math.inf)
        self._bound(self._past)
        return over

    def _forget(self, now: int) -> None:
        while self._watched:
            _, seen = next(iter(self._watched.items()))
            if self._within_window(seen, now):
                break
            self._drop(self._watched)
        while self._past and next(iter(self._past.values())).until + self.limits.forgotten_after <= now:
            self._drop(self._past)

    def _bound(self, kept: OrderedDict[str, Seen] | OrderedDict[str, LockOut]) -> None:
        while len(kept) > self.limits.most:
            self._drop(kept)

    def _drop(self, kept: OrderedDict[str, Seen] | OrderedDict[str, LockOut]) -> None:
        client, _ = kept.popitem(last=False)
        self._changed.add(client)

    @property
    def size(self) -> tuple[int, int, int]:
        """How many clients are watched, locked out, and remembered as once locked out."""
        return len(self._watched), len(self._active), len(self._past)

    def changes(self) -> list[Record]:
        """What is to be written, or with nothing in it removed, since this was asked last."""
        changed, self._changed = self._changed, set()
        return [self._record(client) for client in changed]

    def unsaved(self, records: Iterable[Record]) -> None:
        """These could not be written: they are still to be."""
        self._changed.update(record.client for record in records)

    def _record(self, client: str) -> Record:
        lock_out = self._active.get(client) or self._past.get(client)
        return Record(client, dict(self._watched.get(client, {})), lock_out)

    def remember(self, records: Iterable[Record]) -> None:
        """Take over what an earlier run left, of clients that are not known better already."""
        here = self._watched.keys() | self._active.keys() | self._past.keys()
        known = [record for record in records if record.client not in here]
        for record in sorted(known, key=lambda record: max(record.seen.values(), default=0)):
            if record.seen:
                self._watched[record.client] = dict(record.seen)
        for lock_out in sorted(_lock_outs(known), key=lambda one: one.until):
            (self._past if lock_out.ended else self._active)[lock_out.client] = lock_out
        self._next_end = min((one.until for one in self._active.values()), default=math.inf)


def _lock_outs(records: Iterable[Record]) -> Iterator[LockOut]:
    return (record.lock_out for record in records if record.lock_out)

"""What all sessions of the milter share: the counts, the policy's limits, and the way to the disk.

In: questions of sessions (libmilter runs each in a thread of its own), of the control socket, and a tick a second.
Out: answers, lines for the log, and the state on disk. One lock guards it all and is held for microseconds; the disk
and the log are never waited for under it. How it fails: without a disk the counting goes on in memory.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from gatepost_mx import clock, recipients, sayings, store
from gatepost_mx.clients import Friends
from gatepost_mx.config import Config
from gatepost_mx.counting import Counts, Limits, LockOut

MINUTE = 60
Say = Callable[..., None]

# Where the policy locks nobody out, nothing is counted either; these stand in.
_NOBODY = Limits(after=1000, within=1, first=1, longest=1, forgotten_after=0)
# A helper that has not asked for so many seconds is gone. It asks at least every twenty.
_GONE = 45


class Keeper:
    """The shared state of one running milter."""

    def __init__(self, config: Config, say: Say, now: Callable[[], int] = clock.steady) -> None:
        self.say, self._now = say, now
        self._changed = threading.Condition()
        self._change = 0
        self._store: store.Store | None = None
        self._state_problem: str | None = None
        self._key = secrets.token_bytes(32)
        self._refused: Counter[str] = Counter()
        self._summed_at = self._began = now()
        self._asked_at: int | None = None
        self._firewall: str | None = "nobody has asked for the lock-outs yet"
        self._told: str | None = ""  # what was said of the firewall last; None: that it is on
        self._take(config)
        self._counts = Counts(config.lock_out.limits if config.lock_out else _NOBODY)

    def _take(self, config: Config) -> None:
        self.config, self.friends = config, Friends(config.never)

    # Sessions

    def locked_out(self, client: str) -> bool:
        """Whether a client is locked out; each such question stands for a refusal, and is counted."""
        with self._changed:
            if not self._counts.locked_out(client, self._now()):
                return False
            self._refused[client] += 1
            return True

    def unknown(self, client: str, recipient: bytes) -> None:
        """A client was refused a recipient that does not exist."""
        number = recipients.number(recipient, self._key)
        with self._changed:
            begun = self._counts.refused(client, number, self._now())
            if begun:
                self._tell_change()
        if begun:
            self.say(sayings.locked(begun))

    def _tell_change(self) -> None:
        self._change += 1
        self._changed.notify_all()

    # People

    def lock_outs(self) -> list[dict[str, Any]]:
        """All lock-outs, the first to end on top."""
        with self._changed:
            now = self._now()
            return [described(one, now) for one in self._counts.lock_outs(now)]

    def lift(self, clients: list[str] | None) -> list[str]:
        """End these lock-outs (None: all), and forget what was counted. Gives those that were locked out."""
        with self._changed:
            now = self._now()
            wanted = [one.client for one in self._counts.lock_outs(now)] if clients is None else clients
            lifted = [one for one in map(self._counts.lift, wanted) if one]
            if lifted:
                self._tell_change()
        self.say(*(sayings.lifted(one, now) for one in lifted))
        return [one.client for one in lifted]

    def reload(self, config: Config) -> str | None:
        """Go on under another policy. The text says why that cannot be without a restart."""
        for key in ("socket", "socket_group", "control", "state"):
            if getattr(config, key) != getattr(self.config, key):
                return f"{key} has changed: a restart is needed"
        with self._changed:
            self._take(config)
            self._counts.limits = config.lock_out.limits if config.lock_out else _NOBODY
            active = [one.client for one in self._counts.lock_outs(self._now())]
            self._tell_change()
        self.lift([client for client in active if config.lock_out is None or self.friends.cover(client)])
        return None

    def status(self) -> dict[str, Any]:
        """How things stand."""
        with self._changed:
            watched, active, past = self._counts.size
            return {
                "running_for": self._now() - self._began,
                "lock_outs": "on" if self.config.lock_out else "off",
                "locked_out": active,
                "watched": watched,
                "once_locked_out": past,
                "firewall": self._firewall_state(),
                "state": self._state_problem or "written",
            }

    # The firewall's helper

    def changes(self, since: int, wait: float, firewall: str | None) -> dict[str, Any]:
        """All lock-outs, once they are others than at change number `since`, or after a wait.

        `firewall` tells how the helper fares: None well, or what hinders it.
        """
        with self._changed:
            self._asked_at, self._firewall = self._now(), firewall
            self._changed.wait_for(lambda: self._change != since, wait)
            self._asked_at = now = self._now()
            left = [[one.client, one.until - now] for one in self._counts.lock_outs(now)]
            return {"change": self._change, "lock_outs": left}

    def _firewall_state(self) -> str:
        if not self.config.lock_out or not self.config.lock_out.firewall:
            return "not wanted"
        if self._asked_at is None or self._now() - self._asked_at > _GONE:
            return "off: its helper does not run (gatepost-mx-firewall.service)"
        return f"off: {self._firewall}" if self._firewall else "on"

    # Time

    def tick(self) -> None:
        """Once a second: end what is over, sum up, tell of the firewall."""
        with self._changed:
            now = self._now()
            ended = self._counts.ended(now)
            if ended:
                self._tell_change()
            lines = [sayings.ended(one) for one in ended] + self._sum_up(now) + self._firewall_line(now)
        self.say(*lines)

    def _sum_up(self, now: int) -> list[sayings.Line]:
        seconds = now - self._summed_at
        if seconds < MINUTE:
            return []
        refused, self._refused, self._summed_at = self._refused, Counter(), now
        return sayings.refused(refused, seconds)

    def _firewall_line(self, now: int) -> list[sayings.Line]:
        """Told once, and again when it changes; a helper has a while to come up."""
        state = self._firewall_state()
        if state in ("not wanted", self._told) or (self._asked_at is None and now - self._began < _GONE):
            return []
        self._told = state
        return [sayings.firewall(None if state == "on" else state.removeprefix("off: "))]

    # The disk

    def save(self) -> None:
        """Write what changed since the last time. Trouble is told once; the next call tries again."""
        at = clock.now()
        try:
            if self._store is None:
                self._open(at)
            else:
                self._write(self._store, at)
            problem = None
        except store.StateError as error:
            problem = str(error)
        if problem != self._state_problem:
            self.say(sayings.state(problem))
        self._state_problem = problem

    def _open(self, at: clock.Moment) -> None:
        self._store, records, damage = store.opened(self.config.state, at)
        with self._changed:
            self._key = self._store.key
            self._counts.remember(records)
            self._tell_change()
        if damage:
            self.say(sayings.damaged(damage))

    def _write(self, file: store.Store, at: clock.Moment) -> None:
        with self._changed:
            records = self._counts.changes()
        try:
            # The moment is written with nothing else to write, too: after a reboot it tells how long nobody counted.
            if records or at.steady % MINUTE == 0:
                file.save(records, at)
        except store.StateError:
            with self._changed:
                self._counts.unsaved(records)
            raise

    def close(self) -> None:
        """Save, and let go of the file."""
        self.save()
        if self._store:
            self._store.close()


def described(one: LockOut, now: int) -> dict[str, Any]:
    """A lock-out as it is shown."""
    return {
        "client": one.client,
        "since": now - one.began,
        "left": one.until - now,
        "addresses": one.addresses,
        "window": one.within,
        "times": one.times,
    }

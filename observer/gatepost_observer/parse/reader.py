"""Lines of a log become events.

In: complete lines of one source, in order. Out: events (mappings of the columns in events.py). A line that no reader of
its program knows is counted under that program, with a few samples; so is a line without a head, under "". Lines that
came twice (RELP repeats a run of lines after a reconnect) count once. Nothing in a line can make it fail.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Final

from gatepost_observer.events import Event, Kind
from gatepost_observer.parse.heads import Head, Heads
from gatepost_observer.parse.programs import OTHERS, POSTFIX
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.text import shown
from gatepost_observer.parse.trail import Trail

STATE: Final = 1
WINDOW: Final = 2_048
SAMPLES: Final = 5
_LONGEST: Final = 65_536
_SAMPLE: Final = 500
_MANY: Final = 1_000
_SEVERE: Final = re.compile(rb"(warning|error|fatal|panic): ?")
_AGAIN: Final = re.compile(rb"message repeated (\d{1,5}) times: \[ ?(.*)\]$")
_NOT_OURS: Final = re.compile(
    rb"-- (?:Logs begin|Journal begins|No entries|Reboot|Boot )|.* last message repeated \d+ times$"
)

Place = tuple[str, str, Callable[[Said], bool] | None, bool]


class Reader:
    """Reads one source. `host` replaces the host's name in the lines; `reference` is when the last line was written."""

    def __init__(self, host: str | None = None, reference: float | None = None) -> None:
        self.host = host
        self.lines = 0
        self.repeated = 0
        self.unknown: dict[str, dict[str, Any]] = {}
        self.programs: Counter[str] = Counter()
        self._heads = Heads(reference)
        self._trail = Trail()
        self._said = Said(self._trail)
        self._places: dict[bytes, Place] = {}
        self._hosts: dict[bytes, str] = {}
        # The last lines, in two halves: when the newer one is full, the older one is forgotten.
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._before: frozenset[str] = frozenset()  # those of an earlier run, by their hashes

    def read(self, lines: Iterable[bytes]) -> list[Event]:
        """The events of these lines."""
        said = self._said
        events: list[Event] = []
        said.out = events
        heads = self._heads.read
        for line in lines:
            self.lines += 1
            if len(line) > _LONGEST:
                line = line[:_LONGEST]
            head = heads(line)
            if head is None:
                self._headless(line)
            elif not (head[1] and self._seen(line)):
                self._read(line, head, said)
        return events

    def _headless(self, line: bytes) -> None:
        if line.strip() and not _NOT_OURS.match(line):
            self._unknown("", line)

    def _read(self, line: bytes, head: Head, said: Said) -> None:
        said.time, _, host, program, process, message = head
        place = self._places.get(program) or self._place(program)
        said.instance, said.program, reader, postfix = place
        if reader is None:
            self.programs[said.program] += 1
            return
        said.host = self.host or self._hosts.get(host) or self._name(host)
        said.process = process.decode("ascii")
        said.message = message
        if message.startswith(b"message repeated "):
            again = _AGAIN.match(message)
            if again:
                said.message = again[2]
                for _ in range(min(int(again[1]), _MANY)):
                    self._say(line, said, reader, postfix)
                return
        self._say(line, said, reader, postfix)

    def _say(self, line: bytes, said: Said, reader: Callable[[Said], bool], postfix: bool) -> None:
        if postfix and said.message[:1] in b"wefp":
            severe = _SEVERE.match(said.message)
            if severe and not (b": SASL " in said.message and reader(said)):
                text = shown(said.message[severe.end() :])
                said.event(Kind.WARNING, {"reason": severe[1].decode("ascii"), "text": text})
            if severe:
                return
        if not reader(said):
            self._unknown(said.program, line)

    def _place(self, program: bytes) -> Place:
        """Who a program is: `postfix-normal/submission/smtpd` is smtpd of the instance postfix-normal."""
        name = shown(program)
        instance, _, daemon = name.rpartition("/")
        if instance and daemon in POSTFIX:
            place: Place = (instance.split("/")[0], daemon, POSTFIX[daemon], True)
        elif instance and instance.split("/")[0].startswith("postfix"):
            place = (instance.split("/")[0], daemon, POSTFIX["?"], True)
        elif name in OTHERS:
            place = (name, *OTHERS[name], False)
        elif name in ("postfix", "postfix-script"):
            place = (name, name, POSTFIX["postfix-script"], True)
        else:
            place = (name, name, None, False)
        if len(self._places) >= _MANY:
            self._places.clear()
        self._places[program] = place
        return place

    def _name(self, host: bytes) -> str:
        if len(self._hosts) >= _MANY:
            self._hosts.clear()
        name = self._hosts[host] = shown(host)
        return name

    def _unknown(self, program: str, line: bytes) -> None:
        if program not in self.unknown and len(self.unknown) >= _MANY:
            program = ""
        entry = self.unknown.setdefault(program, {"count": 0, "samples": []})
        entry["count"] += 1
        if len(entry["samples"]) < SAMPLES:
            entry["samples"].append(shown(line[:_SAMPLE]))

    def _seen(self, line: bytes) -> bool:
        """Whether this very line, to the microsecond, was among the last ones."""
        recent = self._recent
        if line in recent or line in self._older or (self._before and _digest(line) in self._before):
            self.repeated += 1
            return True
        recent.add(line)
        if len(recent) >= WINDOW:
            if self._older:
                self._before = frozenset()
            self._recent, self._older = set(), recent
        return False

    def state(self) -> dict[str, Any]:
        """Everything that reading on needs, as JSON can hold it."""
        recent = sorted({*self._before, *map(_digest, self._older), *map(_digest, self._recent)})
        return {
            "version": STATE,
            "host": self.host,
            "lines": self.lines,
            "repeated": self.repeated,
            "unknown": {p: {"count": e["count"], "samples": list(e["samples"])} for p, e in self.unknown.items()},
            "programs": dict(self.programs),
            "trail": self._trail.state(),
            "recent": recent,
        }

    @classmethod
    def restored(cls, state: dict[str, Any], reference: float | None = None) -> Reader:
        """The reader that told this state. Raises ValueError for a state of another version."""
        if state.get("version") != STATE:
            raise ValueError(f"state of the reader: version {state.get('version')!r}, expected {STATE}")
        reader = cls(state["host"], reference)
        reader.lines, reader.repeated = state["lines"], state["repeated"]
        reader.unknown = {p: {"count": e["count"], "samples": list(e["samples"])} for p, e in state["unknown"].items()}
        reader.programs = Counter(state["programs"])
        reader._before = frozenset(state["recent"])
        reader._trail.restore(state["trail"])
        return reader


def _digest(line: bytes) -> str:
    return blake2b(line, digest_size=8).hexdigest()

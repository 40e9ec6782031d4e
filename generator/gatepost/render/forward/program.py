#!/usr/bin/python3
"""Sends each line of a mail server's log to the log host, over RELP and TLS.

For    the service gatepost-forward on a mail server. It needs Debian's own Python and nothing else.
In     /etc/gatepost/forward.json: the log's path, the log host, the certificates, where to keep the mark.
Out    every line of the log, in its order, at the log host; the mark: up to where the log host has acknowledged.
Fails  never for good: what cannot be sent waits in the log itself, and is sent when the log host is back. A wrong
       configuration ends it with code 2.

rsyslog's own way out counts a line as sent once it is written to the connection: with the log host down and rsyslog
restarted meanwhile, what was on its way is lost. Here nothing is forgotten before the log host has said that it has it.
A line can arrive twice, when its acknowledgement is lost; it never fails to arrive while the log holds it.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

File = io.FileIO | gzip.GzipFile

CONFIG = "/etc/gatepost/forward.json"
BATCH = 500
BLOCK = 1 << 18
LONGEST = 1 << 17
NAP = 0.2
PATIENCE = 30.0
PAUSES = (1, 1, 2, 3, 5, 10)
# The log does not tell facility and severity: mail.info, as nearly all of it is.
PRIORITY = b"<22>"


class RelpError(Exception):
    """The log host did not take the lines; the text says why."""


class Relp:
    """One connection to the log host; what was sent over it counts only when it was acknowledged."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        plain = socket.create_connection((host, port), timeout=PATIENCE)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._link = tls.wrap_socket(plain, server_hostname=host)
        self._held = b""
        self._number = 0
        offer = b"relp_version=0\nrelp_software=gatepost-forward\ncommands=syslog"
        self._acknowledged(self._frames(b"open", [offer]))

    def send(self, lines: list[bytes]) -> None:
        """Send lines and wait until the log host has acknowledged each."""
        self._acknowledged(self._frames(b"syslog", [PRIORITY + line[:LONGEST] for line in lines]))

    def close(self) -> None:
        self._link.close()

    def _frames(self, command: bytes, texts: list[bytes]) -> set[int]:
        first = self._number + 1
        self._number += len(texts)
        numbered = enumerate(texts, first)
        self._link.sendall(b"".join(b"%d %s %d %s\n" % (n, command, len(text), text) for n, text in numbered))
        return set(range(first, self._number + 1))

    def _acknowledged(self, missing: set[int]) -> None:
        while missing:
            number, command, said = self._answer()
            if command == b"serverclose":
                raise RelpError("the log host closes the connection")
            if command != b"rsp" or not said.startswith(b"200"):
                raise RelpError(f"the log host answers {said[:80]!r}")
            missing.discard(number)

    def _answer(self) -> tuple[int, bytes, bytes]:
        """One frame: its number, command and data."""
        number, command = self._until(b" ").lstrip(b"\n"), self._until(b" ")
        size = self._digits()
        data = self._exactly(size + 1).removesuffix(b"\n") if size else b""
        return int(number), command, data

    def _until(self, sign: bytes) -> bytes:
        while sign not in self._held:
            self._more()
        found, _, self._held = self._held.partition(sign)
        return found

    def _digits(self) -> int:
        """The length, which ends with a space when data follow, else with the end of the frame."""
        while not (end := next((i for i, c in enumerate(self._held) if c in b" \n"), 0)):
            self._more()
        digits, self._held = self._held[:end], self._held[end + 1 :]
        return int(digits)

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        found, self._held = self._held[:size], self._held[size:]
        return found

    def _more(self) -> None:
        block = self._link.recv(BLOCK)
        if not block:
            raise RelpError("the log host has closed the connection")
        self._held += block
        if len(self._held) > BLOCK * 8:
            raise RelpError("what answers there does not speak RELP")


def first_line(file: File) -> str:
    """By what a log file is known under any name: the hash of its first line, which no other file begins with."""
    file.seek(0)
    line = file.readline(4096)
    return hashlib.sha256(line).hexdigest() if line.endswith(b"\n") or len(line) == 4096 else ""


def opened(path: str) -> File:
    """A log file, also a compressed one."""
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb", buffering=0)  # noqa: PTH123


class Log:
    """The log and its rotated files as one stream of lines, from a mark on."""

    def __init__(self, path: str, mark: dict[str, Any]) -> None:
        self._path = path
        self._file: File | None = None
        self._name = ""
        self._offset = 0
        self._left = b""
        if mark:
            self._find(mark)
        else:
            self._go_on()

    def lines(self) -> list[bytes]:
        """The next whole lines, some hundreds at most; none when there is nothing new."""
        if self._file is None and not self._go_on():
            return []
        while True:
            # Asked before the old file is read to its end: with a line in the new one, rsyslog never goes back.
            later = self._later()
            if found := self._read(last=False):
                return found
            if later is None:
                return []
            if found := self._read(last=True):
                return found
            self._open(later)

    def mark(self) -> dict[str, Any]:
        """Up to where `lines` has read. The time tells what is newer, should this very file be gone one day."""
        if self._file is None or not self._known_by():
            return {}
        return {"first_line": self._name, "offset": self._offset, "time": self._time()}

    def _find(self, mark: dict[str, Any]) -> None:
        for path in self._files():
            try:
                file = opened(path)
                if first_line(file) == mark["first_line"]:
                    self._open(path, int(mark["offset"]))
                    return
            except (OSError, EOFError):
                continue
        newer = [path for path in self._files() if Path(path).stat().st_mtime_ns > mark["time"]]
        complain("the file that was being sent is gone: lines of it may never have reached the log host")
        if newer:
            self._open(newer[0])

    def _open(self, path: str, offset: int = 0) -> None:
        if self._file is not None:
            self._file.close()
        self._file = opened(path)
        self._name = first_line(self._file)
        self._file.seek(offset)
        self._offset, self._left = offset, b""

    def _go_on(self) -> bool:
        """Begin with the log as it is now, on a server that never sent anything."""
        if not Path(self._path).exists():
            return False
        self._open(self._path)
        return True

    def _read(self, *, last: bool) -> list[bytes]:
        """Whole lines up to a batch. The rest of a file that has ended is a line, too, and no newline will come."""
        assert self._file is not None  # noqa: S101 - `lines` opened it
        if self._left.count(b"\n") < BATCH:
            self._begin_again_if_cut()
            self._left += self._file.read(BLOCK) or b""
        *whole, rest = self._left.split(b"\n", BATCH)
        if last and not whole and rest:
            whole, rest = [rest], b""
            self._offset -= 1
        self._offset += sum(len(line) + 1 for line in whole)
        self._left = rest
        return whole

    def _begin_again_if_cut(self) -> None:
        """Somebody may have emptied the log in place."""
        assert self._file is not None  # noqa: S101 - `lines` opened it
        if isinstance(self._file, io.FileIO) and os.fstat(self._file.fileno()).st_size < self._file.tell():
            complain(f"{self._path} was cut short: lines of it may never have reached the log host")
            self._open(self._path)

    def _later(self) -> str | None:
        """The file that comes after this one: a rotated one, or the log itself once there is a line in it."""
        assert self._file is not None  # noqa: S101 - `lines` opened it
        live = self._stat(self._path)
        if live is None or live.st_size == 0 or self._is_open(live):
            return None
        mine, name = self._time(), self._known_by()
        for path in self._files():
            seen = self._stat(path)
            if seen is None or self._is_open(seen) or (path != self._path and seen.st_mtime_ns < mine):
                continue
            with opened(path) as file:
                if first_line(file) != name:
                    return path
        return None

    def _known_by(self) -> str:
        assert self._file is not None  # noqa: S101 - there is a file
        if self._name:
            return self._name
        at = self._file.tell()
        self._name = first_line(self._file)
        self._file.seek(at)
        return self._name

    def _time(self) -> int:
        assert self._file is not None  # noqa: S101 - there is a file
        return os.fstat(self._file.fileno()).st_mtime_ns

    def _is_open(self, seen: os.stat_result) -> bool:
        assert self._file is not None  # noqa: S101 - there is a file
        mine = os.fstat(self._file.fileno())
        return (mine.st_dev, mine.st_ino) == (seen.st_dev, seen.st_ino)

    def _files(self) -> list[str]:
        """The rotated files, the oldest first, and the log itself."""
        rotated = [path for path in glob.glob(f"{glob.escape(self._path)}-*") if self._stat(path)]  # noqa: PTH207
        rotated.sort(key=lambda path: (Path(path).stat().st_mtime_ns, path))
        return [*rotated, *([self._path] if self._stat(self._path) else [])]

    @staticmethod
    def _stat(path: str) -> os.stat_result | None:
        try:
            return Path(path).stat()
        except FileNotFoundError:
            return None


class Mark:
    """Up to where the log host has everything, on disk."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}
        except ValueError:
            complain(f"{self._path} is damaged: the log is sent from its beginning")
            return {}
        return found

    def write(self, mark: dict[str, Any]) -> None:
        if not mark:
            return
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            json.dump(mark, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def ready() -> None:
    """Tell systemd that the configuration is good. Whether the log host answers is another matter."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", address.replace("@", "\0", 1) if address[0] == "@" else address)


def complain(text: str) -> None:
    """To the journal, which hands it on to the log."""
    print(text, file=sys.stderr, flush=True)


def pauses() -> Iterator[int]:
    """How long to wait before each try: soon at first, never long."""
    yield from PAUSES
    while True:
        yield PAUSES[-1]


class Sender:
    """Keeps a connection for as long as it lasts."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._where = host, port, tls
        self._relp: Relp | None = None

    def send(self, lines: list[bytes]) -> None:
        """Send a batch, however long it takes. A connection that broke while nothing was said is made anew at once."""
        waits, told, old = pauses(), False, self._relp is not None
        while True:
            try:
                self._relp = self._relp or Relp(*self._where)
                self._relp.send(lines)
                return
            except (OSError, RelpError, ValueError) as error:
                self._drop()
                if not (old or told):
                    complain(f"{self._where[0]}: {error}; the lines wait in the log")
                    told = True
            if not old:
                time.sleep(next(waits))
            old = False

    def _drop(self) -> None:
        if self._relp is not None:
            self._relp.close()
        self._relp = None


def main() -> None:
    try:
        config = json.loads(Path(CONFIG).read_text(encoding="utf-8"))
        tls = ssl.create_default_context(cafile=config["ca"])
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_cert_chain(config["certificate"], config["key"])
    except (OSError, ValueError, KeyError) as error:
        complain(f"{CONFIG}, or what it names, cannot be used: {error!r}")
        sys.exit(2)
    ready()
    mark = Mark(f"{os.environ['STATE_DIRECTORY']}/mark.json")
    log = Log(config["log"], mark.read())
    # Before anything was sent: should the log host be down until after the next rotation, it is known where to begin.
    mark.write(log.mark())
    sender = Sender(config["host"], config["port"], tls)
    while True:
        if lines := log.lines():
            sender.send(lines)
            mark.write(log.mark())
        else:
            time.sleep(NAP)


if __name__ == "__main__":
    main()

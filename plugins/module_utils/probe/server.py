"""What a mail server itself knows: the signatures that clamd has loaded, what lies in quarantine, what still waits.

In: the run's token, the envelopes of its probes, the marks that must turn up in quarantine. Out: plain data.
What is left of the run is removed, from the quarantine and from the queues.
How it fails: a question without an answer holds an `error`; waiting ends at the deadline.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CLAMD = "/run/clamav/clamd.ctl"
QUARANTINE = "/var/lib/amavis/virusmails"
PAUSE = 0.3
QUIET_LOOKS = 2
# A mark is looked for in a mail's headers alone.
MOST_HEADERS = 65536
MARK = re.compile(rb"^X-Gatepost-Probe:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


def ask(work: dict[str, Any]) -> dict[str, Any]:
    """Ask clamd; then wait until nothing of the run moves any more, or all that is expected lies in quarantine."""
    answer: dict[str, Any] = {"clamd": _clamd(work.get("clamd", CLAMD))}
    deadline = time.monotonic() + float(work["deadline"])
    quiet = 0
    while True:
        waiting, error = _waiting(work)
        found = list(_quarantined(work))
        missing = set(work["wait_for"]) - {mail["mark"] for mail in found}
        moving = [mail for mail in waiting if mail["queue"] != "deferred"]
        quiet = 0 if moving else quiet + 1
        # A mail on its way between two queues is seen in neither: nothing moves when two looks in a row say so.
        if error or quiet >= QUIET_LOOKS or (not missing and not moving) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    queued = [mail for mail in waiting if _marked_and_removed(mail, work["run"])]
    return {**answer, "queued": queued, "queue_error": error, "quarantined": _read_and_removed(found)}


# --- clamd -----------------------------------------------------------------------------------------------------------


def _clamd(path: str) -> dict[str, Any]:
    """The answer to VERSION: `ClamAV 1.4.3/27800/Mon Nov 23 09:21:33 2026`; the date is the server's local time."""
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(10)
            opened.connect(path)
            opened.sendall(b"zVERSION\0")
            said = opened.recv(4096).rstrip(b"\0\n").decode("utf-8", "replace")
    except OSError as error:
        return {"error": f"clamd does not answer on {path}: {error}", "version": None, "built": None}
    return {"error": None, "version": said, "built": built(said)}


def built(version: str) -> float | None:
    """When the loaded signatures were made, in seconds since 1970; None where clamd names no date."""
    date = version.rpartition("/")[2]
    try:
        return time.mktime(time.strptime(date, "%a %b %d %H:%M:%S %Y"))
    except (ValueError, OverflowError):
        return None


# --- the queues ------------------------------------------------------------------------------------------------------


def _waiting(work: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The run's mails that some Postfix instance still holds."""
    ours = {(_plain(sender), _plain(recipient)) for sender, recipient in work["envelopes"]}
    found: list[dict[str, Any]] = []
    for folder in _instances():
        done = _run("postqueue", "-c", folder, "-j")
        if done.returncode:
            return found, f"postqueue: {(done.stderr or 'no answer').strip()[:200]}"
        found += [mail for line in done.stdout.splitlines() for mail in _of_run(line, ours, work["begun"], folder)]
    return found, None


def _instances() -> list[str]:
    try:
        done = _run("postmulti", "-l")
    except FileNotFoundError:
        return []
    folders = [fields[3] for line in done.stdout.splitlines() if len(fields := line.split()) >= 4]
    return folders or ["/etc/postfix"]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own words


def _plain(address: str) -> str:
    return address.replace('"', "").replace("\\", "").lower()


def _of_run(line: str, ours: set[tuple[str, str]], begun: float, folder: str) -> Iterator[dict[str, Any]]:
    mail = json.loads(line)
    if mail["arrival_time"] < begun:
        return
    for recipient in mail["recipients"]:
        if (_plain(mail["sender"]), _plain(recipient["address"])) in ours:
            yield {
                "instance": folder,
                "queue": mail["queue_name"],
                "id": mail["queue_id"],
                "sender": mail["sender"],
                "recipient": recipient["address"],
                "reason": recipient.get("delay_reason", ""),
            }


def _marked_and_removed(mail: dict[str, Any], run: str) -> bool:
    """Whether a mail in a queue is one of ours, by its mark; it is not left to be delivered some time later."""
    headers = _run("postcat", "-c", mail["instance"], "-qh", mail["id"]).stdout
    found = MARK.search(headers.encode())
    if not found or not found[1].startswith(run.encode()):
        return False
    mail["mark"] = found[1].decode("utf-8", "replace")
    _run("postsuper", "-c", mail["instance"], "-d", mail["id"])
    return True


# --- the quarantine --------------------------------------------------------------------------------------------------


def _quarantined(work: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The run's mails in quarantine. Older files are not opened: a quarantine may hold very many."""
    token = work["run"].encode()
    for folder, _, names in os.walk(work.get("quarantine", QUARANTINE)):
        for name in names:
            path = Path(folder, name)
            head = _head(path, work["begun"])
            found = MARK.search(head) if head else None
            if found and found[1].startswith(token):
                yield {"file": str(path), "mark": found[1].decode("utf-8", "replace"), "head": head}


def _head(path: Path, begun: float) -> bytes:
    try:
        if path.stat().st_mtime < begun:
            return b""
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(MOST_HEADERS).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    except (OSError, EOFError):
        # Half-written, or gone in the meantime: the next look tells.
        return b""


def _read_and_removed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told = []
    for mail in found:
        Path(mail["file"]).unlink(missing_ok=True)
        told.append({**mail, "head": mail["head"].decode("utf-8", "replace")[:4000]})
    return told

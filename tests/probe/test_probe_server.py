"""Asking a mail server: clamd, the queues, the quarantine."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from probe import server
from probe.packed import pack, unpack

RUN = "0123abcd"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Work for a server without queues and with an empty quarantine."""
    monkeypatch.setattr(server, "_instances", list)
    monkeypatch.setattr(server, "PAUSE", 0.01)
    return {
        "run": RUN,
        "begun": time.time() - 60,
        "deadline": 1,
        "envelopes": [["a@b.example", "Anna@example.org"]],
        "wait_for": [],
        "clamd": str(tmp_path / "clamd.ctl"),
        "quarantine": str(tmp_path),
    }


def kept(folder: Path, name: str, mark: str, *, packed: bool = False) -> Path:
    text = f"X-Spam-Score: 1000\nX-Gatepost-Probe: {mark}\n\nbody\n".encode()
    file = folder / name
    file.write_bytes(gzip.compress(text) if packed else text)
    return file


@pytest.mark.parametrize("packed", [False, True])
def test_a_probe_in_quarantine_is_read_and_removed(work: dict[str, Any], tmp_path: Path, packed: bool) -> None:
    (tmp_path / "a").mkdir()
    file = kept(tmp_path / "a", "spam-1.gz" if packed else "spam-1", f"{RUN}.gate-0001", packed=packed)
    found = server.ask(work)["quarantined"]
    assert [mail["mark"] for mail in found] == [f"{RUN}.gate-0001"]
    assert "X-Spam-Score: 1000" in found[0]["head"]
    assert not file.exists()


def test_what_is_not_of_this_run_stays_in_quarantine(work: dict[str, Any], tmp_path: Path) -> None:
    others = [kept(tmp_path, "one", "other.gate-0001"), tmp_path / "two"]
    others[1].write_text(f"Subject: x\n\nX-Gatepost-Probe: {RUN}.gate-0002\n")
    assert server.ask(work)["quarantined"] == []
    assert all(file.exists() for file in others)


def test_old_files_are_not_opened(work: dict[str, Any], tmp_path: Path) -> None:
    old = kept(tmp_path, "old", f"{RUN}.gate-0001")
    os.utime(old, (0, 0))
    assert server.ask(work)["quarantined"] == []


def test_a_mail_that_is_still_under_way_is_waited_for(
    work: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([[moving()], [moving()], []])
    monkeypatch.setattr(server, "_waiting", lambda _: (next(looks, []), None))
    work["wait_for"] = [f"{RUN}.gate-0001"]
    threading.Timer(0.01, lambda: kept(tmp_path, "spam", f"{RUN}.gate-0001")).start()
    assert len(server.ask(work)["quarantined"]) == 1


def test_nothing_is_waited_for_when_nothing_moves(work: dict[str, Any]) -> None:
    work |= {"wait_for": [f"{RUN}.gate-0001"], "deadline": 60}
    begun = time.monotonic()
    assert server.ask(work)["quarantined"] == []
    assert time.monotonic() - begun < 5


def moving() -> dict[str, Any]:
    return {"queue": "active"}


def test_the_runs_mails_in_a_queue_are_told_by_envelope_and_time(work: dict[str, Any]) -> None:
    def line(sender: str, recipient: str, age: float) -> str:
        to = [{"address": recipient, "delay_reason": "store is down"}]
        mail = {"queue_name": "deferred", "queue_id": "X", "arrival_time": work["begun"] + age}
        return json.dumps(mail | {"sender": sender, "recipients": to})

    ours = {("a@b.example", "anna@example.org")}
    told = [line("A@b.example", '"anna"@example.org', 1), line("a@b.example", "x@y.example", 1)]
    told.append(line("a@b.example", "anna@example.org", -1))
    found = [mail for text in told for mail in server._of_run(text, ours, work["begun"], "/etc/postfix")]
    assert [(mail["recipient"], mail["reason"]) for mail in found] == [('"anna"@example.org', "store is down")]


def test_what_waits_is_told_by_its_mark_and_removed_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {
        "OURS": f"Subject: x\nX-Gatepost-Probe: {RUN}.gate-0001\n",
        "OTHER": "X-Gatepost-Probe: another.gate-1\n",
    }
    ran: list[tuple[str, ...]] = []

    def run(*command: str) -> Any:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, headers.get(command[-1], ""), "")

    monkeypatch.setattr(server, "_run", run)
    waiting: list[dict[str, Any]] = [{"id": name, "instance": "/etc/postfix"} for name in ("OURS", "OTHER", "GONE")]
    assert [mail["id"] for mail in waiting if server._marked_and_removed(mail, RUN)] == ["OURS"]
    assert waiting[0]["mark"] == f"{RUN}.gate-0001"
    assert [command[-1] for command in ran if command[0] == "postsuper"] == ["OURS"]


# --- clamd -----------------------------------------------------------------------------------------------------------


def answering(path: str, said: bytes) -> threading.Thread:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        client, _ = listener.accept()
        with client, listener:
            client.recv(100)
            client.sendall(said)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_clamd_tells_when_its_signatures_were_made(work: dict[str, Any]) -> None:
    answering(work["clamd"], b"ClamAV 1.4.6/27000/Tue Nov 24 08:29:26 2026\0")
    told = server.ask(work)["clamd"]
    assert told["version"].startswith("ClamAV 1.4.6/27000/")
    assert time.localtime(told["built"])[:6] == (2026, 11, 24, 8, 29, 26)


def test_signatures_without_a_date_have_none(work: dict[str, Any]) -> None:
    answering(work["clamd"], b"ClamAV 1.4.6\0")
    assert server.ask(work)["clamd"] == {"error": None, "version": "ClamAV 1.4.6", "built": None}


def test_a_clamd_that_is_not_there_is_an_error(work: dict[str, Any]) -> None:
    assert "does not answer" in server.ask(work)["clamd"]["error"]


# --- the words that Ansible carries ----------------------------------------------------------------------------------


def test_what_is_packed_comes_out_as_it_was_and_shows_nothing_to_a_template_engine() -> None:
    data = {"mail": "{{ lookup('pipe', 'id') }}", "lines": ["ü", "\0"]}
    assert unpack(pack(data)) == data
    assert "{" not in pack(data)


def test_what_was_not_packed_is_a_value_error() -> None:
    for word in ("%%%", "aGVsbG8="):
        with pytest.raises(ValueError):
            unpack(word)

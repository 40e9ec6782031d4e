"""`gatepost top`: the last minutes, from a log that grows and from a store that is filled."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from gatepost_observer.cli.top import top
from gatepost_observer.report import terminal
from gatepost_observer.store import Store, writer
from gatepost_observer.store.engine import over
from gatepost_observer.top import pulse, screen
from gatepost_observer.top.sources import Collected, Followed
from rich.console import Console
from synthesised import hostile
from typer.testing import CliRunner

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(top)


def said(moment: datetime, number: int) -> str:
    """The lines of one mail from outside, and of one refusal."""
    at = moment.strftime("%Y-%m-%dT%H:%M:%S")
    name = f"4jYg{number:08d}z"
    return (
        f"{at}.{number:06d}+00:00 mx1 postfix/smtpd[1]: {name}: client=a.example[203.0.113.9]\n"
        f"{at}.{number:06d}+00:00 mx1 postfix/qmgr[3]: {name}: from=<b@a.example>, size=9, nrcpt=1 (queue active)\n"
        f"{at}.{number:06d}+00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from a.example[203.0.113.9]: "
        f"550 5.1.1 <no@example.org>: Recipient address rejected: User unknown; from=<b@a.example> "
        f"to=<no@example.org> proto=ESMTP helo=<a.example>\n"
    )


def events(moment: datetime, many: int) -> list[dict[str, Any]]:
    time_of = int(moment.timestamp() * 1e6)
    common = {"host": "mx1", "instance": "postfix", "reason": "relay", "client": "203.0.113.9"}
    return [
        {**common, "time": time_of - n * 1_000_000, "kind": kind, "queue_id": f"q{n}"}
        for n in range(many)
        for kind in ("accepted", "refused")
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(said(NOW - timedelta(minutes=5), 1) + said(NOW - timedelta(seconds=30), 2), encoding="utf-8")
    return path


@pytest.fixture
def followed(log: Path) -> Iterator[Followed]:
    source = Followed([str(log)])
    yield source
    source.close()


def test_the_last_minute_and_the_minutes_before_are_told_apart(followed: Followed) -> None:
    told = followed.look(NOW, 15, 5)
    assert (told.last_minute["in"], told.last_minute["refused"]) == (1, 1)
    assert sum(told.series["in"]) == sum(told.series["refused"]) == 2
    assert told.boards["refusals"] == [{"name": "unknown-recipient", "events": 2}]
    assert told.queues == [{"host": "mx1", "instance": "postfix", "mails": 2}]


def test_what_is_added_is_seen_at_the_next_look(followed: Followed, log: Path) -> None:
    followed.look(NOW, 15, 5)
    with log.open("a", encoding="utf-8") as growing:
        growing.write(said(NOW, 3))
    assert followed.look(NOW + timedelta(seconds=1), 15, 5).last_minute["in"] == 2


def test_what_is_too_old_is_forgotten(followed: Followed, log: Path) -> None:
    followed.look(NOW, 15, 5)
    with log.open("a", encoding="utf-8") as growing:
        growing.write(said(NOW + timedelta(minutes=14), 3))
    told = followed.look(NOW + timedelta(minutes=14), 15, 5)
    assert sum(told.series["in"]) == 2
    assert told.queues[0]["mails"] == 3


def test_a_log_that_ended_is_shown_as_of_its_end(followed: Followed) -> None:
    told = followed.look(NOW + timedelta(days=3), 15, 5)
    assert sum(told.series["in"]) == 2
    assert told.notes[0].startswith("the log ends at ")


def test_of_a_long_log_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost_observer.top.sources.END", 2_000)
    path = tmp_path / "mail.log"
    path.write_text("".join(said(NOW - timedelta(seconds=100 - n), n) for n in range(100)), encoding="utf-8")
    source = Followed([str(path)])
    told = source.look(NOW, 15, 5)
    source.close()
    assert 1 <= sum(told.series["refused"]) <= 5


def test_a_log_that_comes_later_is_a_note_and_no_failure(tmp_path: Path) -> None:
    source = Followed([str(tmp_path / "mail.log")])
    assert "is not there (yet)" in source.look(NOW, 15, 5).notes[0]
    (tmp_path / "mail.log").write_text(said(NOW, 1), encoding="utf-8")
    assert source.look(NOW, 15, 5).last_minute["in"] == 1
    source.close()


def test_the_store_is_seen_as_soon_as_events_are_in_it(tmp_path: Path) -> None:
    with writer.opened(tmp_path) as filling:
        filling.commit(events(NOW, 3))
        source = Collected(Store(tmp_path))
        assert source.look(NOW, 15, 5).last_minute["in"] == 3
        filling.commit(events(NOW + timedelta(seconds=2), 1))
        told = source.look(NOW + timedelta(seconds=2), 15, 5)
    assert told.last_minute["in"] == 4
    assert told.queues == [{"host": "mx1", "instance": "postfix", "mails": 3}]


def test_what_passes_inside_a_server_is_counted_nowhere() -> None:
    inside = [{**event, "inside": True} for event in events(NOW, 3) if event["kind"] == "accepted"]
    with over(inside) as engine:
        told = pulse.taken(engine, NOW, 15, 5, [], [])
    assert set(told.last_minute.values()) == {0}


def test_strangers_move_no_cursor_and_eighty_columns_suffice() -> None:
    with over(hostile(int(NOW.timestamp() * 1e6))) as engine:
        queues = [{"host": "\x1b[2J", "instance": "\u202e" * 50, "mails": 1}]
        told = pulse.taken(engine, NOW, 15, 8, queues, ["\x1b]0;x\x07"])
    written = StringIO()
    Console(file=written, width=80, no_color=True, highlight=False, markup=False, emoji=False).print(
        screen.screen(told)
    )
    text = written.getvalue()
    assert all(c.isprintable() or c == "\n" for c in text)
    assert max(map(len, text.split("\n"))) <= 80
    assert set(terminal.SPARKS[1:]) & set(text)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_in_a_pipe_one_look_is_printed(log: Path) -> None:
    done = run("--log", log)
    assert done.exit_code == 0
    assert "taken in" in done.stdout
    assert "\x1b" not in done.stdout


def test_json_has_the_rates_and_the_lists(log: Path) -> None:
    told = json.loads(run("--log", log, "--json").stdout)
    assert told["refusals"] == [{"name": "unknown-recipient", "events": 2}]
    assert len(told["series"]["in"]) == pulse.SLOTS


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for arguments, code, words in (
        (("--log", tmp_path / "none.log"), 3, "no such log"),
        (("--store", tmp_path), 3, "is no store"),
        (("--store", tmp_path, "--log", "x"), 2, "either logs or a store"),
    ):
        done = run(*arguments)
        assert done.exit_code == code
        assert words in done.stderr


def test_on_a_terminal_it_pauses_and_ends_by_a_key(log: Path) -> None:
    master, slave = pty.openpty()
    program = "import typer; from gatepost_observer.cli.top import top; typer.run(top)"
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    child = subprocess.Popen(
        [sys.executable, "-c", program, "--log", str(log), "--every", "0.2"],
        stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True,
    )  # fmt: skip
    os.close(slave)
    try:
        assert shown_within(master, b"taken in", 60)
        os.write(master, b"p")
        assert shown_within(master, b"paused", 30)
        os.write(master, b"q")
        drain(master)
        assert child.wait(30) == 0
    finally:
        child.kill()
        os.close(master)


def shown_within(master: int, words: bytes, seconds: float) -> bool:
    seen, deadline = b"", time.monotonic() + seconds
    while words not in seen and time.monotonic() < deadline:
        if select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65_536)
    return words in seen


def drain(master: int) -> None:
    """Take what the child still writes, so that it can end."""
    try:
        while select.select([master], [], [], 10)[0] and os.read(master, 65_536):
            pass
    except OSError:  # the other side was closed
        return

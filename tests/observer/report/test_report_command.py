"""`gatepost report`: what it reads, what it writes, and what it says when it cannot."""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from gatepost_observer.cli.report import report
from typer.testing import CliRunner, Result

LOG = """\
2026-11-24T11:02:00.000001+00:00 mx1 postfix/smtpd[1]: connect from mail.freemail.example[203.0.113.9]
2026-11-24T11:02:00.100001+00:00 mx1 postfix/smtpd[1]: 4jYg1Q0001z: client=mail.freemail.example[203.0.113.9]
2026-11-24T11:02:00.200001+00:00 mx1 postfix/cleanup[2]: 4jYg1Q0001z: message-id=<1@freemail.example>
2026-11-24T11:02:00.300001+00:00 mx1 postfix/qmgr[3]: 4jYg1Q0001z: from=<bob@freemail.example>, size=1200, nrcpt=1 (queue active)
2026-11-24T11:02:00.400001+00:00 mx1 postfix/smtp[4]: 4jYg1Q0001z: to=<anna@example.org>, relay=store.example.org[192.0.2.25]:25, delay=0.5, delays=0.1/0/0.1/0.3, dsn=2.0.0, status=sent (250 2.0.0 Ok)
2026-11-24T11:02:00.500001+00:00 mx1 postfix/qmgr[3]: 4jYg1Q0001z: removed
2026-11-24T11:02:01.000001+00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from mail.freemail.example[203.0.113.9]: 550 5.1.1 <nobody@example.org>: Recipient address rejected: User unknown; from=<bob@freemail.example> to=<nobody@example.org> proto=ESMTP helo=<mail.freemail.example>
2026-11-24T11:02:02.000001+00:00 mx1 postfix/smtpd[1]: disconnect from mail.freemail.example[203.0.113.9] ehlo=1 mail=1 rcpt=1/2 data=1 quit=1 commands=5/6
"""  # noqa: E501 - as Postfix writes it

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(report)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(LOG, encoding="utf-8")
    return path


def test_a_log_is_reported_as_text(log: Path) -> None:
    done = run("--own", "example.org", log)
    assert done.exit_code == 0
    assert "1 mail came in and 0 were sent from inside" in done.stdout
    assert "Unknown recipients" in done.stdout


def test_json_holds_the_same_figures(log: Path) -> None:
    told = json.loads(run("--own", "example.org", "--json", log).stdout)
    assert told["totals"]["received"] == told["totals"]["delivered"] == told["totals"]["refused"] == 1
    assert told["totals"]["to_us"]["bytes"] == 1200
    assert told["not_understood"] == {"lines": 0, "programs": []}


def test_a_compressed_log_says_the_same(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "mail.log.gz"
    packed.write_bytes(gzip.compress(LOG.encode()))
    assert run("--json", packed).stdout == run("--json", log).stdout


def test_the_page_is_written_whole_or_not_at_all(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert run("--own", "example.org", "--html", page, log).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
    done = run("--html", tmp_path / "no" / "report.html", log)
    assert (done.exit_code, "cannot be written" in done.stderr) == (3, True)


def test_a_folder_can_be_no_page(log: Path, tmp_path: Path) -> None:
    done = run("--html", tmp_path, log)
    assert done.exit_code == 3
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "there is nothing to report"),
        (bytes(range(256)) * 40, "binary"),
        (b"1\n2\n3\n", "is no log"),
        (b"Nov 24 10:00:00 host cron[1]: job\n", "is a log of cron, expected the log of a mail server"),
        (gzip.compress(LOG.encode())[:-20], "ends early"),
    ],
)
def test_what_is_no_mail_log_is_said_to_be_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(content)
    done = run(path)
    assert done.exit_code == 3
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(run("--json", path).stdout).keys() == {"error"}


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "is a directory"), (tmp_path / "none.log", "no such file")):
        done = run(path)
        assert done.exit_code == 3
        assert words in done.stderr


def test_a_log_from_the_future_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text(LOG.replace("2026-", "2097-"), encoding="utf-8")
    assert "events from the future" in " ".join(run(path).stdout.split())


def test_a_period_in_which_the_log_has_nothing_is_told(log: Path) -> None:
    told = " ".join(run("--since", "2026-11-01", "--until", "2026-11-02", log).stdout.split())
    assert "Nothing happened in this time" in told
    assert "it goes from 2026-11-24" in told


def test_the_nearest_domain_is_suggested(log: Path) -> None:
    done = run("--domain", "freemial.example", log)
    assert done.exit_code == 1
    assert "did you mean freemail.example?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "tomorrow"),
        ("--since", "2026-11-24", "--until", "2026-11-01"),
        ("--period", "day", "--since", "7d"),
        ("--period", "year"),
        ("--store", "x"),
        ("--engine", "spark://x:1"),
        ("--engine", "flink"),
        ("--internal", "192.0.2.1/24"),
        ("--mail-to", "a@example.org"),
        ("--mail-to", "nobody", "--via", "smtp://mx1"),
        ("--mail-to", "a@example.org", "--via", "http://mx1"),
        ("--mail", "daily"),
        ("--top", "0"),
    ],
)
def test_wrong_usage_is_told_as_such(log: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, log)
    assert done.exit_code == 2
    assert "Error" in done.stderr


def test_a_store_that_is_none_of_a_newer_gatepost_or_damaged_is_refused(tmp_path: Path) -> None:
    newer = {"format": "gatepost events", "layout": 99, "schema": 99, "files": [], "state": None, "sequence": 1}
    for content, words in (
        (None, "is no store"),
        ("{", "is damaged"),
        (json.dumps(newer), "of a newer Gatepost"),
        (json.dumps(newer | {"layout": 1, "schema": 1}), "is damaged"),
    ):
        if content is not None:
            (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
        done = run("--store", tmp_path)
        assert done.exit_code == 3
        assert words in done.stderr


def test_a_damaged_file_in_the_store_is_named(tmp_path: Path) -> None:
    entry = {"path": "events/1.parquet", "day": "2026-11-23", "host": "mx1", "rows": 1, "size": 1, "first": 1,
             "schema": 1, "last": 4_000_000_000_000_000, "written": 1.0, "level": 0, "forgotten": False}  # fmt: skip
    manifest = {"format": "gatepost events", "layout": 1, "schema": 1, "files": [entry], "state": None, "sequence": 1,
                "superseded": {}}  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "1.parquet").write_bytes(b"PAR1 but not really PAR1")
    done = run("--store", tmp_path)
    assert done.exit_code == 3
    assert "1.parquet" in done.stderr
    assert len(done.stderr.splitlines()) == 1


class Sink(socketserver.StreamRequestHandler):
    """A mail server that takes everything, or refuses recipients at `no.example`."""

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline().decode().strip():
            word = line.upper().split(":")[0].split(" ")[0]
            if word == "DATA":
                self._say("354 go on")
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    self.server.taken.append(text)  # type: ignore[attr-defined]
            self.server.said.append(line)  # type: ignore[attr-defined]
            self._say(self._answer(word, line))

    def _answer(self, word: str, line: str) -> str:
        if word == "RCPT" and "no.example" in line:
            return "550 5.1.1 User unknown"
        return "221 bye" if word == "QUIT" else "250 ok"

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def sink() -> Iterator[socketserver.TCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as server:
        server.daemon_threads = True
        server.said, server.taken = [], []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_report_is_mailed_with_a_sender_that_takes_the_failure(log: Path, sink: socketserver.TCPServer) -> None:
    via = f"smtp://127.0.0.1:{sink.server_address[1]}"
    done = run("--mail-to", "director@example.org", "--via", via, "--own", "example.org", log)
    assert (done.exit_code, done.stdout.split(":")[0]) == (0, "mailed to director@example.org")
    said, taken = sink.said, b"".join(sink.taken)  # type: ignore[attr-defined]
    assert any(line.lower().startswith("mail from:<director@example.org>") for line in said)
    assert b"Auto-Submitted: auto-generated" in taken
    assert b"multipart/alternative" in taken


def test_the_configuration_names_who_gets_the_timers_mail(
    log: Path, tmp_path: Path, sink: socketserver.TCPServer
) -> None:
    config = tmp_path / "observer.json"
    via = f"smtp://127.0.0.1:{sink.server_address[1]}"
    mailing = {"to": ["postmaster@example.org"], "via": via, "from": "gatepost@example.org"}
    config.write_text(json.dumps({"version": 1, "report": mailing}), encoding="utf-8")
    assert run("--config", config, "--mail", "weekly", log).exit_code == 0
    said = [line.lower() for line in sink.said]  # type: ignore[attr-defined]
    assert any(line.startswith("mail from:<gatepost@example.org>") for line in said)
    assert any(line.startswith("rcpt to:<postmaster@example.org>") for line in said)


def test_the_servers_refusal_is_told_in_its_own_words(log: Path, sink: socketserver.TCPServer) -> None:
    done = run("--mail-to", "x@no.example", "--via", f"smtp://127.0.0.1:{sink.server_address[1]}", log)
    assert done.exit_code == 3
    assert "550 5.1.1 User unknown" in done.stderr


def test_a_server_that_does_not_answer_is_named(log: Path, sink: socketserver.TCPServer) -> None:
    port = sink.server_address[1]
    sink.shutdown()
    sink.server_close()
    done = run("--mail-to", "x@example.org", "--via", f"smtp://127.0.0.1:{port}", log)
    assert done.exit_code == 3
    assert f"smtp://127.0.0.1:{port}: " in done.stderr

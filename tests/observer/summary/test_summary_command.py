"""`gatepost summary` as a user calls it: what it prints, and how it says no."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OBSERVER = Path(__file__).resolve().parents[3] / "observer"
LINE = b"2026-11-24T11:04:26.123456+00:00 mx1 postfix/smtpd[1]: ABCDEF0123: client=x[203.0.113.9]\n"


def called(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The summary by the standard library alone."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "gatepost_observer.summary", *arguments],
        input=given, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(OBSERVER)},
    )  # fmt: skip


def test_standard_input_and_packed_logs_are_summed_up_together(tmp_path: Path) -> None:
    packed = tmp_path / "mail.log.1.gz"
    packed.write_bytes(gzip.compress(LINE))
    done = called("--json", str(packed), "-", given=LINE.replace(b"0123:", b"0124:"))
    assert json.loads(done.stdout)["totals"]["received"] == 2
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no line in it, expected a mail log"),
        (b"2026-11-24T11:04:26+00:00 web nginx[1]: GET /\n" * 3, "no line of Postfix among 3 lines"),
        (b"\x7fELF\x02\x01\x01" + bytes(500), "is a binary file, expected a log of lines"),
    ],
)
def test_a_file_without_a_mail_log_in_it_is_told_and_not_summed_up(
    tmp_path: Path, content: bytes, message: str
) -> None:
    log = tmp_path / "some.log"
    log.write_bytes(content)
    done = called(str(log))
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == f"gatepost summary: {log}: {message}\n"


def test_a_part_of_the_log_that_cannot_be_read_leaves_no_smaller_number(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.log", tmp_path / "bad.log.gz"
    good.write_bytes(LINE * 1000)
    bad.write_bytes(gzip.compress(os.urandom(5000).hex().encode())[:2000])
    done = called("--jobs=2", str(good), str(bad))
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"ends early" in done.stderr


def test_a_day_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_bytes(LINE)
    done = called("--day=2026-13-45", str(log))
    assert done.returncode == 2
    assert b"is no day" in done.stderr


def test_hostile_text_is_printed_escaped(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    evil = LINE.replace(
        b"client=x[203.0.113.9]", b"reject: RCPT from x[203.0.113.9]: 550 \x1b[31m\xe2\x80\xae evil; from=<> to=<a>"
    )
    log.write_bytes(evil + evil.replace(b"ABCDEF0123: reject", b"warning: \x1b]0;evil\x07"))
    text = called(str(log)).stdout.decode()
    assert all(line.isprintable() for line in text.splitlines())

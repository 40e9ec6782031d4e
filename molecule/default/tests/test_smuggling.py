"""One mail stays one mail: whatever stands where the end of the data might be, no second mail comes out of it."""

from __future__ import annotations

import socket

import pytest
from conftest import SERVERS, stored, wait_for

ENDS = {
    "LF . LF": b"\n.\n",
    "CR . CR": b"\r.\r",
    "CRLF . LF": b"\r\n.\n",
    "LF . CRLF": b"\n.\r\n",
    "CR . CRLF": b"\r.\r\n",
    "CRLF . CR": b"\r\n.\r",
    "LF . CR": b"\n.\r",
    "CRLF . NUL CRLF": b"\r\n.\0\r\n",
    "CRLF NUL . CRLF": b"\r\n\0.\r\n",
    "CR NUL LF . CRLF": b"\r\0\n.\r\n",
    "CR CRLF . CR CRLF": b"\r\r\n.\r\r\n",
    "CRLF . CR NUL LF": b"\r\n.\r\0\n",
}
ENVELOPE = (b"EHLO smuggler.foreign.test", b"MAIL FROM:<a@foreign.test>", b"RCPT TO:<bert@example.org>", b"DATA")


def replies(link: socket.socket, lines: object) -> str:
    """One whole reply."""
    while line := lines.readline().decode("latin-1"):  # type: ignore[attr-defined]
        if line[3:4] != "-":
            return str(line)
    return ""


@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("end", ENDS)
def test_what_looks_like_an_end_of_data_begins_no_second_mail(name: str, mark: str, end: str, split: bool) -> None:
    second = b"MAIL FROM:<b@foreign.test>\r\nRCPT TO:<bert@example.org>\r\nDATA\r\nSubject: two\r\n\r\n" + mark.encode()
    mail = b"Subject: one\r\n\r\n" + mark.encode() + ENDS[end] + second + b"\r\n.\r\n"
    with socket.create_connection((SERVERS[name], 25), 30) as link, link.makefile("rb") as lines:
        replies(link, lines)
        for command in ENVELOPE:
            link.sendall(command + b"\r\n")
            replies(link, lines)
        for piece in [mail[at : at + 1] for at in range(len(mail))] if split else [mail]:
            link.sendall(piece)
        answer = replies(link, lines)
        link.sendall(b"QUIT\r\n")
        last = replies(link, lines)
    if answer.startswith("5"):
        return
    assert (answer[:3], last[:3]) == ("250", "221")
    text = wait_for("the mail", lambda: stored("bert@example.org", mark))
    assert text.count("Subject: one") == 1
    assert text.count(mark) == 2

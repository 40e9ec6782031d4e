"""Logs of made-up mails, for the tests of the collector: each mail is five lines and three events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
KINDS = ("accepted", "delivered", "closed")


def queue_id(number: int) -> str:
    """A long queue id of Postfix, another one for each mail."""
    return f"4dQ{number:08}z1"


def lines(number: int, host: str = "gate12") -> list[bytes]:
    """What Postfix logs of one mail."""
    said = [
        ("smtpd[101]", "client=mail.sender.example[203.0.113.9]"),
        ("cleanup[102]", f"message-id=<{number}@sender.example>"),
        ("qmgr[103]", "from=<anna@sender.example>, size=1234, nrcpt=1 (queue active)"),
        (
            "smtp[104]",
            "to=<bert@example.org>, relay=store.example.org[192.0.2.10]:25, delay=0.5, delays=0.1/0/0.1/0.3, "
            "dsn=2.0.0, status=sent (250 2.0.0 Ok)",
        ),
        ("qmgr[103]", "removed"),
    ]
    told = []
    for step, (process, text) in enumerate(said):
        moment = (BEGIN + timedelta(milliseconds=10 * number + step)).isoformat(timespec="microseconds")
        told.append(f"{moment} {host} postfix/{process}: {queue_id(number)}: {text}".encode())
    return told


def log(first: int, last: int, host: str = "gate12") -> bytes:
    """The lines of mails from one number to before another."""
    return b"".join(line + b"\n" for number in range(first, last) for line in lines(number, host))

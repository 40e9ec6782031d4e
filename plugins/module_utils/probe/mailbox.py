"""What arrived: mailboxes, read over IMAP, and emptied of probes afterwards.

In: for each address its login and the marks of the mails to wait for. Out: for each address every mail that carries
this run's token anywhere (a notice about a probe quotes it): its headers, and whether the probe's own mark stands in
them.
How it fails: a mailbox that cannot be read holds `error`; all of it ends at the deadline.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default
from typing import Any

PAUSE = 0.25
MARK = "X-Gatepost-Probe"
MOST_OF_A_NOTICE = 200_000
TROUBLE = (OSError, imaplib.IMAP4.error)


def look(work: dict[str, Any], imap: dict[str, Any]) -> dict[str, Any]:
    """Look into every mailbox, a few at the same time."""
    deadline = time.monotonic() + float(work["deadline"])
    with ThreadPoolExecutor(max_workers=int(work.get("connections", 4))) as pool:
        told = pool.map(lambda box: (box["user"], _one(box, work["run"], imap, deadline)), work["mailboxes"])
        return {"mailboxes": dict(told)}


def _one(box: dict[str, Any], run: str, imap: dict[str, Any], deadline: float) -> dict[str, Any]:
    try:
        server = _open(box["login"], imap)
    except TROUBLE as error:
        return {"error": str(error), "mails": []}
    try:
        mails = _wait(server, run, set(box["wait_for"]), deadline)
        _delete(server, [mail["uid"] for mail in mails])
        return {"error": None, "mails": mails}
    except TROUBLE as error:
        return {"error": str(error), "mails": []}
    finally:
        _leave(server)


def _open(login: str, imap: dict[str, Any]) -> imaplib.IMAP4:
    host, port = imap.get("host", "127.0.0.1"), int(imap.get("port", 993 if imap.get("tls") else 143))
    server = imaplib.IMAP4_SSL(host, port, timeout=20) if imap.get("tls") else imaplib.IMAP4(host, port, timeout=20)
    # PLAIN, since LOGIN would need quoting that imaplib does for the password alone.
    secret = f"\0{login}\0{imap['password']}".encode()
    server.authenticate("PLAIN", lambda _: secret)
    server.select("INBOX")
    return server


def _wait(server: imaplib.IMAP4, run: str, wanted: set[str], deadline: float) -> list[dict[str, Any]]:
    """Every mail of this run, as soon as the wanted ones are among them or time is over."""
    while True:
        uids = _search(server, run)
        mails = [_headers(server, uid, run) for uid in uids]
        if wanted <= {mail["mark"] for mail in mails} or time.monotonic() > deadline:
            return mails
        time.sleep(PAUSE)
        # NOOP lets the server tell what came in since.
        server.noop()


def _search(server: imaplib.IMAP4, run: str) -> list[str]:
    _, found = server.uid("SEARCH", "TEXT", run)
    return [word.decode() for word in (found[0] or b"").split()]


def _headers(server: imaplib.IMAP4, uid: str, run: str) -> dict[str, Any]:
    _, found = server.uid("FETCH", uid, "(BODY.PEEK[HEADER])")
    raw = next((part[1] for part in found if isinstance(part, tuple)), b"")
    headers = message_from_bytes(raw, policy=default)
    kept = [[name, str(value)] for name, value in headers.items()]
    mark = str(headers.get(MARK, ""))
    return {"uid": uid, "mark": mark, "headers": kept, "about": [] if mark else _quoted(server, uid, run)}


def _quoted(server: imaplib.IMAP4, uid: str, run: str) -> list[str]:
    """The marks that a mail without one of its own quotes: it is a notice about them."""
    _, found = server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_OF_A_NOTICE}>)")
    raw = next((part[1] for part in found if isinstance(part, tuple)), b"")
    marks = re.findall(re.escape(run).encode() + rb"\.[A-Za-z0-9._-]*[A-Za-z0-9]", raw)
    return sorted({mark.decode() for mark in marks})


def _delete(server: imaplib.IMAP4, uids: list[str]) -> None:
    if uids:
        server.uid("STORE", ",".join(uids), "+FLAGS.SILENT", r"(\Deleted)")
        # Without UIDPLUS a plain EXPUNGE would take what somebody else has just marked.
        if "UIDPLUS" in server.capabilities:
            server.uid("EXPUNGE", ",".join(uids))
        else:
            server.expunge()


def _leave(server: imaplib.IMAP4) -> None:
    with contextlib.suppress(*TROUBLE):
        server.logout()

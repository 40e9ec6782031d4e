"""Postfix's side: the milter protocol, by python3-milter. No other module knows it.

In: libmilter's calls, each session in a thread of its own. Out: the answers of a Visit. How it fails: whatever goes
wrong in a call is told on stderr (systemd's journal), and the session goes on as if the milter had nothing to say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import milter  # of Debian's python3-milter, without types

from gatepost_mx.visit import Reply, Visit

# Postfix opens a connection for each of its smtpd processes; a storm opens them all at once.
_BACKLOG = 1024
_UNKNOWN_USER = "5.1.1"

_MACROS = (
    (milter.M_CONNECT, "{daemon_port}"),
    (milter.M_ENVFROM, "{auth_authen}"),
    (milter.M_ENVRCPT, "{rcpt_mailer} {rcpt_host}"),
)
# Steps that nobody here has a word in cost nothing; recipients that Postfix refused are wanted.
_STEPS = (
    milter.P_RCPT_REJ
    | milter.P_NOHELO
    | milter.P_NODATA
    | milter.P_NOUNKNOWN
    | milter.P_NOHDRS
    | milter.P_NOEOH
    | milter.P_NOBODY
)


def serve(socket: str, group: str | None, begin: Callable[[], Visit], ready: Callable[[], None]) -> None:
    """Answer Postfix until the process is told to end. Raises OSError if it cannot begin."""

    def negotiate(session: Any, offered: list[int]) -> int:
        session.setpriv(begin())
        for step, macros in _MACROS:
            session.setsymlist(step, macros)
        offered[:] = [milter.SETSYMLIST, offered[1] & _STEPS, 0, 0]
        return int(milter.CONTINUE)

    milter.set_flags(milter.SETSYMLIST)
    milter.set_exception_policy(milter.CONTINUE)
    milter.set_connect_callback(_connected)
    milter.set_envfrom_callback(_sender)
    milter.set_envrcpt_callback(_recipient)
    milter.set_close_callback(_closed)
    milter.register("gatepost-mx", negotiate=negotiate)
    milter.setbacklog(_BACKLOG)
    try:
        _listen(socket, group)
        ready()
        milter.main()
    except milter.error as error:
        raise OSError(f"{socket}: {error}") from error


def _listen(socket: str, group: str | None) -> None:
    kind, _, place = socket.partition(":")
    if kind == "inet":
        host, _, port = place.rpartition(":")
        milter.setconn(f"inet6:{port}@[::1]" if "::" in host else f"inet:{port}@{host}")
        milter.opensocket(False)
        return
    milter.setconn(f"unix:{place}")
    mask = os.umask(0o177)
    try:
        milter.opensocket(True)
    finally:
        os.umask(mask)
    if group:
        shutil.chown(place, group=group)
    Path(place).chmod(0o660 if group else 0o666)


def _connected(session: Any, _name: str, _family: int, address: Any) -> int:
    told = address[0] if isinstance(address, tuple) else None
    return _answer(session, session.getpriv().connected(told, session.getsymval("{daemon_port}")))


def _sender(session: Any, *_words: bytes) -> int:
    return _answer(session, session.getpriv().sender(session.getsymval("{auth_authen}")))


def _recipient(session: Any, recipient: bytes, *_words: bytes) -> int:
    visit = session.getpriv()
    if session.getsymval("{rcpt_mailer}") != "error":
        return _answer(session, visit.recipient(recipient))
    if session.getsymval("{rcpt_host}") == _UNKNOWN_USER:
        visit.unknown_recipient(recipient)
    return int(milter.CONTINUE)


def _closed(session: Any) -> int:
    session.setpriv(None)
    return int(milter.CONTINUE)


def _answer(session: Any, reply: Reply | None) -> int:
    if reply is None:
        return int(milter.CONTINUE)
    # libmilter reads the text as a format.
    session.setreply(reply.code, reply.status, reply.text.replace("%", "%%"))
    return int(milter.TEMPFAIL)

"""The control socket: how `status`, `lockouts` and the firewall's helper speak with the running milter.

In: one line of JSON for each connection, `{"ask": …}`. Out: one line of JSON, with `error` in it where the question was
no good. Only the program's own user and root can reach the socket. How it fails: the asking side raises SilentError.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatepost_mx import config as policy
from gatepost_mx import sayings
from gatepost_mx.clients import from_person
from gatepost_mx.keeper import Keeper

_LONGEST = 1 << 20
WAIT = 20.0


class SilentError(Exception):
    """The milter gave no answer. `refused`: nobody listens at all."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


def ask(path: Path, question: Mapping[str, Any], patience: float = 10) -> dict[str, Any]:
    """The milter's answer. Raises SilentError."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(patience)
            line.connect(str(path))
            line.sendall(json.dumps(question).encode() + b"\n")
            with line.makefile("rb") as answer:
                told = json.loads(answer.readline())
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise SilentError(f"{path}: the milter does not run", refused=True) from error
    except (OSError, ValueError) as error:
        raise SilentError(f"{path}: the milter does not answer: {error}") from error
    return told if isinstance(told, dict) else {"error": "no object"}


def answer(keeper: Keeper, config: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the milter says to one question."""
    match question:
        case {"ask": "status"}:
            return {**keeper.status(), "pid": os.getpid()}
        case {"ask": "lock-outs"}:
            return {"lock_outs": keeper.lock_outs()}
        case {"ask": "lift", "client": str(text)}:
            client = from_person(text)
            return {"lifted": keeper.lift([client])} if client else {"error": "no address of a client"}
        case {"ask": "lift-all"}:
            return {"lifted": keeper.lift(None)}
        case {"ask": "changes", "since": int(since), "firewall": str() | None as state}:
            return keeper.changes(since, WAIT, state)
        case {"ask": "reload"}:
            return _reload(keeper, config)
    return {"error": "no such question"}


def _reload(keeper: Keeper, path: Path) -> dict[str, Any]:
    try:
        problem = keeper.reload(policy.load(path))
    except policy.ConfigError as error:
        problem = str(error)
    if problem:
        return {"error": problem}
    keeper.say(sayings.reloaded(path))
    return {"reloaded": str(path)}


def serve(path: Path, keeper: Keeper, config: Path) -> socketserver.ThreadingUnixStreamServer:
    """Listen, in threads of the background. Raises OSError if the socket cannot be made."""

    class _Conversation(socketserver.StreamRequestHandler):
        timeout = 10

        def handle(self) -> None:
            try:
                question = json.loads(self.rfile.readline(_LONGEST))
                told = answer(keeper, config, question if isinstance(question, dict) else {})
                self.wfile.write(json.dumps(told).encode() + b"\n")
            except (OSError, ValueError):
                return  # whoever asked is gone, or said nothing that can be read

    path.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        server = socketserver.ThreadingUnixStreamServer(str(path), _Conversation)
    finally:
        os.umask(mask)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True, name="control").start()
    return server


def end(server: socketserver.ThreadingUnixStreamServer, path: Path) -> None:
    """Listen no more."""
    path.unlink(missing_ok=True)
    server.shutdown()
    server.server_close()

"""A mail server and an IMAP server on loopback, that do what a test tells them: a few lines of each protocol."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import threading
from collections.abc import Callable
from typing import Any


class Listening:
    """Accepts on loopback, one thread for each client, until it is ended."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.clients: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, address = self.listener.accept()
            except OSError:
                return
            self.clients.append(address[0])
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, contextlib.suppress(OSError):
            self.serve(client, lines)

    def serve(self, client: socket.socket, lines: Any) -> None:
        raise NotImplementedError

    def end(self) -> None:
        # A thread that waits in accept() keeps the socket open, unless it is shut down; a test may have ended it.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class MailServer(Listening):
    """SMTP. `answers` maps the beginning of a command to a reply; None closes the connection without one."""

    def __init__(self) -> None:
        self.answers: dict[str, str | None] = {}
        self.heard: list[str] = []
        self.mails: list[bytes] = []
        super().__init__()

    def _reply(self, command: str) -> str | None:
        self.heard.append(command)
        usual = {"DATA": "354 go on", "QUIT": "221 bye", "": "220 scripted ESMTP", "EHLO": "250-scripted\r\n250 SIZE"}
        for known in sorted(self.answers, key=len, reverse=True):
            if command.startswith(known) and (known or not command):
                return self.answers[known]
        return usual.get(command.split(" ")[0], "250 2.0.0 Ok")

    def serve(self, client: socket.socket, lines: Any) -> None:
        command = ""
        while True:
            reply = self._reply(command)
            if reply is None:
                return
            client.sendall(reply.encode() + b"\r\n")
            if reply.startswith("354"):
                mail = b"".join(iter(lines.readline, b".\r\n"))
                self.mails.append(mail)
                command = "."
                continue
            raw = lines.readline()
            if not raw:
                return
            command = raw.decode("utf-8", "replace").rstrip("\r\n")


class Mailboxes(Listening):
    """IMAP. `mails` maps a user to raw mails; `late` are put there when the user is looked at for the second time."""

    def __init__(self) -> None:
        self.mails: dict[str, list[bytes]] = {}
        self.late: dict[str, list[bytes]] = {}
        self.deleted: dict[str, list[str]] = {}
        super().__init__()

    def serve(self, client: socket.socket, lines: Any) -> None:
        client.sendall(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN] ready\r\n")
        user = ""
        for raw in iter(lines.readline, b""):
            tag, _, command = raw.decode().strip().partition(" ")
            if command.startswith("AUTHENTICATE"):
                client.sendall(b"+ \r\n")
                _, user, password = base64.b64decode(lines.readline()).decode().split("\0")
                good = password == "lab"
                client.sendall(f"{tag} {'OK' if good else 'NO'} said\r\n".encode())
                continue
            self._known(command)(client, user, command)
            client.sendall(f"{tag} OK done\r\n".encode())

    def _known(self, command: str) -> Callable[[socket.socket, str, str], None]:
        known = {"CAPABILITY": self._capability, "UID SEARCH": self._search, "UID FETCH": self._fetch}
        known |= {"UID STORE": self._store}
        return next((do for word, do in known.items() if command.startswith(word)), lambda *_: None)

    def _capability(self, client: socket.socket, user: str, command: str) -> None:
        client.sendall(b"* CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN\r\n")

    def _search(self, client: socket.socket, user: str, command: str) -> None:
        token = command.split()[-1].strip('"').encode()
        found = [str(n) for n, mail in enumerate(self.mails.get(user, []), 1) if token in mail]
        client.sendall(f"* SEARCH {' '.join(found)}\r\n".encode())
        self.mails.setdefault(user, []).extend(self.late.pop(user, []))

    def _fetch(self, client: socket.socket, user: str, command: str) -> None:
        number = int(command.split()[2])
        mail = self.mails[user][number - 1]
        part = mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in command else mail
        client.sendall(f"* {number} FETCH (UID {number} BODY[] {{{len(part)}}}\r\n".encode() + part + b")\r\n")

    def _store(self, client: socket.socket, user: str, command: str) -> None:
        found = re.match(r"UID STORE (\S+)", command)
        self.deleted.setdefault(user, []).extend(found[1].split(",") if found else [])

"""The mailbox in which test mails must turn up if a server relays: read over IMAP, and cleaned up afterwards.

In: a URL (`imap://user@host[:port]/folder`, or imaps), a password, the token of the run. Out: what arrived.
How it fails: `MailboxError`, a wrong URL is a `BadMailboxError`. What stands in the mailbox is hostile, and bounded.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import ipaddress
import re
import ssl
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from gatepost.findings import shown
from gatepost.policy.values import is_domain
from gatepost.probe.mails import HEADER

_PORTS = {"imap": 143, "imaps": 993}
_SECONDS = 20.0
_MOST_MAILS, _MOST_OCTETS = 500, 65536
_REMOTE = re.compile(r"^Remote-MTA:\s*\w+;\s*([^\s]+)", re.I | re.M)

_DELAYED = re.compile(r"^Action:\s*delayed", re.I | re.M)


class MailboxError(Exception):
    """The mailbox cannot be read."""


class BadMailboxError(ValueError):
    """This is no mailbox's URL."""


@dataclass(frozen=True)
class Mailbox:
    """Where mails are looked for. `folder` is empty for the inbox and the folder for junk."""

    tls: bool
    user: str
    host: str
    port: int
    folder: str = ""

    @property
    def address(self) -> str:
        """The mail address that belongs to it."""
        return self.user if "@" in self.user else f"{self.user}@{self.host}"

    @property
    def is_near(self) -> bool:
        """Whether its host is this machine or stands in a private network."""
        try:
            found = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host == "localhost"
        return found.is_loopback or found.is_private


@dataclass(frozen=True)
class Arrived:
    """One mail of the run. A notice is about a mail that did not get through; `handed_to` is whom it names."""

    mark: str
    is_notice: bool
    received: tuple[str, ...] = ()
    handed_to: str = ""
    said: str = ""
    is_final: bool = True


def mailbox_of(url: str) -> Mailbox:
    """The mailbox behind a URL."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise BadMailboxError(f"{shown(url)}: {error}") from error
    if parts.scheme not in _PORTS or not parts.username or not parts.hostname:
        raise BadMailboxError("imap://user@host[:port] or imaps://user@host[:port] was expected")
    if parts.password is not None:
        raise BadMailboxError("no password in the URL: it is asked for, or read from GATEPOST_MAILBOX_PASSWORD")
    found = Mailbox(
        parts.scheme == "imaps",
        urllib.parse.unquote(parts.username),
        parts.hostname,
        port,
        urllib.parse.unquote(parts.path.strip("/")),
    )
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+", found.address.rpartition("@")[0]) or not is_domain(
        found.address.rpartition("@")[2]
    ):
        raise BadMailboxError(f"{shown(found.address)} is no mail address: write the user as name%40its.domain")
    if not found.folder.isprintable() or '"' in found.folder or "\\" in found.folder:
        raise BadMailboxError(f"{shown(found.folder)} is no folder")
    return found


class Reading:
    """A login that lasts over several looks."""

    def __init__(self, mailbox: Mailbox, password: str) -> None:
        self._mailbox = mailbox
        with _told():
            self._imap = _connected(mailbox)
            self._imap.login(mailbox.user, password)

    def look(self, run: str) -> list[Arrived]:
        """Everything of this run that is there by now."""
        found: list[Arrived] = []
        with _told():
            for folder in self._folders():
                if self._imap.select(folder, readonly=True)[0] == "OK":
                    found += [arrived for raw in self._mails(run) for arrived in arrivals(raw, run)]
        return found

    def clean(self, run: str) -> None:
        """Remove the mails of this run."""
        with _told():
            for folder in self._folders():
                if self._imap.select(folder)[0] == "OK" and (numbers := self._numbers(run)):
                    self._imap.uid("STORE", ",".join(numbers), "+FLAGS.SILENT", r"(\Deleted)")
                    self._imap.expunge()

    def close(self) -> None:
        """The end."""
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self._imap.logout()

    def _folders(self) -> list[str]:
        if self._mailbox.folder:
            return [f'"{self._mailbox.folder}"']
        _, listed = self._imap.list()
        return ["INBOX", *_junk(line for line in listed if isinstance(line, bytes))]

    def _numbers(self, run: str) -> list[str]:
        _, data = self._imap.uid("SEARCH", "TEXT", f'"{run}"')
        return [n.decode("ascii", "ignore") for n in (data[0] or b"").split()[:_MOST_MAILS] if n.isdigit()]

    def _mails(self, run: str) -> Iterator[bytes]:
        for number in self._numbers(run):
            _, parts = self._imap.uid("FETCH", number, f"(BODY.PEEK[]<0.{_MOST_OCTETS}>)")
            yield from (part[1] for part in parts if isinstance(part, tuple) and isinstance(part[1], bytes))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise MailboxError(f"the mailbox cannot be read: {shown(_why(error), 200)}") from error


def _why(error: Exception) -> str:
    told = error.args[0] if error.args else type(error).__name__
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(error)


def _connected(mailbox: Mailbox) -> imaplib.IMAP4:
    """The certificate is checked, but for hosts nearby: a password goes to nobody else."""
    context = ssl.create_default_context()
    if mailbox.is_near:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if mailbox.tls:
        return imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=_SECONDS)
    plain = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=_SECONDS)
    if "STARTTLS" in plain.capabilities:
        plain.starttls(context)
    elif not mailbox.is_near:
        plain.shutdown()
        raise MailboxError(f"{shown(mailbox.host)} offers no TLS, and the password is not sent in the clear")
    return plain


def _junk(listed: Iterator[bytes]) -> Iterator[str]:
    for line in listed:
        found = re.fullmatch(rb'\(([^)]*)\) (?:"[^"]*"|NIL) ("?)([^"]+)\2', line)
        if found and (b"\\Junk" in found[1] or found[3].lower() in (b"junk", b"spam")):
            yield f'"{found[3].decode("ascii", "ignore")}"'


# --- what arrived ----------------------------------------------------------------------------------------------------


def arrivals(raw: bytes, run: str) -> list[Arrived]:
    """What one mail in the box tells: it is one of ours, or a notice about some of them."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    mark = _mark(run)
    own = mark.fullmatch(str(message.get(HEADER, "")).strip())
    if own:
        received = tuple(shown(" ".join(str(line).split()), 500) for line in message.get_all("Received", [])[:30])
        return [Arrived(own[0], False, received)]
    text = raw.decode("utf-8", "replace")
    remote = _REMOTE.search(text)
    subject = shown(" ".join(str(message.get("Subject", "")).split()), 200)
    handed = shown(remote[1], 200) if remote else ""
    final = _DELAYED.search(text) is None
    marks = dict.fromkeys(mark.findall(text))
    return [Arrived(found, True, handed_to=handed, said=subject, is_final=final) for found in marks]


def _mark(run: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(run)}\.[0-9]{{1,6}}\b")

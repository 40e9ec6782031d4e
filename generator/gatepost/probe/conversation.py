"""One SMTP conversation: one connection, every wait bounded, and a polite end.

In: a channel and the name to say. Out: replies.
How it fails: `NoAnswerError` with the reason, for silence, a broken connection, nonsense, and whatever was not asked.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from types import TracebackType

from gatepost.probe.channel import Channel
from gatepost.probe.replies import NoAnswerError, Reply, ReplyReader
from gatepost.relaying import literal

_CHUNK = 4096
_GOODBYE = 2.0


class UnreachableError(NoAnswerError):
    """There is no connection at all. `refused` tells a closed port from silence."""

    def __init__(self, reason: str, *, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


class UnservedError(NoAnswerError):
    """The server answered, but does not want to talk to us: 421, or no 220."""


class Conversation:
    """A connection past its EHLO. A reply as a whole must come within `patience` seconds."""

    def __init__(self, channel: Channel, helo: str, patience: float) -> None:
        self.channel, self.helo, self.own_helo, self._patience = channel, helo, helo, patience
        self.extensions: dict[str, str] = {}
        self.asked = 0
        self.certificate = b""
        self.tls_version = ""
        self._rest = b""
        self._socket: socket.socket | ssl.SSLSocket = _connected(channel, patience)
        try:
            self.client = str(self._socket.getsockname()[0])
            # Whoever has no name says his address (RFC 5321 §4.1.4).
            self.helo = self.own_helo = helo or literal(ipaddress.ip_address(self.client.partition("%")[0]))
            self._open()
        except NoAnswerError:
            self.close()
            raise

    def _open(self) -> None:
        if self.channel.tls == "implicit":
            self._wrap()
        self.greeting = self._reply()
        if self.greeting.code != 220:
            raise UnservedError(f"it does not serve us: {self.greeting}")
        self.hello = self.greet(self.helo)
        if self.channel.tls == "starttls":
            self._starttls()

    def greet(self, helo: str) -> Reply:
        """EHLO, or HELO where the server does not know it."""
        self.helo = helo
        reply = self.say(f"EHLO {helo}")
        self.extensions = dict(_extension(line) for line in reply.lines[1:]) if reply.is_good else {}
        return self.say(f"HELO {helo}") if reply.code in (500, 502) else reply

    def _starttls(self) -> None:
        reply = self.say("STARTTLS")
        if reply.code != 220:
            raise NoAnswerError(f"no STARTTLS: {reply}")
        if self._rest:
            raise NoAnswerError("it went on talking in the clear after it agreed to STARTTLS")
        self._wrap()
        self.hello = self.greet(self.helo)

    def _wrap(self) -> None:
        """Take any certificate: what is asked is who may relay, not who the server is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            self._socket.settimeout(self._patience)
            wrapped = context.wrap_socket(self._socket, server_hostname=None)
        except OSError as error:
            raise NoAnswerError(f"TLS: {_why(error)}") from error
        self._socket = wrapped
        self.certificate = wrapped.getpeercert(binary_form=True) or b""
        self.tls_version = wrapped.version() or ""

    def say(self, line: str) -> Reply:
        """One command and the reply to it."""
        return self.send(line.encode("utf-8", "replace") + b"\r\n")

    def send(self, *pieces: bytes) -> Reply:
        """Octets, in so many packets, and the reply to them."""
        pending = self._unasked()
        if pending:
            return pending
        try:
            for piece in pieces:
                self._socket.settimeout(self._patience)
                self._socket.sendall(piece)
        except OSError as error:
            raise NoAnswerError(f"the connection broke: {_why(error)}") from error
        return self._reply()

    def _unasked(self) -> Reply | None:
        """What the server said before it was asked: 421 is a reply to everything, all else would answer for later."""
        self._look()
        if not self._rest:
            return None
        reply = self._reply()
        if reply.code == 421:
            return reply
        raise NoAnswerError(f"it answers before it is asked: {reply}")

    def _look(self) -> None:
        """Take what lies there already, without waiting."""
        try:
            self._socket.settimeout(0)
            octets = self._socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise NoAnswerError(f"the connection broke: {_why(error)}") from error
        if not octets:
            raise NoAnswerError("the server closed the connection")
        self._rest += octets

    def _reply(self) -> Reply:
        until = time.monotonic() + self._patience
        reader = ReplyReader(self._rest)
        while reader.reply is None:
            reader.feed(self._octets(until))
        self._rest = reader.rest
        return reader.reply

    def _octets(self, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise NoAnswerError(f"no answer within {self._patience:g} s")
        try:
            self._socket.settimeout(left)
            octets = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise NoAnswerError(f"no answer within {self._patience:g} s") from error
        except OSError as error:
            raise NoAnswerError(f"the connection broke: {_why(error)}") from error
        if not octets:
            raise NoAnswerError("the server closed the connection")
        return octets

    def close(self) -> None:
        """Leave politely, but do not wait long for it."""
        try:
            self._socket.settimeout(_GOODBYE)
            self._socket.sendall(b"QUIT\r\n")
            self._socket.recv(_CHUNK)
        except OSError:
            pass
        finally:
            self._socket.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _connected(channel: Channel, patience: float) -> socket.socket:
    try:
        return socket.create_connection((str(channel.address), channel.port), patience)
    except ConnectionRefusedError as error:
        raise UnreachableError("connection refused", refused=True) from error
    except TimeoutError as error:
        raise UnreachableError(f"no connection within {patience:g} s", refused=False) from error
    except OSError as error:
        raise UnreachableError(f"no connection: {_why(error)}", refused=False) from error


def _extension(line: str) -> tuple[str, str]:
    keyword, _, parameters = line.strip().partition(" ")
    return keyword.upper(), parameters


def _why(error: OSError) -> str:
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    return str(reason or error.strerror or error or type(error).__name__)

"""What must be remembered between lines: the mails in flight, the clients' sessions, and which queue id became which.

In: what the daemons' lines say. Out: for each line the mail or session it belongs to. Everything here is bounded, by
number and by age, and can be kept as JSON. What had to be forgotten only leaves columns out, it makes nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Generic, TypeVar

MAILS: Final = 100_000
SESSIONS: Final = 20_000
LINKS: Final = 50_000
_DAY: Final = 86_400_000_000
OLDEST_MAIL: Final = 10 * _DAY
OLDEST_SESSION: Final = _DAY

Key = tuple[str, str, str]
"""Host, instance, and queue id or process."""


@dataclass(slots=True)
class Mail:
    """A mail in one queue. `mail` is the queue id under which it first came in."""

    mail: str
    since: int = 0
    fresh: bool = False  # its coming in was seen, and not yet told
    inside: bool = False
    client: str | None = None
    client_name: str | None = None
    user: str | None = None
    tls: str | None = None
    protocol: str | None = None
    helo: str | None = None
    sender: str | None = None
    size: int | None = None
    recipients: int | None = None
    message_id: str | None = None


@dataclass(slots=True)
class Session:
    """A client's session with one process."""

    client: str | None = None
    client_name: str | None = None
    since: int = 0
    helo: str | None = None
    tls: str | None = None
    user: str | None = None
    protocol: str | None = None


@dataclass(slots=True)
class Link:
    """Where a queue id comes from: the first id of the same mail, and its client."""

    mail: str
    since: int = 0
    client: str | None = None
    client_name: str | None = None
    user: str | None = None


K = TypeVar("K", bound=tuple[str, ...])
V = TypeVar("V", Mail, Session, Link)


class Kept(Generic[K, V]):
    """A dictionary that holds so many, and forgets the oldest first."""

    def __init__(self, most: int, oldest: int) -> None:
        self.most = most
        self.oldest = oldest
        self.of: dict[K, V] = {}

    def put(self, key: K, value: V) -> V:
        """Keep it as the newest; one of the same key is replaced, and some that are too old or too many go."""
        of = self.of
        of.pop(key, None)
        of[key] = value
        if len(of) > self.most:
            del of[next(iter(of))]
        elif len(of) & 0xFF == 0:
            self._age(value.since)
        return value

    def _age(self, now: int) -> None:
        of = self.of
        while of:
            first = next(iter(of))
            if now - of[first].since <= self.oldest:
                return
            del of[first]

    def state(self) -> list[list[Any]]:
        """As JSON can hold it."""
        return [[list(key), _filled(asdict(value))] for key, value in self.of.items()]


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value is not False}


class Trail:
    """All that is remembered of one source."""

    def __init__(self) -> None:
        self.mails: Kept[Key, Mail] = Kept(MAILS, OLDEST_MAIL)
        self.sessions: Kept[Key, Session] = Kept(SESSIONS, OLDEST_SESSION)
        self.links: Kept[tuple[str, str], Link] = Kept(LINKS, OLDEST_SESSION)
        # TLS of deliveries: by process, the next hop with which it was agreed.
        self.outgoing: dict[Key, tuple[str, str]] = {}
        self._instances: dict[tuple[str, str], Key] = {}
        # Mails in flight by Message-ID: the way from hop to hop before the next id is told. None: there are several.
        self._by_message_id: dict[tuple[str, str], Key | None] = {}

    def arrive(self, key: Key, now: int) -> Mail:
        """A new mail under this queue id; what stood under it before is past."""
        if len(self._instances) > 2 * MAILS:
            self._instances = {(k[0], k[2]): k for k in self.mails.of}
        link = self.links.of.get((key[0], key[2]))
        mail = Mail(link.mail if link else key[2], now, fresh=True)
        if link:
            _follow(mail, link)
        self._instances[key[0], key[2]] = key
        return self.mails.put(key, mail)

    def known(self, key: Key, now: int) -> Mail:
        """The mail under this queue id; a mail that came in before the log began is only known from now on."""
        mail = self.mails.of.get(key)
        if mail is None:
            link = self.links.of.get((key[0], key[2]))
            mail = Mail(link.mail if link else key[2], now)
            if link:
                _follow(mail, link)
            self._instances[key[0], key[2]] = key
            self.mails.put(key, mail)
        return mail

    def message_id(self, key: Key, mail: Mail, message_id: str) -> None:
        """Note the Message-ID; a mail of the same one, in flight elsewhere on this host, is the hop before."""
        mail.message_id = message_id
        if not message_id:
            return
        name = (key[0], message_id)
        index = self._by_message_id
        if name in index:
            before = index[name]
            if before is not None and before != key and not (mail.inside or mail.mail != key[2]):
                self._hop(before, mail)
            if before != key and not mail.inside:
                index[name] = None
        else:
            if len(index) >= MAILS:
                index.clear()
            index[name] = key

    def _hop(self, before: Key, mail: Mail) -> None:
        earlier = self.mails.of.get(before)
        if earlier is None or not _from_itself(mail.client):
            return
        mail.inside = True
        mail.mail = earlier.mail
        mail.client, mail.client_name, mail.user = earlier.client, earlier.client_name, earlier.user

    def became(self, host: str, mail: Mail, queued_as: str, now: int) -> None:
        """The same mail stands in the next queue under another id."""
        link = Link(mail.mail, now, mail.client, mail.client_name, mail.user)
        self.links.put((host, queued_as), link)
        later = self.by_id(host, queued_as)
        if later is not None and later is not mail:
            later.mail = link.mail
            _follow(later, link)

    def by_id(self, host: str, queue_id: str) -> Mail | None:
        """The mail of this id in whichever instance of the host has it."""
        key = self._instances.get((host, queue_id))
        return self.mails.of.get(key) if key else None

    def gone(self, key: Key) -> Mail | None:
        """The mail left this queue."""
        mail = self.mails.of.pop(key, None)
        self._instances.pop((key[0], key[2]), None)
        if mail and mail.message_id and self._by_message_id.get((key[0], mail.message_id), key) == key:
            self._by_message_id.pop((key[0], mail.message_id), None)
        return mail

    def state(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "mails": self.mails.state(),
            "sessions": self.sessions.state(),
            "links": self.links.state(),
            "outgoing": [[list(key), list(value)] for key, value in self.outgoing.items()],
            "message_ids": [[*name, list(key) if key else None] for name, key in self._by_message_id.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` told."""
        self.mails.of = {_three(key): Mail(**fields) for key, fields in state["mails"]}
        self._instances = {(key[0], key[2]): key for key in self.mails.of}
        self.sessions.of = {_three(key): Session(**fields) for key, fields in state["sessions"]}
        self.links.of = {(key[0], key[1]): Link(**fields) for key, fields in state["links"]}
        self.outgoing = {_three(key): (value[0], value[1]) for key, value in state["outgoing"]}
        self._by_message_id = {(h, m): _three(key) if key else None for h, m, key in state["message_ids"]}


def _three(key: Iterable[str]) -> Key:
    host, instance, name = key
    return host, instance, name


def _follow(mail: Mail, link: Link) -> None:
    mail.inside = True
    mail.client, mail.client_name, mail.user = link.client, link.client_name, link.user


def _from_itself(client: str | None) -> bool:
    """Whether this is the server's own address."""
    return client is None or client.startswith("127.") or client == "::1"

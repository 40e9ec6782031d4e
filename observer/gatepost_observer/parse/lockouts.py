"""What gatepost-mx says on a mail server: who was locked out for guessing addresses, and how the program fares.

In: its lines, as its own `sayings.py` describes them: a word in front of the first colon, then `name=value`, of which
more may come. Out: events. That a client which is locked out was refused makes none here: Postfix says each of those
itself (milter-reject: CONNECT), and the program only sums them up.
"""

from __future__ import annotations

import re
from typing import Final

from gatepost_observer.events import Action, Kind
from gatepost_observer.parse.said import Said
from gatepost_observer.parse.text import shown

_LOCK_OUTS: Final = {
    b"lock-out": Action.STARTED,
    b"lock-out ended": Action.STOPPED,
    b"lock-out lifted": Action.LIFTED,
}
_PROGRAM: Final = {b"started": Action.STARTED, b"stopped": Action.STOPPED, b"reloaded": Action.RELOADED}
_VALUE: Final = re.compile(rb"(?:^| )([a-z-]+)=([^ ]*)")
_CLIENT: Final = re.compile(rb"([0-9a-f:.]{3,45})(?:/64)?")
_WELL: Final = (b"firewall: on", b"state: written again")


def gatepost_mx(said: Said) -> bool:
    """A line of gatepost-mx; False where it is not known."""
    word, _, rest = said.message.partition(b":")
    if word in _LOCK_OUTS:
        return _lock_out(said, _LOCK_OUTS[word], dict(_VALUE.findall(rest)))
    if word in _PROGRAM:
        said.event(Kind.STARTED, {"action": _PROGRAM[word].value, "text": shown(said.message)})
        return True
    if word in (b"firewall", b"state") and said.message not in _WELL:
        reason = "warning" if word == b"firewall" else "error"
        said.event(Kind.WARNING, {"reason": reason, "text": shown(said.message)})
        return True
    return said.message in _WELL or word == b"locked out"


def _lock_out(said: Said, action: Action, values: dict[bytes, bytes]) -> bool:
    """Of IPv6 a whole /64 is locked out; its first address stands for it, and the text says so."""
    client = _CLIENT.fullmatch(values.get(b"client", b""))
    if client is None:
        return False
    addresses = values.get(b"addresses", b"")
    said.event(
        Kind.LOCK_OUT,
        {
            "action": action.value, "client": client[1].decode("ascii"), "text": shown(said.message),
            "recipients": int(addresses) if re.fullmatch(rb"[0-9]{1,6}", addresses) else None,
        },
    )  # fmt: skip
    return True

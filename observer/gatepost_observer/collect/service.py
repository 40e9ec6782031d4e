"""What systemd wants to hear of a service: that it is ready, that it lives, what it does.

In: NOTIFY_SOCKET and WATCHDOG_USEC, as systemd sets them. Out: datagrams. Without a socket, or with one that does not
listen, nothing happens: telling must never end the service.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


def tell(message: str, environment: Mapping[str, str] = os.environ) -> None:
    """Tell systemd something: READY=1, WATCHDOG=1, STATUS=…, STOPPING=1."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
        way.sendto(message.encode(), address)

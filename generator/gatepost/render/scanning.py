"""What amavis and clamd must agree on: where they meet, and how much amavis may unpack.

In: the size limit of a mail. Out: sizes in bytes.
"""

from __future__ import annotations

SOCKET = "/run/clamav/clamd.ctl"

_LEAST = 512 * 1024**2
# clamd itself takes no larger numbers.
MOST = 2 * 1024**3 - 1


def unpacked(message_size: int) -> int:
    """The most that amavis makes of one mail: enough for honest archives, and an end for bombs."""
    return min(max(4 * message_size, _LEAST), MOST)

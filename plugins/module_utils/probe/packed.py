"""Work and answers on their way through Ansible: one opaque word, so that nothing in a mail is taken for a template.

In: plain data. Out: its JSON, compressed, in base64; and back.
How it fails: `unpack` raises ValueError for what `pack` did not make.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any


def pack(data: Any) -> str:
    """Plain data as one word."""
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode("ascii")


def unpack(word: str) -> Any:
    """The plain data behind a word."""
    try:
        return json.loads(zlib.decompress(base64.b64decode(word)))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not what pack made: {error}") from error

"""The whole program as one file, the same bytes on every machine.

In: the sources of this package. Out: a zipapp that /usr/bin/python3 runs, or the server's shell directly: nothing is
compressed or dated, so equal sources are equal bytes, and a release sees a change only where there is one.

    python -m gatepost_mx.archive FILE
"""

from __future__ import annotations

import io
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

# -I: no environment, no user's folder of modules. -B: a zip has no place for compiled code.
_FIRST_LINE = b"#!/usr/bin/python3 -IB\n"
_START = "import sys\n\nfrom gatepost_mx.cli import main\n\nsys.exit(main())\n"


def archive() -> bytes:
    """The program as one file."""
    sources = sorted(
        (entry.name, entry.read_bytes()) for entry in files("gatepost_mx").iterdir() if _belongs(entry.name)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as out:
        for name, content in (("__main__.py", _START.encode()), *((f"gatepost_mx/{n}", c) for n, c in sources)):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # as made on Unix, wherever it is made
            out.writestr(entry, content)
    return _FIRST_LINE + packed.getvalue()


def _belongs(name: str) -> bool:
    return name.endswith(".py") and name != "archive.py"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(archive())

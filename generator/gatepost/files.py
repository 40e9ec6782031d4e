"""Reading files that people name: only regular ones, and no more of them than is reasonable.

In: a path. Out: its bytes, or the finding that says why there are none. A pipe or a device is refused before a byte
of it is read: it might never end.
"""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path

from gatepost.findings import Finding, Place, shown


def read_regular(path: Path, most: int, name: str, place: Place) -> bytes | Finding:
    """The bytes of a file. `name` is what findings call it, `place` where they point."""
    called = shown(name)
    try:
        # Without O_NONBLOCK, opening a pipe waits for whoever writes to it.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Finding(place, "file-missing", f"there is no file {called}", _neighbours(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file can have this name"
        return Finding(place, "file-unreadable", f"{called} cannot be read: {reason}")
    try:
        return _content(handle, most, called, place)
    except OSError as error:
        return Finding(place, "file-unreadable", f"{called} cannot be read: {error.strerror}")
    finally:
        os.close(handle)


def _content(handle: int, most: int, called: str, place: Place) -> bytes | Finding:
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a device, pipe or socket"
        return Finding(place, "not-a-file", f"{called} is {what}", "name a text file")
    with os.fdopen(handle, "rb", closefd=False) as file:
        content = file.read(most + 1)
    if len(content) > most:
        hint = "recipients belong in text files of their own, or in a directory"
        return Finding(place, "too-large", f"{called} is larger than {most:,} bytes", hint)
    return content


def _neighbours(path: Path) -> str:
    """The name that was perhaps meant, or what there is instead."""
    try:
        there = sorted(shown(p.name) for p in path.parent.iterdir() if p.is_file())
    except OSError:
        return f"there is no folder {shown(path.parent.name)} either"
    near = difflib.get_close_matches(path.name[:60], there, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are: {', '.join(there[:8])}" if there else ""

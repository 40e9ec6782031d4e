"""Running a program of the server, with a deadline and in plain English.

For    the checks, postmap and systemctl.
In     an argument vector; never a shell.
Out    exit code and the words on both channels.
Fails  never: a missing program or a time-out is an exit code (127, 124) with words, like in a shell.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LINES = 40


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """What the program complained of, else what it said; not more than a screen of it."""
        lines = [line for line in (self.err.strip() or self.out).splitlines() if line.strip()]
        return "\n".join(lines[:LINES]) or "(it said nothing)"


def command_run(argv: list[str], *, home: str = "/root", seconds: float = 120) -> Answer:
    environment = {"PATH": PATH, "LC_ALL": "C", "HOME": home}
    try:
        done = subprocess.run(  # noqa: S603 - the vector comes from the manifest or this package, no shell reads it
            argv, env=environment, cwd="/", capture_output=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return Answer(127, "", f"{argv[0]}: this program is not installed")
    except PermissionError as error:
        return Answer(126, "", f"{argv[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"{argv[0]}: no end after {seconds:.0f} s")
    return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def unconfined() -> list[str]:
    """The words that start a program outside its AppArmor profile.

    A profile lets a daemon read its own configuration folder alone, so that with AppArmor on, a staged copy could
    not be checked at all.
    """
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    try:
        on = enabled.read_text(encoding="ascii").startswith("Y")
    except OSError:
        return []
    return ["aa-exec", "-p", "unconfined", "--"] if on and os.access("/usr/bin/aa-exec", os.X_OK) else []

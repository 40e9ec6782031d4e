"""The daemons' own opinion of the staged files, before anything is activated.

For    a release that a daemon would refuse: the server is not touched by it.
In     the checks of a manifest, and the staged tree.
Out    nothing; silence is consent.
Fails  with CheckError, after all checks were tried: each with its name, its command and the daemon's words.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .commands import command_run, unconfined
from .errors import CheckError
from .manifest import Check

CLAMD_SECONDS = 60.0
# The smallest database that clamd takes: one signature of one text.
SIGNATURE = "Gatepost.Check:0:*:47415445504f53542d434845434b2d5349474e4154555245\n"
# What must not point at the running clamd's own things, or to a user who may not enter our folder.
CLAMD_OURS = (
    "localsocket", "localsocketgroup", "localsocketmode", "tcpsocket", "tcpaddr", "databasedirectory", "pidfile",
    "logfile", "logsyslog", "logfileunlock", "user", "temporarydirectory", "foreground",
)  # fmt: skip


def checks_run(checks: tuple[Check, ...], root: Path) -> None:
    complaints = [words for check in checks if (words := _check(check, root))]
    if complaints:
        head = "a daemon refuses the new configuration; the server is untouched"
        raise CheckError("\n\n".join([head, *complaints]))


def _check(check: Check, root: Path) -> str:
    # Below /tmp, since AppArmor lets clamd work there and in few other places.
    temporary = Path(tempfile.mkdtemp(prefix="gatepost-check-"))
    try:
        return _clamd(check, root, temporary) if check.kind == "clamd" else _command(check, root, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _command(check: Check, root: Path, temporary: Path) -> str:
    argv = [word.replace("{root}", str(root)).replace("{tmp}", str(temporary)) for word in check.argv]
    answer = command_run([*unconfined(), *argv], home=str(temporary))
    if answer.code in check.ok and not (check.stderr_fails and answer.err.strip()):
        return ""
    return f"{check.name}: {' '.join(argv)} (exit code {answer.code})\n{answer.words}"


def _clamd(check: Check, root: Path, temporary: Path) -> str:
    """clamd has no check of its own: it is started on a tiny database and a private socket, and asked for a PONG."""
    (temporary / "database").mkdir()
    (temporary / "database" / "check.ndb").write_text(SIGNATURE, encoding="ascii")
    staged = root / check.config.lstrip("/")
    config = temporary / "clamd.conf"
    config.write_text(_clamd_config(staged.read_text(encoding="utf-8"), temporary), encoding="utf-8")
    argv = [*unconfined(), "clamd", "--foreground", f"--config-file={config}"]
    with (temporary / "words").open("w+b") as words:
        try:
            daemon = subprocess.Popen(argv, stdout=words, stderr=words, stdin=subprocess.DEVNULL)  # noqa: S603
        except FileNotFoundError:
            return f"{check.name}: clamd is not installed"
        answered = _pong(daemon, temporary / "socket")
        _end(daemon)
        words.seek(0)
        said = words.read().decode(errors="replace").strip()
    return "" if answered else f"{check.name}: {' '.join(argv)} did not come up\n{said}"


def _clamd_config(text: str, temporary: Path) -> str:
    lines = [line for line in text.splitlines() if line.split(" ")[0].strip().lower() not in CLAMD_OURS]
    own = [
        f"LocalSocket {temporary}/socket",
        f"DatabaseDirectory {temporary}/database",
        f"PidFile {temporary}/pid",
        f"TemporaryDirectory {temporary}",
    ]
    return "\n".join([*lines, *own, ""])


def _pong(daemon: subprocess.Popen[bytes], path: Path) -> bool:
    """Whether clamd answers before its deadline; a clamd that ended will not."""
    deadline = time.monotonic() + CLAMD_SECONDS
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(5)
                link.connect(str(path))
                link.sendall(b"zPING\0")
                return link.recv(16).startswith(b"PONG")
        except OSError:
            time.sleep(0.1)
    return False


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()

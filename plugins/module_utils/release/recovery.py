"""The recovery program: undoes at boot what a power cut left half-done.

For    a server that lost power in the middle of a release: its daemons must not start on half a configuration.
In     the journal, as on any run.
Out    /usr/local/lib/gatepost/recover (one executable file with all the code it needs) and its boot-time unit.
Fails  with exit code 1 and the reason in the journal; the daemons then start on what there is.
"""

from __future__ import annotations

import argparse
import io
import pkgutil
import sys
import zipfile
from pathlib import Path

from .errors import ReleaseError
from .journal import journal_undo
from .place import Place, beside, folder_sync, place_lock
from .systemd import Systemctl, Systemd

PROGRAM = "/usr/local/lib/gatepost/recover"
UNIT = "/etc/systemd/system/gatepost-recover.service"
PACKAGE = "gatepost_release"
PARTS = (
    "__init__", "commands", "errors", "journal", "manifest", "place", "records", "recovery", "store", "systemd",
)  # fmt: skip
MAIN = f"from {PACKAGE}.recovery import main\nmain()\n"
# All ordinary units come after sysinit.target, so this one need not know the daemons' names.
UNIT_TEXT = f"""\
# Made by the Gatepost release module.
[Unit]
Description=Put back the mail configuration when a release was cut short
Documentation=file:{PROGRAM}
DefaultDependencies=no
ConditionPathExists=/var/lib/gatepost/activating.json
RequiresMountsFor=/var/lib/gatepost /usr/local/lib/gatepost /etc
After=local-fs.target systemd-remount-fs.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 {PROGRAM} --boot

[Install]
WantedBy=sysinit.target
"""


def recovery_install(place: Place, systemd: Systemd) -> None:
    """Leave the program and its unit on the server, and write only what is not there already."""
    _install(place.live(PROGRAM), recovery_program(), 0o755)
    if _install(place.live(UNIT), UNIT_TEXT.encode(), 0o644):
        systemd.daemon_reload()
    unit = Path(UNIT).name
    if not systemd.states([unit])[unit].enabled:
        systemd.tell("enable", unit)


def recovery_program() -> bytes:
    """The code of this package as one executable file; the same code gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), MAIN)
        for part in PARTS:
            source = pkgutil.get_data(__package__, f"{part}.py")
            archive.writestr(zipfile.ZipInfo(f"{PACKAGE}/{part}.py"), source or b"")
    return b"#!/usr/bin/python3\n" + packed.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Undo a Gatepost release that was cut short.")
    parser.add_argument("--boot", action="store_true", help="wait for no other unit")
    parser.add_argument("--root", type=Path, default=Path("/"), help="the root of the file system, for tests")
    options = parser.parse_args()
    place = Place(options.root)
    try:
        with place_lock(place, wait=True):
            complaints = journal_undo(place, Systemctl(block=not options.boot))
    except (ReleaseError, OSError) as error:
        sys.exit(f"the release that was cut short could not be undone: {error}")
    sys.stderr.write("".join(f"{words}\n" for words in complaints))


def _install(path: Path, content: bytes, mode: int) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    temporary.write_bytes(content)
    temporary.chmod(mode)
    temporary.replace(path)
    folder_sync(path.parent)
    return True

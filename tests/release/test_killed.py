"""A release that is killed: at every single file operation, it ends wholly old or wholly new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from release.journal import journal_undo
from release.place import Place
from release.recovery import PROGRAM
from release.release import Tools, present, rolled_back
from release.systemd import UnitState
from stand_ins import Bundle, DoRelease, RememberingSystemd, tree

# What a process can be killed at: each of these happens once for each file operation.
EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.symlink", "shutil.rmtree"}
)
OLD = Bundle({"/etc/old.conf": "one\n", "/etc/gone/a.conf": "one\n"})
NEW = Bundle({"/etc/old.conf": "two\n", "/etc/come/b.conf": "two\n"}, change="restart")
RUNNING = {"gate.service": UnitState(True, True, "active")}


def tools() -> Tools:
    return Tools(RememberingSystemd(dict(RUNNING)), prove=lambda manifest, units: None)


def killed_at(number: int, work: Any) -> bool:
    """Do the work in a child that is killed by -9 at its n-th file operation; False when it came to its end."""
    child = os.fork()
    if child == 0:
        seen = 0

        def hook(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in EVENTS:
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_killed_anywhere_it_is_old_or_new_after_the_recovery_and_the_next_run_converges(
    release: DoRelease, place: Place, tmp_path: Path
) -> None:
    release(OLD)
    old = tree(place)
    archive = NEW.archive(tmp_path)
    number, news = 1, 0
    while killed_at(number, lambda: present(place, NEW.raw, archive, tools(), overwrite_drift=False)):
        journal_undo(place, RememberingSystemd(dict(RUNNING)))
        recovered = tree(place)
        present(place, NEW.raw, archive, tools(), overwrite_drift=False)
        new = tree(place)
        assert recovered in (old, new), f"neither old nor new when killed at operation {number}"
        assert new["/etc/come/b.conf"] == (0o640, "two\n")
        assert "/etc/gone/a.conf" not in new
        news += recovered == new
        rolled_back(place, tools(), overwrite_drift=False)
        assert tree(place) == old
        number += 1
    assert number > 50, "the hook did not see the release's file operations"
    assert news > 0, "it was never killed after the release had become the truth"


def test_a_recovery_that_is_killed_itself_can_be_done_again(release: DoRelease, place: Place, tmp_path: Path) -> None:
    release(OLD)
    old = tree(place)

    def cut_short(name: str) -> None:
        if name == "services":
            os._exit(0)

    child = os.fork()
    if child == 0:
        systemd = RememberingSystemd(dict(RUNNING))
        present(place, NEW.raw, NEW.archive(tmp_path), Tools(systemd, step=cut_short), overwrite_drift=False)
    os.waitpid(child, 0)
    number = 1
    while killed_at(number, lambda: journal_undo(place, RememberingSystemd(dict(RUNNING)))):
        number += 1
    journal_undo(place, RememberingSystemd(dict(RUNNING)))
    assert number > 10
    assert tree(place) == old


def test_the_recovery_program_left_on_the_server_runs_by_itself(release: DoRelease, place: Place) -> None:
    release(OLD)
    program = place.live(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-I", program, "--root", place.root], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_recovery_undoes_in_the_units_too_what_the_journal_says(
    release: DoRelease, place: Place, tmp_path: Path
) -> None:
    release(OLD)
    child = os.fork()
    if child == 0:
        systemd = RememberingSystemd(dict(RUNNING))

        def cut_short(name: str) -> None:
            if name == "services":
                os._exit(0)

        present(place, NEW.raw, NEW.archive(tmp_path), Tools(systemd, step=cut_short), overwrite_drift=False)
    os.waitpid(child, 0)
    systemd = RememberingSystemd(dict(RUNNING))
    journal_undo(place, systemd)
    assert systemd.told == ["restart gate.service"]

"""The question of every run: is this server on this release, undrifted, with everything running?

For    the state compare, and the start of every present.
In     the wanted release's id; with check mode or --diff also the wanted files' hashes, so that the answer can say
       which live files differ and how they read now.
Out    a plain mapping for the playbook; nothing is touched.
Fails  with ServiceError when systemd does not answer.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from typing import Any

from .drift import Drift, drift_find, file_differs
from .errors import DriftError
from .manifest import File
from .place import Place
from .records import record_look
from .store import Release, current_release
from .systemd import Systemd

SHOWN = 100_000
NAMED = 20


def compare(place: Place, wanted_id: str, systemd: Systemd) -> dict[str, Any]:
    active = current_release(place)
    drifted = drift_find(place, active) if active else []
    same = active is not None and active.id == wanted_id
    down = _down(active, systemd) if active and same else []
    interrupted = place.journal.exists()
    return {
        "active": active.id if active else None,
        "converged": same and not drifted and not down and not interrupted,
        "drifted": [{"path": drift.path, "why": list(drift.why)} for drift in drifted],
        "drift_message": drift_message(drifted),
        "interrupted": interrupted,
        "units_down": down,
    }


def compare_files(place: Place, wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wanted files that differ from the live ones, and those that will go, with their text as it is now."""
    files = [_file(entry) for entry in wanted]
    differing = [(file.path, file_differs(place, file), bool(file.mode & stat.S_IROTH)) for file in files]
    answers = [_now(place, path, why, public) for path, why, public in differing if why]
    return answers + [_now(place, path, ("gone",), True) for path in _gone(place, {file.path for file in files})]


def compare_beside(place: Place, beside: Mapping[str, str]) -> list[str]:
    """Which files that are to stand beside the bundle do not, or not with this content."""
    return sorted(path for path, sha256 in beside.items() if record_look(place, path).sha256 != sha256 or not sha256)


def drift_refuse(drifted: list[Drift]) -> None:
    """Say no to overwriting what somebody changed by hand."""
    if drifted:
        raise DriftError(drift_message(drifted))


def drift_message(drifted: list[Drift]) -> str:
    """Which files were changed by hand, and the three ways on; empty when there are none."""
    if not drifted:
        return ""
    lines = [f"  {drift.path} ({', '.join(drift.why)})" for drift in drifted[:NAMED]]
    more = [f"  … and {len(drifted) - NAMED} more"] if len(drifted) > NAMED else []
    ways = [
        "To look at the changes: run the playbook with --check --diff.",
        "To keep one: write it into the policy, then throw the rest away.",
        "To throw them away: run with -e gatepost_overwrite_drift=true.",
    ]
    return "\n".join(["these files were changed by hand since they were released:", *lines, *more, *ways])


def _file(entry: Mapping[str, Any]) -> File:
    """A wanted file; the services do not matter for a comparison."""
    return File(**{**entry, "mode": int(str(entry["mode"]), 8)}, service=None, change="none", build=None)


def _down(active: Release, systemd: Systemd) -> list[str]:
    states = systemd.states(active.manifest.units)
    return [unit for unit, state in states.items() if not state.active]


def _gone(place: Place, wanted: set[str]) -> list[str]:
    active = current_release(place)
    return sorted({file.path for file in active.manifest.files} - wanted) if active else []


def _now(place: Place, path: str, why: tuple[str, ...], public: bool) -> dict[str, Any]:
    """How a file reads now. What not everyone may read on the server is not shown on a terminal either."""
    live = place.live(path)
    try:
        seen = live.stat()
    except OSError:
        return {"path": path, "why": list(why), "text": "", "secret": not public}
    secret = not public or not seen.st_mode & stat.S_IROTH
    text = None
    if stat.S_ISREG(seen.st_mode) and seen.st_size <= SHOWN and not secret:
        content = live.read_bytes()
        # A file that is no text is told by its hash alone.
        text = None if b"\0" in content else content.decode(errors="replace")
    mode = f"{stat.S_IMODE(seen.st_mode):04o}"
    return {"path": path, "why": list(why), "text": text, "secret": secret, "mode": mode}

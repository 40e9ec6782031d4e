"""The two changes a server can be asked for: take this release, or go back to the one before.

For    the states present and rolled_back of the module.
In     the manifest and the archive of a bundle; the server.
Out    a plain mapping for the playbook: what changed.
Fails  with ReleaseError; the server is then as it was, and the text says so where it is not obvious.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .activate import Change, Step, activate, no_step
from .checks import checks_run
from .compare import compare, drift_refuse
from .drift import drift_find, drift_seal
from .errors import CheckError, ManifestError, ReleaseError
from .journal import journal_undo, units_read
from .manifest import Manifest
from .place import Place, place_lock
from .plan import folders_above, plan_heard, plan_items, plan_touch, plan_wishes
from .proof import proof_run
from .records import Item
from .recovery import recovery_install
from .stage import Secrets, stage_release
from .store import (
    BEFORE,
    Release,
    before_items,
    before_take,
    before_units,
    current_release,
    history_read,
    release_load,
    store_prune,
)
from .systemd import Systemd


@dataclass(frozen=True)
class Tools:
    """What a release needs from outside; a test brings its own."""

    systemd: Systemd
    prove: Callable[[Manifest, Systemd], None] = proof_run
    step: Step = no_step


def present(
    place: Place,
    raw: dict[str, Any],
    archive: Path | None,
    tools: Tools,
    *,
    overwrite_drift: bool,
    secrets: Secrets | None = None,
) -> dict[str, Any]:
    """Stage, check, activate and prove a release."""
    with place_lock(place):
        recovered = _recover(place, tools)
        old = current_release(place)
        secrets = secrets or Secrets()
        answer = compare(place, str(raw.get("release")), tools.systemd, secrets.fingerprints)
        if answer["converged"]:
            return _result(False, old, recovered)
        _refuse_drift(place, old, overwrite_drift)
        release = stage_release(place, raw, archive, secrets)
        _fits(place, release)
        _check(place, release)
        recovery_install(place, tools.systemd)
        items, touch = _go(place, release, old, _history_with(place, release.id), tools)
        store_prune(place)
        return _result(True, release, recovered, items, touch)


def rolled_back(place: Place, tools: Tools, *, overwrite_drift: bool) -> dict[str, Any]:
    """Activate the release before the active one; before the first one stands what was there before Gatepost."""
    with place_lock(place):
        recovered = _recover(place, tools)
        old, to, left = _back(place)
        _refuse_drift(place, old, overwrite_drift)
        if to:
            _check(place, to)
        items, touch = _go(place, to, old, left, tools)
        return _result(True, to, recovered, items, touch)


def rolled_back_look(place: Place) -> dict[str, Any]:
    """What rolled_back would go back to, touching nothing."""
    _, to, _ = _back(place)
    return _result(True, to, False)


def _back(place: Place) -> tuple[Release, Release | None, list[str]]:
    """The active release, the one before it (None: before Gatepost), and the history without the active one."""
    old = current_release(place)
    if old is None:
        raise ReleaseError("no release is active here, so there is none to go back from")
    left = history_read(place)[:-1]
    return old, release_load(place.releases / left[-1]) if left else None, left


def _go(
    place: Place, to: Release | None, old: Release | None, history: list[str], tools: Tools
) -> tuple[list[Item], dict[str, str]]:
    _keep_before(place, to, old, tools.systemd)
    items = plan_items(place, to, old, before_items(place))
    touch = plan_touch(plan_heard(place, items, old), to, old)
    if not (to and old):
        # From or to a configuration that is not ours, nobody knows whether a daemon is content with a reload.
        touch = dict.fromkeys(touch, "restart")
    wishes = plan_wishes(to, old, units_read(before_units(place)))
    change = Change(to.id if to else None, history, items, wishes, touch)

    def prove() -> None:
        if to:
            tools.prove(to.manifest, tools.systemd)

    def seal() -> None:
        if to:
            drift_seal(place, to)

    activate(place, change, tools.systemd, prove, seal, tools.step)
    return items, touch


def _history_with(place: Place, name: str) -> list[str]:
    """The history when a release is activated; mending the active one is no new entry."""
    history = history_read(place)
    return history if history[-1:] == [name] else [*history, name]


def _recover(place: Place, tools: Tools) -> bool:
    """Undo an activation that was cut short; only then is the server something to start from."""
    if not place.journal.exists():
        return False
    journal_undo(place, tools.systemd)
    return True


def _refuse_drift(place: Place, old: Release | None, overwrite_drift: bool) -> None:
    if old and not overwrite_drift:
        drift_refuse(drift_find(place, old))


def _fits(place: Place, release: Release) -> None:
    """A bundle for Debian 12 on a Debian 13 would name the wrong units; daemons' checks do not see that."""
    lines = place.live("/etc/os-release").read_text(encoding="utf-8").splitlines()
    version = next((line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_ID=")), "?")
    if version != str(release.manifest.debian):
        raise ManifestError(
            f"the bundle is for Debian {release.manifest.debian}, this server runs {version}; "
            "set the server's Debian release in the inventory and render again"
        )


def _check(place: Place, release: Release) -> None:
    try:
        checks_run(release.manifest.checks, release.folder / "files")
    except CheckError:
        # Not kept: the next run should not take it for one that worked.
        if release.id not in history_read(place):
            shutil.rmtree(release.folder)
        raise


def _keep_before(place: Place, to: Release | None, old: Release | None, systemd: Systemd) -> None:
    """Keep what stands at the paths, and how the units are, that no release has managed so far."""
    if to is None:
        return
    fresh = sorted(to.paths - (old.paths if old else frozenset()))
    made = sorted({folder for path in fresh for folder in folders_above(path) if not place.live(folder).exists()})
    units = [unit for unit in to.manifest.units if not old or unit not in old.manifest.units]
    states = {unit: asdict(state) for unit, state in systemd.states(units).items()}
    before_take(place, [*made, *fresh], states)


def _result(
    changed: bool,
    release: Release | None,
    recovered: bool,
    items: list[Item] | None = None,
    touch: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "changed": changed or recovered,
        "active": release.id if release else BEFORE,
        "recovered": recovered,
        "files_changed": [item.record.path for item in items or []],
        "services": dict(touch or {}),
    }

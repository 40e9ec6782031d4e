"""Drift: what was changed by hand is found, and what was not is not even read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from release import drift as drift_module
from release.drift import drift_find
from release.place import Place
from release.store import current_release
from stand_ins import Bundle, DoRelease

ONE = Bundle({"/etc/a.conf": "one\n"})


def found(place: Place) -> list[tuple[str, tuple[str, ...]]]:
    active = current_release(place)
    assert active is not None
    return [(drift.path, drift.why) for drift in drift_find(place, active)]


def test_an_untouched_server_has_no_drift_and_no_file_is_read_for_that(
    release: DoRelease, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(ONE)
    monkeypatch.setattr(drift_module, "sha256_of", lambda path: pytest.fail(f"{path} was read"))
    assert found(place) == []


def test_a_missing_file_is_drift(release: DoRelease, place: Place) -> None:
    release(ONE)
    place.live("/etc/a.conf").unlink()
    assert found(place) == [("/etc/a.conf", ("missing",))]


def test_changed_content_of_the_same_length_and_time_is_drift(release: DoRelease, place: Place) -> None:
    release(ONE)
    live = place.live("/etc/a.conf")
    times = (live.stat().st_atime_ns, live.stat().st_mtime_ns)
    live.write_text("two\n")
    os.utime(live, ns=times)
    assert found(place) == [("/etc/a.conf", ("content",))]


def test_a_changed_mode_is_drift(release: DoRelease, place: Place) -> None:
    release(ONE)
    place.live("/etc/a.conf").chmod(0o666)
    assert found(place) == [("/etc/a.conf", ("mode",))]


def test_a_link_in_a_files_place_is_drift(release: DoRelease, place: Place, tmp_path: Path) -> None:
    release(ONE)
    live = place.live("/etc/a.conf")
    live.rename(tmp_path / "a.conf")
    live.symlink_to(tmp_path / "a.conf")
    assert found(place) == [("/etc/a.conf", ("kind",))]


def test_a_file_copied_back_with_the_same_content_is_no_drift(release: DoRelease, place: Place) -> None:
    release(ONE)
    live = place.live("/etc/a.conf")
    live.rename(live.with_suffix(".bak"))
    live.write_text("one\n")
    live.chmod(0o640)
    assert found(place) == []

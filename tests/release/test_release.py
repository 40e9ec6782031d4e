"""A release as a whole, on a server in a temporary folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from release.compare import compare, compare_files
from release.errors import BusyError, CheckError, DriftError, ManifestError, ProofError, RolledBackError
from release.manifest import Manifest
from release.place import Place, place_lock
from release.release import Tools, present, rolled_back
from release.store import BEFORE, current_id, history_read
from release.systemd import Systemd, UnitState
from stand_ins import GROUP, OWNER, Bundle, DoRelease, RememberingSystemd, tree

ONE = Bundle({"/etc/old.conf": "one\n", "/etc/deep/er/new.conf": "one\n"})
TWO = Bundle({"/etc/old.conf": "two\n"})


def back(place: Place, systemd: RememberingSystemd) -> dict[str, Any]:
    return rolled_back(place, Tools(systemd, prove=lambda manifest, units: None), overwrite_drift=False)


def test_a_first_release_puts_files_with_their_modes_and_starts_what_does_not_run(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    answer = release(ONE)
    assert answer["changed"]
    assert tree(place)["/etc/old.conf"] == (0o640, "one\n")
    assert tree(place)["/etc/deep/er/new.conf"] == (0o640, "one\n")
    assert systemd.told == ["enable gatepost-recover.service", "enable gate.service", "start gate.service"]
    assert not place.journal.exists()
    assert not place.undo.exists()


def test_a_second_run_changes_nothing_and_tells_nobody(release: DoRelease, systemd: RememberingSystemd) -> None:
    release(ONE)
    systemd.told.clear()
    assert not release(ONE)["changed"]
    assert systemd.told == []


def test_only_the_service_whose_file_changed_is_reloaded(release: DoRelease, systemd: RememberingSystemd) -> None:
    services = {"gate": "gate.service", "other": "other.service"}
    release(Bundle({"/etc/a.conf": "1\n"}, services=services))
    systemd.told.clear()
    release(Bundle({"/etc/a.conf": "2\n"}, services=services))
    assert systemd.told == ["reload gate.service"]


def test_a_file_in_which_comments_alone_changed_is_put_and_nobody_is_told(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    services = {"gate": "gate.service"}
    release(Bundle({"/etc/a.conf": "# policy.yml:1\nx = 1\n"}, services=services))
    systemd.told.clear()
    release(Bundle({"/etc/a.conf": "# policy.yml:2\nx = 1\n"}, services=services))
    assert systemd.told == []
    assert tree(place)["/etc/a.conf"][1] == "# policy.yml:2\nx = 1\n"
    place.live("/etc/a.conf").write_text("# by hand\nx = 1\n")
    release(Bundle({"/etc/a.conf": "# policy.yml:3\nx = 1\n"}, services=services), overwrite_drift=True)
    assert systemd.told == ["reload gate.service"]


def test_a_file_that_the_new_release_lacks_goes_back_to_what_stood_before(release: DoRelease, place: Place) -> None:
    release(ONE)
    release(Bundle({"/etc/other.conf": "three\n"}))
    assert tree(place)["/etc/old.conf"] == (0o644, "what Debian shipped\n")
    assert "/etc/deep/er/new.conf" not in tree(place)


def test_a_unit_that_the_new_release_lacks_is_stopped_and_disabled(
    release: DoRelease, systemd: RememberingSystemd
) -> None:
    release(Bundle({"/etc/a.conf": "1\n"}, services={"gate": "gate.service", "lane": "lane.service"}))
    systemd.told.clear()
    release(Bundle({"/etc/a.conf": "1\n"}))
    assert systemd.told == ["disable lane.service", "stop lane.service"]


def test_rolling_back_goes_one_release_at_a_time_down_to_before_gatepost(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    before = tree(place)
    release(ONE)
    release(TWO)
    assert back(place, systemd)["active"] == ONE.raw["release"]
    assert tree(place)["/etc/old.conf"] == (0o640, "one\n")
    assert back(place, systemd)["active"] == BEFORE
    assert tree(place) == before
    assert not systemd.units["gate.service"].active


def test_going_back_takes_away_folders_that_a_release_made_but_spares_one_that_is_in_use(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    folders = [{"path": path, "owner": OWNER, "group": GROUP, "mode": "0755"} for path in ("/etc/lane", "/etc/spool")]
    release(Bundle({"/etc/lane/main.cf": "1\n"}, extra={"directories": folders}))
    place.live("/etc/spool/mail").write_text("a mail\n")
    back(place, systemd)
    assert not place.live("/etc/lane").exists()
    assert place.live("/etc/spool/mail").exists()


def test_a_folder_that_the_new_release_still_names_stays_when_its_last_file_goes(
    release: DoRelease, place: Place
) -> None:
    extra = {"directories": [{"path": "/etc/lane", "owner": OWNER, "group": GROUP, "mode": "0755"}]}
    release(Bundle({"/etc/lane/main.cf": "1\n"}, extra=extra))
    release(Bundle({}, extra=extra))
    assert place.live("/etc/lane").is_dir()


def test_five_releases_are_kept(release: DoRelease, place: Place) -> None:
    for number in range(7):
        release(Bundle({"/etc/a.conf": f"{number}\n"}))
    kept = [folder.name for folder in place.releases.iterdir() if folder.name != BEFORE]
    assert len(kept) == 5
    assert len(history_read(place)) == 5
    assert current_id(place) in kept


def test_a_file_changed_by_hand_stops_a_release_with_its_name_and_the_ways_on(release: DoRelease, place: Place) -> None:
    release(ONE)
    place.live("/etc/old.conf").write_text("by hand\n")
    with pytest.raises(DriftError, match=r"/etc/old.conf \(content\)") as caught:
        release(TWO)
    assert "gatepost_overwrite_drift=true" in str(caught.value)
    assert tree(place)["/etc/old.conf"] == (0o640, "by hand\n")


def test_a_file_changed_by_hand_is_overwritten_when_told_so(release: DoRelease, place: Place) -> None:
    release(ONE)
    place.live("/etc/old.conf").write_text("by hand\n")
    assert release(ONE, overwrite_drift=True)["files_changed"] == ["/etc/old.conf"]
    assert tree(place)["/etc/old.conf"] == (0o640, "one\n")


def test_a_refused_check_leaves_the_server_untouched_and_tells_the_daemons_words(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    before = tree(place)
    argv = ["sh", "-c", "grep -q bad {root}/etc/a.conf && echo 'line 1: bad' >&2"]
    check = {"name": "a.conf", "kind": "command", "argv": argv, "ok": [0], "stderr_fails": True}
    with pytest.raises(CheckError, match=r"(?s)untouched.*a\.conf: sh -c.*line 1: bad"):
        release(Bundle({"/etc/a.conf": "bad\n"}, extra={"checks": [check]}))
    assert tree(place) == before
    assert systemd.told == []


def test_a_failed_proof_puts_the_release_before_back_and_says_both(
    release: DoRelease, place: Place, systemd: RememberingSystemd, tmp_path: Path
) -> None:
    release(ONE)
    before = tree(place)
    systemd.told.clear()

    def fails(_manifest: Manifest, _systemd: Systemd) -> None:
        raise ProofError("the gate greets: no connection")

    with pytest.raises(RolledBackError, match=r"(?s)the gate greets: no connection.*put back"):
        present(place, TWO.raw, TWO.archive(tmp_path), Tools(systemd, prove=fails), overwrite_drift=False)
    assert tree(place) == before
    assert current_id(place) == ONE.raw["release"]
    assert systemd.told == ["reload gate.service", "reload gate.service"]


def test_a_daemon_that_does_not_start_is_put_back_to_how_it_was(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    before = tree(place)
    systemd.refuses = {"start gate.service"}
    with pytest.raises(RolledBackError, match="the daemon's own words"):
        release(ONE)
    assert tree(place) == before
    assert systemd.units["gate.service"] == UnitState(False, False, "inactive")


def test_a_bundle_for_another_debian_is_refused(release: DoRelease) -> None:
    with pytest.raises(ManifestError, match="for Debian 13, this server runs 12"):
        release(Bundle({"/etc/a.conf": "1\n"}, extra={"debian": 13}))


def test_two_releases_cannot_run_at_once(release: DoRelease, place: Place) -> None:
    with place_lock(place), pytest.raises(BusyError):
        release(ONE)


def test_a_comparison_names_what_differs_and_how_it_reads_now(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    release(ONE)
    place.live("/etc/old.conf").chmod(0o644)
    raw = Bundle({"/etc/old.conf": "two\n"}).raw
    public = [{**file, "mode": "0644"} for file in raw["files"]]
    wanted = [{key: file[key] for key in ("path", "sha256", "size", "owner", "group", "mode")} for file in public]
    shown = {entry["path"]: entry for entry in compare_files(place, wanted)}
    assert shown["/etc/old.conf"]["text"] == "one\n"
    assert shown["/etc/deep/er/new.conf"]["why"] == ["gone"]
    answer = compare(place, str(ONE.raw["release"]), systemd)
    assert answer["drifted"] == [{"path": "/etc/old.conf", "why": ["mode"]}]
    assert not answer["converged"]


def test_a_comparison_does_not_show_a_file_that_not_everyone_may_read(release: DoRelease, place: Place) -> None:
    release(ONE)
    raw = TWO.raw["files"][0]
    wanted = [{key: raw[key] for key in ("path", "sha256", "size", "owner", "group", "mode")}]
    assert all(entry["text"] is None and entry["secret"] for entry in compare_files(place, wanted))


def test_a_stopped_unit_makes_the_server_unconverged_and_is_started(
    release: DoRelease, place: Place, systemd: RememberingSystemd
) -> None:
    release(ONE)
    systemd.tell("stop", "gate.service")
    systemd.told.clear()
    assert compare(place, str(ONE.raw["release"]), systemd)["units_down"] == ["gate.service"]
    release(ONE)
    assert systemd.told == ["start gate.service"]


def test_content_that_the_server_holds_need_not_travel_again(
    release: DoRelease, place: Place, systemd: RememberingSystemd, tmp_path: Path
) -> None:
    release(ONE)
    again = Bundle({"/etc/elsewhere.conf": "one\n"})
    empty = Bundle({}).archive(tmp_path)
    tools = Tools(systemd, prove=lambda manifest, units: None)
    present(place, again.raw, empty, tools, overwrite_drift=False)
    assert tree(place)["/etc/elsewhere.conf"] == (0o640, "one\n")

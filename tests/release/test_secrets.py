"""Secrets: named in a bundle, filled in on the server, and found changed when they are."""

from __future__ import annotations

import json
import stat
import tempfile
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from hypothesis import given
from hypothesis import strategies as st
from release.compare import compare, compare_files
from release.errors import ManifestError, SecretError
from release.manifest import manifest_parse
from release.place import Place
from release.release import Tools, rolled_back
from release.secrets import secrets_fill
from release.stage import Secrets
from stand_ins import Bundle, DoRelease, RememberingSystemd

TABLE = "/etc/ldap-table.cf"
WORD = "<secret ldap>"
BUNDLE = Bundle({TABLE: f"bind_pw = {WORD}\n", "/etc/other": "x\n"}, secrets={TABLE: {"ldap": WORD}})


def action() -> ModuleType:
    """The action plugin, which is no part of a package."""
    path = Path(__file__).parents[2] / "plugins" / "action" / "gatepost_release.py"
    spec = util.spec_from_file_location("gatepost_release_action", path)
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ACTION = action()


def needed(bundle: Bundle = BUNDLE, **given: Any) -> Secrets:
    """What the control node sends, in the words of the server's side."""
    found = ACTION.secrets_needed(bundle.raw, given)
    return Secrets(found.values, found.fingerprints)


@pytest.fixture
def asked(place: Place, systemd: RememberingSystemd) -> Callable[[str], tuple[bool, list[str]]]:
    """Whether the server is on the release with this password, and which files differ from it."""

    def ask(password: str) -> tuple[bool, list[str]]:
        fingerprints = needed(ldap=password).fingerprints
        keys = ("path", "sha256", "size", "owner", "group", "mode")
        wanted = [{key: file[key] for key in keys} for file in BUNDLE.raw["files"]]
        answer = compare(place, BUNDLE.raw["release"], systemd, fingerprints)
        return answer["converged"], [file["path"] for file in compare_files(place, wanted, fingerprints)]

    return ask


def test_a_secret_is_filled_in_on_the_server_where_not_everyone_reads_it(place: Place, release: DoRelease) -> None:
    release(BUNDLE, secrets=needed(ldap="hunter2"))
    live = place.live(TABLE)
    assert live.read_text() == "bind_pw = hunter2\n"
    assert stat.S_IMODE(live.stat().st_mode) == 0o640


def test_no_record_holds_a_secret_and_only_root_reads_its_fingerprint(place: Place, release: DoRelease) -> None:
    release(BUNDLE, secrets=needed(ldap="hunter2"))
    holding = [path for path in place.state.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert [path.name for path in holding] == ["ldap-table.cf"]
    assert not stat.S_IMODE(holding[0].stat().st_mode) & 0o007
    [records] = place.state.rglob("filled.json")
    assert stat.S_IMODE(records.stat().st_mode) == 0o600


def test_the_same_secret_is_no_change(release: DoRelease, asked: Callable[[str], tuple[bool, list[str]]]) -> None:
    release(BUNDLE, secrets=needed(ldap="hunter2"))
    assert asked("hunter2") == (True, [])
    assert release(BUNDLE, secrets=needed(ldap="hunter2"))["changed"] is False


def test_another_secret_is_a_change_of_its_file_alone(
    place: Place, release: DoRelease, systemd: RememberingSystemd, asked: Callable[[str], tuple[bool, list[str]]]
) -> None:
    first = release(BUNDLE, secrets=needed(ldap="hunter2"))
    systemd.told.clear()
    assert asked("other") == (False, [TABLE])
    second = release(BUNDLE, secrets=needed(ldap="other"))
    assert (second["files_changed"], systemd.told) == ([TABLE], ["reload gate.service"])
    assert place.live(TABLE).read_text() == "bind_pw = other\n"
    assert second["active"] == f"{first['active']}-2"
    assert asked("other") == (True, [])


def test_a_file_that_was_changed_by_hand_has_drifted(
    place: Place, release: DoRelease, systemd: RememberingSystemd
) -> None:
    release(BUNDLE, secrets=needed(ldap="hunter2"))
    place.live(TABLE).write_text("bind_pw = changed\n")
    answer = compare(place, BUNDLE.raw["release"], systemd, needed(ldap="hunter2").fingerprints)
    assert [drift["path"] for drift in answer["drifted"]] == [TABLE]


def test_going_back_puts_the_secret_before_back(place: Place, release: DoRelease, systemd: RememberingSystemd) -> None:
    release(BUNDLE, secrets=needed(ldap="hunter2"))
    release(BUNDLE, secrets=needed(ldap="other"))
    rolled_back(place, Tools(systemd, prove=lambda manifest, units: None), overwrite_drift=False)
    assert place.live(TABLE).read_text() == "bind_pw = hunter2\n"


def test_a_release_that_comes_again_with_a_secret_from_before_is_taken_as_it_was_kept(
    place: Place, release: DoRelease
) -> None:
    first = release(BUNDLE, secrets=needed(ldap="hunter2"))
    release(BUNDLE, secrets=needed(ldap="other"))
    assert release(BUNDLE, secrets=needed(ldap="hunter2"))["active"] == first["active"]
    assert place.live(TABLE).read_text() == "bind_pw = hunter2\n"


def test_a_secret_that_was_not_sent_leaves_the_server_untouched(place: Place, release: DoRelease) -> None:
    with pytest.raises(SecretError, match="needs the secret 'ldap'"):
        release(BUNDLE, secrets=Secrets({}, needed(ldap="x").fingerprints))
    assert not place.live(TABLE).exists() and not list(place.releases.iterdir())


def test_a_missing_secret_is_told_on_the_control_node_by_name() -> None:
    with pytest.raises(AnsibleActionFail, match=r"names the secret 'ldap'.*no server was touched"):
        needed()


@pytest.mark.parametrize("wrong", ["", " x", "x ", "a\nb", "a\0b", 7, None, ["x"], "x" * 1001])
def test_what_cannot_stand_in_a_file_is_told_without_telling_it(wrong: Any) -> None:
    with pytest.raises(AnsibleActionFail) as told:
        needed(ldap=wrong)
    assert "'ldap' is no text on one line" in str(told.value) and "xxx" not in str(told.value)


def test_a_bundle_without_secrets_needs_none_and_ignores_what_is_there() -> None:
    found = ACTION.secrets_needed(Bundle({"/etc/x": "y"}).raw, "whatever stands there")
    assert (found.values, found.fingerprints) == ({}, {})


def test_only_the_secrets_that_a_bundle_names_are_sent() -> None:
    assert needed(ldap="x", other="y").values == {"ldap": "x"}


@pytest.mark.parametrize("mode", ["0644", "0666", "0641"])
def test_a_manifest_that_would_show_a_secret_to_everyone_is_refused(
    release: DoRelease, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Bundle._file
    monkeypatch.setattr(Bundle, "_file", lambda *about: {**made(*about), "mode": mode})
    with pytest.raises(ManifestError, match="everyone might read"):
        release(BUNDLE, secrets=needed(ldap="x"))


plain = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@given(plain, plain)
def test_fingerprints_differ_where_secrets_do_and_never_hold_them(one: str, other: str) -> None:
    first, second = needed(ldap=one).fingerprints[TABLE], needed(ldap=other).fingerprints[TABLE]
    assert (first == second) == (one == other)
    assert len(first) == 64


@given(plain, plain)
def test_a_secret_that_looks_like_the_place_of_another_stays_what_it_is(one: str, other: str) -> None:
    words = {"a": "<secret a>", "b": "<secret b>"}
    bundle = Bundle({TABLE: "<secret a> <secret b>"}, secrets={TABLE: words})
    file = manifest_parse(bundle.raw).files[0]
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "staged"
        for values in ({"a": "<secret b>", "b": other}, {"a": one, "b": "<secret a>"}):
            staged.write_text("<secret a> <secret b>", encoding="utf-8")
            secrets_fill(staged, file, values, "")
            assert staged.read_text(encoding="utf-8") == f"{values['a']} {values['b']}"


def test_secrets_are_not_among_the_variables_that_rendering_writes_down() -> None:
    path = Path(__file__).parents[2] / "plugins" / "action" / "gatepost_render.py"
    spec = util.spec_from_file_location("gatepost_render_action", path)
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task_vars = {
        "groups": {"mailservers": ["gate12"], "vantage": []},
        "hostvars": {"gate12": {"gatepost_debian": 12, "gatepost_secrets": {"ldap": "hunter2"}}},
    }
    assert "hunter2" not in json.dumps(module._inventory(task_vars))

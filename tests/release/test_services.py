"""What the services are told: the plan of reloads and restarts, and the order of stops and starts."""

from __future__ import annotations

import pytest
from release.commands import Answer
from release.errors import ServiceError
from release.manifest import manifest_parse
from release.place import Place
from release.plan import plan_touch, plan_wishes
from release.records import Item, Record
from release.store import Release
from release.systemd import Systemctl, UnitState, units_enter, units_leave
from stand_ins import Bundle, RememberingSystemd

RUNS, STOPPED, FAILED = (
    UnitState(True, True, "active"),
    UnitState(False, False, "inactive"),
    UnitState(False, True, "failed"),
)


def kept(place: Place, bundle: Bundle) -> Release:
    return Release(manifest_parse(bundle.raw), (), place.releases / "x")


def changed(*paths: str) -> list[Item]:
    return [Item(Record(path, "file")) for path in paths]


def test_a_restart_wins_over_a_reload_of_the_same_service(place: Place) -> None:
    bundle = Bundle({"/etc/a": "1", "/etc/b": "1", "/etc/c": "1"})
    files = [
        {**file, "change": change}
        for file, change in zip(bundle.raw["files"], ("reload", "restart", "none"), strict=True)
    ]
    release = kept(place, Bundle({}, extra={"files": files}))
    assert plan_touch(changed("/etc/a", "/etc/b", "/etc/c"), release, None) == {"gate.service": "restart"}
    assert plan_touch(changed("/etc/a", "/etc/c"), release, None) == {"gate.service": "reload"}
    assert plan_touch(changed("/etc/c"), release, None) == {}


def test_a_file_that_goes_touches_the_service_it_had(place: Place) -> None:
    old = kept(place, Bundle({"/etc/a": "1"}, change="restart"))
    assert plan_touch(changed("/etc/a"), kept(place, Bundle({})), old) == {"gate.service": "restart"}


def test_a_unit_that_only_the_old_release_had_goes_back_to_how_it_was_before(place: Place) -> None:
    old = kept(place, Bundle({}, services={"gate": "gate.service", "lane": "lane.service"}))
    new = kept(place, Bundle({}))
    assert plan_wishes(new, old, {"lane.service": RUNS}) == {
        "lane.service": RUNS,
        "gate.service": UnitState(True, True),
    }
    assert not plan_wishes(new, old, {})["lane.service"].active


def test_units_stop_in_the_reverse_order_and_start_in_the_order_given() -> None:
    systemd = RememberingSystemd({"a": RUNS, "b": RUNS, "c": STOPPED, "d": STOPPED})
    wishes = {"a": STOPPED, "b": STOPPED, "c": RUNS, "d": RUNS}
    units_leave(systemd, wishes)
    units_enter(systemd, wishes, {})
    assert systemd.told == ["disable b", "stop b", "disable a", "stop a", "enable c", "start c", "enable d", "start d"]


def test_a_failed_unit_is_started_and_not_reloaded() -> None:
    systemd = RememberingSystemd({"a": FAILED})
    units_enter(systemd, {"a": RUNS}, {"a": "reload"})
    assert systemd.told == ["start a"]


def test_a_failed_unit_that_is_not_to_run_is_kept_from_trying_again() -> None:
    systemd = RememberingSystemd({"a": UnitState(False, False, "activating")})
    units_leave(systemd, {"a": STOPPED})
    assert systemd.told == ["stop a"]


def test_an_undo_tries_every_unit_and_hands_back_the_complaints() -> None:
    systemd = RememberingSystemd({"a": RUNS, "b": RUNS}, refuses={"restart a"})
    complaints = units_enter(systemd, {"a": RUNS, "b": RUNS}, {"a": "restart", "b": "restart"}, keep_going=True)
    assert systemd.told == ["restart a", "restart b"]
    assert complaints == ["restart a: the daemon's own words"]


def test_a_release_stops_at_the_first_unit_that_refuses() -> None:
    systemd = RememberingSystemd({"a": RUNS, "b": RUNS}, refuses={"restart a"})
    with pytest.raises(ServiceError):
        units_enter(systemd, {"a": RUNS, "b": RUNS}, {"a": "restart", "b": "restart"})
    assert systemd.told == ["restart a"]


class Answers:
    """systemctl, as its command line is seen: what it was asked, and what it answers."""

    def __init__(self, active: dict[str, str]) -> None:
        self.active = active
        self.told: list[list[str]] = []

    def __call__(self, argv: list[str], **_: object) -> Answer:
        self.told.append(argv)
        if "Triggers" in argv:
            return Answer(0, "log.service\n", "")
        return Answer(0, f"ActiveState={self.active.get(argv[-1], 'inactive')}\nUnitFileState=enabled\n", "")


@pytest.mark.parametrize(
    ("active", "last"),
    [
        ({"log.service": "active"}, ["restart", "log.service"]),
        ({}, ["start", "in.socket"]),
        ({"log.service": "active", "in.socket": "active"}, ["start", "in.socket"]),
    ],
    ids=["its service runs", "its service does not run", "it is open"],
)
def test_a_socket_comes_with_a_restart_of_its_service_where_that_runs_without_it(
    active: dict[str, str], last: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(active)
    monkeypatch.setattr("release.systemd.command_run", answers)
    Systemctl().tell("start", "in.socket")
    assert answers.told[-1][-2:] == last

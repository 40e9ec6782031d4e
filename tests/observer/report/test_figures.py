"""The figures: they are what a slow and simple count of the same events gives, and each mail counts once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from gatepost_observer.known import Known
from gatepost_observer.report import figures, places
from gatepost_observer.report.figures import Wanted
from gatepost_observer.report.period import Period
from gatepost_observer.store.engine import over
from synthesised import OWN, Town, example_known

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
EVENTS = Town(first="2026-11-09", days=14, an_hour=15).events()
KNOWN = Known.model_validate(example_known())

Event = dict[str, Any]


def told(events: list[Event], period: Period = WEEK, **more: Any) -> dict[str, Any]:
    wanted = Wanted(period, **{"own": OWN, "zone": UTC, **more})
    with over(events) as engine:
        found = figures.gathered(engine, wanted, KNOWN)
        figures.compare(found, engine, wanted, KNOWN)
    return found


@pytest.fixture(scope="module")
def week() -> dict[str, Any]:
    return told(EVENTS)


def of(kind: str, *, inside: bool | None = None, period: Period = WEEK) -> list[Event]:
    since, until = period.since.timestamp() * 1e6, period.until.timestamp() * 1e6
    return [
        event
        for event in EVENTS
        if event["kind"] == kind
        and since <= event["time"] < until
        and (inside is None or bool(event.get("inside")) == inside)
    ]


def test_the_totals_are_those_of_a_simple_count(week: dict[str, Any]) -> None:
    totals = week["totals"]
    accepted, delivered = of("accepted", inside=False), of("delivered", inside=False)
    ours = [event for event in accepted if event["client"].startswith(("192.0.2.", "2001:db8:1:"))]
    assert totals["received"] == len(accepted)
    assert totals["bytes_received"] == sum(event["size"] for event in accepted)
    assert totals["delivered"] == len(delivered)
    assert totals["bytes_delivered"] == sum(event["size"] for event in delivered)
    assert totals["from_inside"]["mails"] == len(ours)
    assert totals["from_outside"]["mails"] == len(accepted) - len(ours)
    assert totals["to_us"]["recipients"] == sum(event["recipient"].partition("@")[2] in OWN for event in delivered)
    for kind, name in (
        ("deferred", "deferred"),
        ("returned", "returned"),
        ("refused", "refused"),
        ("connect", "connections"),
    ):
        assert totals[name] == len(of(kind)), name


def test_a_mail_counts_once_although_it_passes_two_instances(week: dict[str, Any]) -> None:
    assert week["totals"]["received_inside"] == len(of("accepted", inside=True)) > 0
    assert week["totals"]["received"] + week["totals"]["received_inside"] == len(of("accepted"))


def test_kinds_of_refusals_and_findings_are_complete(week: dict[str, Any]) -> None:
    kinds = Counter(event["reason"] for event in of("refused"))
    assert {row["kind"]: row["mails"] for row in week["refused"]["kinds"]} == kinds
    found = Counter((event["reason"], event["action"]) for event in of("filtered"))
    assert {(row["found"], row["action"]): row["mails"] for row in week["filtered"]["kinds"]} == found


def test_lists_are_led_by_who_has_most(week: dict[str, Any]) -> None:
    senders = Counter(event["sender"] for event in of("accepted", inside=False))
    volume: Counter[str] = Counter()
    for event in of("delivered", inside=False):
        volume[event["recipient"]] += event["size"]
    assert [row["mails"] for row in week["senders"]["by_mails"]] == [many for _, many in senders.most_common(10)]
    assert [row["bytes"] for row in week["recipients"]["by_bytes"]] == [many for _, many in volume.most_common(10)]
    assert week["totals"]["spread"]["senders"] == len(senders)


def test_days_and_hours_add_up_to_the_totals(week: dict[str, Any]) -> None:
    for name in ("received", "delivered", "deferred", "returned", "refused", "spam", "bytes_received"):
        assert sum(row[name] for row in week["by_day"]) == week["totals"][name], name
        assert sum(row[name] for row in week["by_hour_of_day"]) == week["totals"][name], name
    assert len(week["by_day"]) == 7


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"])
def test_days_begin_at_local_midnight_in_any_zone(zone: str) -> None:
    local = ZoneInfo(zone)
    days = Counter(f"{datetime.fromtimestamp(e['time'] / 1e6, local):%Y-%m-%d}" for e in of("refused"))
    found = told(EVENTS, zone=local)
    assert {row["day"]: row["refused"] for row in found["by_day"] if row["refused"]} == days


def test_delays_are_the_true_quantiles(week: dict[str, Any]) -> None:
    hop = week["next_hops"][0]
    delays = sorted(event["delay"] for event in of("delivered", inside=False) if event["relay"] == hop["hop"])
    assert hop["delivered"] == len(delays)
    assert (
        delays[int(len(delays) * 0.95) - 1] <= hop["p95"] <= delays[min(int(len(delays) * 0.95) + 1, len(delays) - 1)]
    )
    assert hop["slowest"] == delays[-1]


def test_the_change_is_against_the_period_before(week: dict[str, Any]) -> None:
    before = Period(WEEK.since - timedelta(days=7), WEEK.since)
    then, now = len(of("refused", period=before)), len(of("refused"))
    assert week["before"]["refused"] == then
    assert week["change"]["refused"] == round((now - then) / then, 4)


def test_without_a_period_before_nothing_is_compared() -> None:
    found = told([event for event in EVENTS if event["time"] >= MONDAY.timestamp() * 1e6])
    assert found["before"] is None
    assert found["change"] == {}


def test_leaving_out_the_condition_on_the_time_changes_nothing_where_nothing_else_is_there(
    week: dict[str, Any],
) -> None:
    inside = [event for event in EVENTS if WEEK.since.timestamp() <= event["time"] / 1e6 < WEEK.until.timestamp()]
    assert told(inside, whole=True) | {"before": 0, "change": 0} == week | {"before": 0, "change": 0}


def test_entries_of_the_lists_are_counted_and_the_idle_ones_named(week: dict[str, Any]) -> None:
    entries = week["entries"]
    hits = {row["value"]: row["hits"] for row in entries["hit"]}
    assert hits["@scam.example"] == sum(event["reason"] == "blocked-sender" for event in of("refused"))
    assert hits["203.0.113.64/27"] == sum(event["reason"] == "blocked-client" for event in of("refused"))
    assert [row["value"] for row in entries["never_hit"]] == [
        "trickster@freemail.example", "typo.example", "billing@supplier.example",
    ]  # fmt: skip


def test_a_domain_sees_its_own_mail_alone() -> None:
    found = told(EVENTS, domains=("supplier.example",))
    mine = [e for e in of("delivered", inside=False) if "@supplier.example" in e["recipient"] + e["sender"]]
    assert found["totals"]["delivered"] == len(mine) > 0
    assert found["totals"]["connections"] == 0


def test_a_server_sees_its_own_mail_alone() -> None:
    found = told(EVENTS, hosts=("mx2.example.org",))
    assert found["totals"]["refused"] == sum(event["host"] == "mx2.example.org" for event in of("refused"))


def test_without_own_domains_nothing_is_guessed() -> None:
    found = told(EVENTS, own=())
    assert found["totals"]["to_us"] is None
    assert found["totals"]["to_others"] is None


def test_lock_outs_are_told_by_client_and_server() -> None:
    begun = int(MONDAY.timestamp() * 1e6)
    said = {"instance": "gatepost-mx", "program": "gatepost-mx", "kind": "lock-out", "host": "mx1.example.org"}
    happened = [
        ("203.0.113.9", "started"),
        ("203.0.113.9", "stopped"),
        ("203.0.113.9", "started"),
        ("2001:db8:5::", "started"),
        ("2001:db8:5::", "lifted"),
        ("198.51.100.9", "stopped"),
    ]
    events = [{**said, "time": begun + n, "client": who, "action": what} for n, (who, what) in enumerate(happened)]
    found = told(events)["lock_outs"]
    assert [(row["client"], row["host"], row["times"], row["lifted"]) for row in found] == [
        ("203.0.113.9", "mx1.example.org", 2, 0),
        ("2001:db8:5::", "mx1.example.org", 1, 1),
    ]
    assert found[0]["last"].startswith("2026-11-16T00:00:00")
    assert told([])["lock_outs"] == []


def test_the_figures_are_plain_data_in_a_stable_order(week: dict[str, Any]) -> None:
    assert json.loads(json.dumps(week)) == week
    assert json.dumps(told(EVENTS)) == json.dumps(week)
    assert list(told([])) == list(week)


def test_ipv6_clients_are_folded_to_networks() -> None:
    row = dict.fromkeys(places.COUNTED, 1)
    rows = [{"network": name, **row} for name in ("2001:db8::1", "2001:db8::ffff:2", "192.0.2.0", "unknown...0")]
    assert set(places.folded(rows)) == {"2001:db8::/64", "192.0.2.0/24", "unknown"}


def test_what_is_no_database_of_countries_is_said_to_be_none(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.mmdb"
    wrong.write_bytes(b"nothing")
    for path in (wrong, tmp_path / "missing.mmdb"):
        with pytest.raises(places.PlacesError, match="database of countries"):
            places.told([], str(path), 10)

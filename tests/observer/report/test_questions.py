"""The questions: each is asked of an empty and of a full table; no value leaves its place in them."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from gatepost_observer import queries
from gatepost_observer.queries import Scope
from gatepost_observer.store.engine import Engine, over
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesised import HOSTILE, Town, hostile

WEEK = Scope(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


def asked(name: str, scope: Scope) -> tuple[str, dict[str, Any]]:
    return queries.arrivals(scope, ["192.0.2.0/24"]) if name == "arrivals" else queries.asked(name, scope)


@pytest.fixture(scope="module")
def town() -> Any:
    with over(Town(days=2, an_hour=10).events()) as engine:
        yield engine


def test_every_text_in_the_folder_has_a_name_and_every_name_a_text() -> None:
    there = {file.name.removesuffix(".sql") for file in files(queries).iterdir() if file.name.endswith(".sql")}
    assert there == set(queries.NAMES)


@pytest.mark.parametrize("name", queries.NAMES)
def test_a_text_is_whole_as_it_stands(name: str, town: Engine) -> None:
    rows = town.rows(queries.text(name), queries.DEFAULTS)
    assert rows or name == "queues"  # in this town, every mail has left its queue


@pytest.mark.parametrize("name", queries.NAMES)
def test_nothing_is_answered_where_nothing_happened(name: str) -> None:
    with over([]) as engine:
        rows = engine.rows(*asked(name, WEEK))
    assert not [row for row in rows if row.get("board") != "many"]


@pytest.mark.parametrize("name", queries.NAMES)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_strange_domain_or_server_only_finds_nothing(name: str, value: str, town: Engine) -> None:
    for scope in (Scope(hosts=(value,)), Scope(domains=(value,))):
        rows = town.rows(*asked(name, scope))
        assert not [row for row in rows if row.get("board") != "many"]


def test_strange_texts_are_found_by_their_own_names() -> None:
    with over(hostile(1_763_300_000_000_000)) as engine:
        for text in HOSTILE:
            kept = text.replace("\x00", "\\x00")
            rows = engine.rows(*asked("extent", Scope(hosts=(text,))))
            assert [row["host"] for row in rows] in ([text], [kept], [])


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_escapes_from_a_condition(text: str) -> None:
    with over([{"time": 1, "kind": "connect", "host": "mx"}]) as engine:
        rows = engine.rows(*asked("extent", Scope(hosts=(text,))))
    assert [row["host"] for row in rows] == (["mx"] if text == "mx" else [])


addresses = st.ip_addresses(v=4)


@given(addresses, st.integers(0, 32), addresses)
def test_the_beginnings_of_a_network_are_those_of_its_addresses_and_no_others(
    of: ipaddress.IPv4Address, length: int, other: ipaddress.IPv4Address
) -> None:
    network = ipaddress.ip_network((int(of), length), strict=False)
    starts = queries.prefixes([str(network)])
    for address in (of, other, network[0], network[-1]):
        said = any(
            start == str(address) or ((start.endswith(".") or not start) and str(address).startswith(start))
            for start in starts
        )
        assert said == (address in network)
    assert len(starts) <= 256


def test_ipv6_networks_have_no_beginnings_their_addresses_are_named_one_by_one() -> None:
    assert queries.prefixes(["2001:db8::/32"]) == []
    sql, values = queries.arrivals(Scope(), [], ["2001:db8::1"])
    assert "client IN (:callers)" in sql
    assert values["callers"] == ["2001:db8::1"]

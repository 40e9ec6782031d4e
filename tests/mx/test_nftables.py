"""The firewall as text: from what is in the table to what shall be."""

from __future__ import annotations

import ipaddress
import re

from gatepost_mx.clients import Friends
from gatepost_mx.firewall import wanted
from gatepost_mx.nftables import changes, new_table, sessions_of
from hypothesis import given
from hypothesis import strategies as st

CLIENTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda ip: str(ipaddress.IPv6Network((ip, 64), strict=False))),
)
TABLES = st.dictionaries(CLIENTS, st.integers(1, 10_000), max_size=30)
ELEMENT = re.compile(r"([0-9a-f.:]+)(?: timeout ([0-9]+)s)?")


def applied(have: dict[str, int], scripts: list[str], now: int) -> dict[str, int]:
    """What nft would have made of the table: element → end."""
    table = {client.partition("/")[0]: until for client, until in have.items()}
    for line in "".join(scripts).splitlines():
        verb, _, elements = re.fullmatch(r"(add|delete) element inet gatepost clients[46] (\{) (.*) \}", line).groups()  # type: ignore[union-attr]
        for element in elements.split(", "):
            client, seconds = ELEMENT.fullmatch(element).groups()  # type: ignore[union-attr]
            if verb == "delete":
                del table[client]
            else:
                table.setdefault(client, now + int(seconds) if seconds else 10**9)
    return table


@given(TABLES, TABLES, st.integers(0, 12_000))
def test_the_table_becomes_what_it_shall_be(have: dict[str, int], want: dict[str, int], now: int) -> None:
    want = {client: until for client, until in want.items() if until > now}
    table = applied(have, list(changes(have, want, now)), now)
    assert table.keys() == {client.partition("/")[0] for client in want}
    assert all(abs(table[client.partition("/")[0]] - until) <= 3 for client, until in want.items())


def test_what_is_right_already_is_left_alone() -> None:
    assert list(changes({"203.0.113.9": 500}, {"203.0.113.9": 502}, 0)) == []


def test_many_clients_are_told_in_portions() -> None:
    want = {str(ipaddress.IPv4Address(number)): 60 for number in range(1, 5001)}
    assert [script.count("timeout") for script in changes({}, want, 0)] == [2000, 2000, 1000]


def test_only_new_connections_to_the_mail_ports_are_dropped() -> None:
    rules = [line.strip() for line in new_table([587, 25]).splitlines() if line.strip().endswith("drop")]
    assert rules == [
        "tcp dport { 25, 587 } tcp flags & (fin | syn | rst | ack) == syn ip saddr @clients4 counter drop",
        "tcp dport { 25, 587 } tcp flags & (fin | syn | rst | ack) == syn "
        "ip6 saddr & ffff:ffff:ffff:ffff:: @clients6 counter drop",
    ]


def test_the_open_connections_of_a_client_are_named_for_ss() -> None:
    assert list(sessions_of(["203.0.113.9", "2001:db8::/64"], [25])) == [
        "( dst 203.0.113.9 or dst 2001:db8::/64 ) and ( sport = :25 )"
    ]


def test_the_helper_believes_no_list_that_names_friends_or_nonsense() -> None:
    friends = Friends([ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8:1:2::5/128")])
    told = [
        ["203.0.113.9", 60],
        ["192.0.2.1", 60],
        ["2001:db8:1:2::/64", 60],
        ["127.0.0.1", 60],
        ["0.0.0.0/0", 60],
        ["203.0.113.9; flush ruleset", 60],
        ["198.51.100.1", 0],
    ]
    assert wanted(told, friends, 100) == {"203.0.113.9": 160}

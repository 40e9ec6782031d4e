"""The look at the block lists: test entries, what is told, and when the front door stands open."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from gatepost_mx.lists import (
    BlockList,
    Health,
    Heard,
    ListsError,
    alarms,
    config,
    health,
    heard,
    put,
    question,
    resolvers,
    table,
)
from hypothesis import given
from hypothesis import strategies as st

ZEN = BlockList("zen.example.org", (("127.0.0.", 2, 11),))


def asked(listed: Heard, nobody: Heard | None = None) -> Health:
    """How ZEN is, when its two test entries are answered so."""
    given = {"2.0.0.127.zen.example.org": listed, "1.0.0.127.zen.example.org": nobody or Heard()}
    return health(ZEN, given.__getitem__)


def test_a_list_whose_two_test_entries_are_right_is_well() -> None:
    assert asked(Heard(("127.0.0.2", "127.0.0.4"))) == Health("zen.example.org")


@pytest.mark.parametrize(
    ("listed", "nobody", "word"),
    [
        (Heard(), None, "dead"),
        (Heard(("127.0.0.99",)), None, "other answers"),
        (Heard(trouble="timed out"), None, "timed out"),
        (Heard(("127.255.255.254",)), None, "refuses"),
        (Heard(("127.255.255.254",)), Heard(("127.255.255.254",)), "refuses"),
        (Heard(("127.0.0.2",)), Heard(trouble="error 2"), "error 2"),
    ],
)
def test_a_list_that_is_not_well_is_told_and_opens_nothing(listed: Heard, nobody: Heard | None, word: str) -> None:
    found = asked(listed, nobody)
    assert word in found.trouble
    assert not found.everyone
    assert table([found]) == ""
    assert alarms([found])[0].startswith("alarm: block list zen.example.org weighs nothing: ")


def test_a_list_that_lists_everybody_opens_the_front_door_until_it_is_well() -> None:
    found = asked(Heard(("127.0.0.2",)), Heard(("127.0.0.2",)))
    assert found.everyone
    assert [line.split()[0] for line in table([found, Health("b")]).splitlines()[1:]] == ["0.0.0.0/0", "::/0"]
    assert "stands open" in alarms([found])[0]
    assert table([Health("b")]) == ""


def test_an_answer_that_does_not_count_is_not_everybody() -> None:
    assert not asked(Heard(("127.0.0.2",)), Heard(("127.0.0.1",))).everyone


def answered(packet: bytes, *addresses: str, code: int = 0) -> bytes:
    """An answer to a question, with names as pointers and a CNAME in front."""
    head = packet[:2] + bytes([0x81, 0x80 | code]) + struct.pack("!4H", 1, len(addresses) + 1, 0, 0)
    alias = b"\xc0\x0c" + struct.pack("!2HIH", 5, 1, 60, 2) + b"\xc0\x0c"
    rest = b"".join(
        b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 60, 4) + bytes(map(int, one.split("."))) for one in addresses
    )
    return head + packet[12:] + alias + rest


def test_addresses_are_read_out_of_an_answer_and_no_name_is_an_answer_too() -> None:
    packet = question("2.0.0.127.zen.example.org", 7)
    assert heard(answered(packet, "127.0.0.2", "127.0.0.4"), packet) == Heard(("127.0.0.2", "127.0.0.4"))
    assert heard(answered(packet, code=3), packet) == Heard()
    assert heard(answered(packet, code=2), packet) == Heard(trouble="the resolver answers with error 2")


def test_an_answer_to_another_question_is_none() -> None:
    packet = question("2.0.0.127.zen.example.org", 7)
    assert heard(answered(question("2.0.0.127.zen.example.org", 8), "127.0.0.2"), packet) is None
    assert heard(answered(question("3.0.0.127.zen.example.org", 7), "127.0.0.2"), packet) is None
    assert heard(packet, packet) is None


@given(st.binary(max_size=80))
def test_no_packet_breaks_the_reader(noise: bytes) -> None:
    packet = question("2.0.0.127.zen.example.org", 7)
    heard(noise, packet)
    whole = heard(answered(packet)[:12] + packet[12:] + noise, packet)
    assert isinstance(whole, Heard)


def test_resolvers_are_those_of_the_file_or_this_host() -> None:
    assert resolvers("# x\nnameserver 127.0.0.53\nsearch a\nnameserver ::1\n") == ["127.0.0.53", "::1"]
    assert resolvers("nameserver\n") == ["127.0.0.1"]


def test_the_config_is_read_as_the_generator_writes_it() -> None:
    text = json.dumps({"version": 1, "lists": [{"name": "a.example", "answers": [["127.0.0.", 2, 2]]}], "opened": "/x"})
    assert config(text).lists == (BlockList("a.example", (("127.0.0.", 2, 2),)),)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "lists": [1], "opened": "/x"}'])
def test_a_damaged_config_is_one_error(text: str) -> None:
    with pytest.raises(ListsError):
        config(text)


def test_a_table_is_written_only_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "open.cidr"
    assert put(file, "")
    assert not put(file, "")
    assert put(file, "x\n")
    assert [path.name for path in tmp_path.iterdir()] == ["open.cidr"]

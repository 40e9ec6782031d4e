"""The config: all faults at once, each with its key, what was found, and what was expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gatepost_mx.config import ConfigError, load, parse
from hypothesis import given
from hypothesis import strategies as st

GOOD: dict[str, Any] = {
    "version": 1,
    "never": ["192.0.2.0/24", "2001:db8:1::/48"],
    "lock_out": {"after": 20, "within": 3600, "for": 86400, "text": "See https://www.example.org/mail"},
}


def faults(config: Any) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        parse(json.dumps(config))
    return caught.value.faults


def test_a_short_config_is_filled_with_safe_defaults() -> None:
    config = parse(json.dumps(GOOD))
    assert config.lock_out
    assert (config.lock_out.limits.longest, config.lock_out.limits.forgotten_after) == (7 * 86400, 7 * 86400)
    assert (config.lock_out.ports, config.lock_out.firewall) == (frozenset({25}), True)
    assert (config.socket, config.socket_group) == ("unix:/run/gatepost-mx/milter.sock", "postfix")


def test_null_locks_nobody_out() -> None:
    assert parse('{"version": 1, "lock_out": null}').lock_out is None


BAD_LOCK_OUTS = [
    ("after", 0, "0 was found, a whole number from 2 to 1000 was expected"),
    ("after", 1, "1 was found, a whole number from 2 to 1000 was expected"),
    ("after", True, "true was found, a whole number from 2 to 1000 was expected"),
    ("after", "20", '"20" was found, a whole number from 2 to 1000 was expected'),
    ("within", 0, "0 was found, seconds, from 1 to 31622400 was expected"),
    ("within", 1e3, "1000.0 was found, seconds, from 1 to 31622400 was expected"),
    ("for", 60, "60 is shorter than the window (within: 3600)"),
    ("longest", 60, "60 was found, seconds, from 86400 (`for`) to 31622400 was expected"),
    ("text", "two\nlines", '"two\\nlines" was found, one line of at most 400 printable ASCII characters was expected'),
    ("text", "", '"" was found, one line of at most 400 printable ASCII characters was expected'),
    ("text", "Größe", '"Gr\\u00f6\\u00dfe" was found, one line of at most 400 printable ASCII characters was expected'),
    ("ports", [], "[] was found, a list of port numbers was expected"),
    ("ports", [70000], "[70000] was found, a list of port numbers was expected"),
    ("firewall", 1, "1 was found, true or false was expected"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD_LOCK_OUTS)
def test_a_bad_value_is_named_with_its_key(key: str, value: Any, said: str) -> None:
    assert faults({**GOOD, "lock_out": {**GOOD["lock_out"], key: value}}) == [f"lock_out.{key}: {said}"]


BAD = [
    ("version", 2, "version: 2 was found, 1 was expected"),
    ("socket", "/run/x", 'socket: "/run/x" was found, unix:/PATH or inet:127.0.0.1:PORT was expected'),
    (
        "socket",
        "inet:0.0.0.0:25",
        'socket: "inet:0.0.0.0:25" was found, unix:/PATH or inet:127.0.0.1:PORT was expected',
    ),
    (
        "socket",
        "inet:127.0.0.1:0",
        'socket: "inet:127.0.0.1:0" was found, unix:/PATH or inet:127.0.0.1:PORT was expected',
    ),
    ("never", ["192.0.2.1/24"], 'never: "192.0.2.1/24" was found, a network was expected, as 192.0.2.0/24'),
    ("never", [7], "never: 7 was found, a network was expected, as 192.0.2.0/24"),
    ("never", ["::/0"], 'never: "::/0" is the whole world, nobody would ever be locked out'),
    ("never", "192.0.2.0/24", 'never: "192.0.2.0/24" was found, a list of networks was expected'),
    ("state", "var", 'state: "var" was found, an absolute path was expected'),
    ("lock_out", [], "lock_out: [] was found, an object was expected"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD)
def test_a_bad_value_at_the_top_is_named(key: str, value: Any, said: str) -> None:
    assert said in faults({**GOOD, key: value})


def test_all_faults_come_at_once() -> None:
    found = faults({"version": 1, "nonsense": 1, "lock_out": {"after": 0, "within": 0, "for": 0, "hold": 1}})
    assert [fault.partition(":")[0] for fault in found] == [
        "lock_out.after",
        "lock_out.for",
        "lock_out.hold",
        "lock_out.text",
        "lock_out.within",
        "nonsense",
    ]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"version": 1', "\0"])
def test_what_is_no_json_is_told_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith("no JSON: ")
    assert "\n" not in caught.value.faults[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "socket", "socket_group", "control", "state"]), JSON), JSON)
def test_any_json_is_a_config_or_faults_in_plain_words(top: dict[str, Any], inner: Any) -> None:
    for data in (top, {**GOOD, **top}, {**GOOD, "lock_out": inner}, inner):
        try:
            parse(json.dumps(data))
        except ConfigError as error:
            assert error.faults
            assert all(fault.isprintable() for fault in error.faults)


def test_a_fault_in_a_file_names_the_file(written: Callable[..., Path]) -> None:
    path = written(version=3)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.faults == [f"{path}: version: 3 was found, 1 was expected"]


def test_a_file_that_cannot_be_read_is_no_fault_of_its_contents(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.json")
    assert caught.value.unreadable
    assert caught.value.faults == [f"{tmp_path}/none.json: No such file or directory"]

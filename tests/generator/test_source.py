"""Reading files and YAML: only regular files, only plain values, and the place of everything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from gatepost.findings import Place
from gatepost.load import load
from gatepost.source import parse_yaml, read_yaml
from written import TEN_LINES, loaded_text


def ids(text: str) -> list[str]:
    return [finding.id for finding in loaded_text(text).findings]


def read_id(path: Path) -> str:
    [finding] = load(path).findings
    return finding.id


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.yml")
    assert read_id(tmp_path / "p.yml") == "not-a-file"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(device: str) -> None:
    assert read_id(Path(device)) in ("not-a-file", "file-unreadable")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert read_id(tmp_path) == "not-a-file"


def test_a_link_to_a_file_is_read_and_a_link_to_nothing_or_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(TEN_LINES)
    (tmp_path / "link.yml").symlink_to("good.yml")
    (tmp_path / "dead.yml").symlink_to("nowhere")
    (tmp_path / "round.yml").symlink_to("round.yml")
    assert load(tmp_path / "link.yml").model
    assert read_id(tmp_path / "dead.yml") == "file-missing"
    assert read_id(tmp_path / "round.yml") == "file-unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text(TEN_LINES)
    (tmp_path / "p.yml").chmod(0)
    assert read_id(tmp_path / "p.yml") == "file-unreadable"


def test_a_misspelt_name_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(TEN_LINES)
    assert load(tmp_path / "polcy.yml").findings[0].hint == "did you mean 'policy.yml'?"


def test_a_file_of_fifty_megabytes_is_refused_at_once(tmp_path: Path) -> None:
    with (tmp_path / "p.yml").open("wb") as file:
        file.truncate(50_000_000)
    before = time.monotonic()
    assert read_id(tmp_path / "p.yml") == "too-large"
    assert time.monotonic() - before < 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "---\n" + text + "...\n",
        lambda text: "%YAML 1.2\n---\n" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["byte order mark", "CRLF", "one document with its marks", "directive", "no newline at the end"],
)
def test_ways_to_write_the_same_file_are_the_same_policy(change: object, tmp_path: Path) -> None:
    assert callable(change)
    (tmp_path / "p.yml").write_bytes(change(TEN_LINES).encode())
    assert load(tmp_path / "p.yml").model


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("", "empty-policy"),
        ("# a comment\n", "empty-policy"),
        ("null\n", "empty-policy"),
        ("~", "empty-policy"),
        ("- a\n", "wrong-type"),
        ("hello\n", "wrong-type"),
        ("42\n", "wrong-type"),
        (TEN_LINES + "---\n" + TEN_LINES, "yaml-syntax"),
        (TEN_LINES + "\tlogs: {keep: 1d}\n", "yaml-syntax"),
        ("a: \0\n", "yaml-syntax"),
        ("a: *nothing\n", "yaml-syntax"),
        ("[" * 5000 + "]" * 5000, "too-deep"),
        (TEN_LINES + "logs: &a [*a]\n", "too-deep"),
    ],
)
def test_what_is_no_policy_is_one_finding(text: str, identity: str) -> None:
    assert ids(text) == [identity]


@pytest.mark.parametrize("key", ["1", "true", "~", "2030-01-01", "'quoted key'"])
def test_a_key_that_is_no_text_is_an_unknown_key(key: str) -> None:
    assert ids(TEN_LINES + f"{key}: 2\n") == ["unknown-key"]


@pytest.mark.parametrize("key", ["[a, b]", "{a: b}", "<<"])
def test_a_key_that_is_no_word_is_a_finding(key: str) -> None:
    assert "bad-key" in ids(TEN_LINES + f"{key}: {{keep: 90d}}\n")


TAGS = ["!!python/object/apply:os.system ['true']", "!!binary aGVsbG8=", "!foo bar", "!!set {a}", "!!omap [a: b]"]


@pytest.mark.parametrize("value", TAGS)
def test_a_tag_is_refused_and_nothing_is_made_of_it(value: str) -> None:
    assert "yaml-tag" in ids(TEN_LINES.replace("City of Example", value))


def test_an_alias_that_only_repeats_is_welcome() -> None:
    lines = TEN_LINES.replace("internal: [192", "internal: [127.0.0.1/32, 192").replace(
        "name: City", "name: &name City"
    )
    assert loaded_text(lines + "filtering: {block: [{client: 203.0.113.7, reason: *name}]}\n").model


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("true", True),
        ("0x10", 16),
        ("1e3", 1000.0),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("9" * 30, "9" * 30),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("2030-01-01", "2030-01-01"),
        ("1:30", "1:30"),
        ("'1'", "1"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_a_plain_value_is_what_it_looks_like(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}\n", "p.yml").data == {"a": value}


def test_every_key_and_value_has_its_place() -> None:
    places = parse_yaml("a:\n  - b: 1\n    c:\nd: {e: [f, g]}\n", "p.yml").places
    assert places.of(("a", 0, "b")) == Place("p.yml", 2, 8)
    assert places.of_key(("a", 0, "b")) == Place("p.yml", 2, 5)
    assert places.of(("a", 0, "c")) == Place("p.yml", 3, 5), "what is left out stands at its key"
    assert places.of(("d", "e", 1)) == Place("p.yml", 4, 12)
    assert places.of(("d", "e", 1, "deeper")) == Place("p.yml", 4, 12), "or at what is around it"


def test_items_behind_one_that_is_cut_out_move_up() -> None:
    places = parse_yaml("a: [x, y, {z: 1}, u]\n", "p.yml").places.without_items([("a", 0), ("a", 1)])
    assert places.of(("a", 0, "z")).column == 15
    assert places.of(("a", 1)).column == 19
    assert not places.written(("a", 2))


def test_a_file_can_be_called_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("a: 1\n")
    assert read_yaml(tmp_path / "p.yml", name="some/where.yml").places.of(("a",)) == Place("some/where.yml", 1, 4)

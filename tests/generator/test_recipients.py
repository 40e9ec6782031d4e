"""Lists of recipients, in files and in the policy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from gatepost.load import Loaded
from gatepost.recipients import MOST_FINDINGS
from written import TEN_LINES, loaded_text

LIST = TEN_LINES[TEN_LINES.index("{list:") : TEN_LINES.index("\nnetworks")]


def from_file(content: bytes, folder: Path) -> Loaded:
    """Ten lines whose recipients come from a file."""
    (folder / "r.txt").write_bytes(content)
    return named("r.txt", folder)


def named(name: str, folder: Path) -> Loaded:
    return loaded_text(TEN_LINES.replace(LIST, f"{{file: {name}}}"), folder)


def told(loaded: Loaded) -> list[str]:
    return [f"{f.place} {f.id}" for f in loaded.findings]


def test_comments_blank_lines_and_blanks_do_not_count(tmp_path: Path) -> None:
    loaded = from_file(b'# all\n\n  anna@example.org  \r\n"a b"@example.org # odd\nBert@Example.org\n', tmp_path)
    assert loaded.model and not loaded.findings
    assert loaded.model.recipients["example.org"] == {"anna@example.org", '"a b"@example.org', "bert@example.org"}


def test_a_hash_in_quotes_begins_no_comment(tmp_path: Path) -> None:
    odd = (b'"a # b"@example.org', b'"c \\" # d"@example.org')
    loaded = from_file(b'anna@example.org\t# all\n%s\n%s # a "comment"\n' % odd, tmp_path)
    assert loaded.model and not loaded.findings
    assert loaded.model.recipients["example.org"] == {"anna@example.org", *(address.decode() for address in odd)}


def test_a_line_of_a_million_blanks_is_read_in_a_moment(tmp_path: Path) -> None:
    assert told(from_file(b"anna@example.org\nx" + b" " * 1_000_000 + b"y\n", tmp_path)) == ["r.txt:2:1 bad-recipient"]


def test_a_byte_order_mark_is_no_part_of_the_first_address(tmp_path: Path) -> None:
    assert from_file("\ufeffanna@example.org\n".encode(), tmp_path).model


def test_every_wrong_line_is_told_with_its_own_number(tmp_path: Path) -> None:
    lines = b"anna@example.org\nbert\n  carla@example.net\n\xff@example.org\n\x00\nANNA@example.org\n"
    assert told(from_file(lines, tmp_path)) == [
        "r.txt:2:1 bad-recipient",
        "r.txt:3:3 foreign-recipient",
        "r.txt:4:1 bad-recipient",
        "r.txt:5:1 bad-recipient",
        "r.txt:6:1 duplicate-recipient",
    ]


def test_after_many_wrong_lines_the_rest_is_counted(tmp_path: Path) -> None:
    loaded = from_file(b"anna@example.org\n" + b"x\n" * 1000, tmp_path)
    assert len(loaded.findings) == MOST_FINDINGS + 1
    assert loaded.findings[-1].id == "more-findings"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nobody\n"])
def test_an_empty_file_is_told_at_the_line_that_names_it(content: bytes, tmp_path: Path) -> None:
    assert told(from_file(content, tmp_path)) == ["policy.yml:8:24 recipients-empty"]


def test_a_missing_file_is_told_once_and_not_again_by_what_depends_on_it(tmp_path: Path) -> None:
    assert told(named("nobody.txt", tmp_path)) == ["policy.yml:8:24 file-missing"]


def test_a_pipe_as_recipients_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert told(named("pipe", tmp_path)) == ["policy.yml:8:24 not-a-file"]


def test_the_file_may_lie_anywhere(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "lists" / "r.txt").write_text("anna@example.org\n")
    assert named("../lists/r.txt", tmp_path / "policies").model
    assert named(str(tmp_path / "lists" / "r.txt"), tmp_path / "policies").model


@pytest.mark.parametrize("local", ["a%b", "a!b", '"a@b"'])
def test_a_recipient_that_no_outsider_can_reach_is_a_warning(local: str, tmp_path: Path) -> None:
    loaded = from_file(f"anna@example.org\n{local}@example.org\n".encode(), tmp_path)
    assert loaded.model
    assert told(loaded) == ["r.txt:2:1 routed-recipient"]


def test_a_hundred_thousand_recipients_are_read_in_a_moment(tmp_path: Path) -> None:
    loaded = from_file(b"anna@example.org\n" + b"".join(b"u%d@example.org\n" % n for n in range(100_000)), tmp_path)
    assert loaded.model and len(loaded.model.recipients["example.org"]) == 100_001

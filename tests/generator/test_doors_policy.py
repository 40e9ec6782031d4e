"""Doors in the policy: values, users from a file, and findings that depend on more than one key."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatepost.policy.door_values import answers, login, server_path
from pydantic_core import PydanticCustomError
from written import TEN_LINES, loaded_text, written

TLS = 'tls: {certificate: "/etc/tls/{fqdn}.pem", key: /etc/tls/key.pem}\n'
SUBMISSION = TLS + 'submission:\n  users:\n    anna: [anna@example.org]\n    bert: ["o\'brien@example.org"]\n'


@pytest.mark.parametrize(
    "wrong",
    [
        "tls/a.pem",
        "/etc/../key",
        "/etc/a b",
        "/etc/a$b",
        "/etc/a\nb",
        "/",
        "/etc/",
        "/{host}/a",
        "/etc/{fqdn",
        "~/a",
        "",
    ],
)
def test_a_path_on_the_server_holds_nothing_that_a_daemon_reads_as_more(wrong: str) -> None:
    with pytest.raises(PydanticCustomError):
        server_path(wrong)


def test_the_name_of_the_host_may_stand_in_a_path() -> None:
    assert server_path("/etc/letsencrypt/live/{fqdn}/fullchain.pem")


@pytest.mark.parametrize(
    "wrong", ["Anna", "anna b", "a:b", "ä", "", "anna@", "anna@EXAMPLE.org", "#a", "a,b", "a" * 65]
)
def test_a_login_name_is_one_plain_word_in_small_letters(wrong: str) -> None:
    with pytest.raises(PydanticCustomError):
        login(wrong)


def test_answers_of_a_list_are_written_back_as_they_were_read() -> None:
    for text in ("127.0.0.2", "127.0.0.2..11", "127.0.1.255"):
        assert str(answers(text)) == text
    assert answers("127.0.0.2..11").holds("127.0.0.11")
    assert not answers("127.0.0.2..11").holds("127.0.0.12")
    assert not answers("127.0.0.2..11").holds("127.0.1.3")


@pytest.mark.parametrize(
    "wrong", ["127.0.0.1", "127.0.0.0..4", "127.255.255.2", "127.0.0.9..2", "127.0.0.256", "10.0.0.2", "127.0.0", "x"]
)
def test_an_answer_that_means_no_listing_is_refused(wrong: str) -> None:
    with pytest.raises(PydanticCustomError):
        answers(wrong)


def test_users_of_a_file_are_those_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# people\n\nanna: anna@example.org, info@example.org\n bert:anna@EXAMPLE.org\n")
    loaded = loaded_text(TEN_LINES + TLS + "submission: {users_file: users}\n", tmp_path)
    assert loaded.model is not None
    assert loaded.model.logins == {
        "anna": frozenset({"anna@example.org", "info@example.org"}),
        "bert": frozenset({"anna@example.org"}),
    }


@pytest.mark.parametrize(
    "line",
    [b"anna", b"anna:", b": a@example.org", b"Anna: anna@example.org", b"anna: anna", b"an\xffna: a@example.org"],
)
def test_a_wrong_line_of_a_users_file_is_found_at_its_place(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "users").write_bytes(b"bert: anna@example.org\n" + line + b"\n")
    loaded = loaded_text(TEN_LINES + TLS + "submission: {users_file: users}\n", tmp_path)
    assert [(f.id, str(f.place)) for f in loaded.findings] == [("bad-user", "users:2:1")]


def test_a_user_who_stands_twice_in_a_file_and_an_empty_file_are_found(tmp_path: Path) -> None:
    for text in ("anna: anna@example.org\nanna: anna@example.org\n", "# nobody\n"):
        (tmp_path / "users").write_text(text)
        loaded = loaded_text(TEN_LINES + TLS + "submission: {users_file: users}\n", tmp_path)
        assert [f.id for f in loaded.findings] == ["bad-user"]


@pytest.mark.parametrize(
    "more",
    [
        "limits: {connections: 0}\n",
        "limits: {mails_per_minute: 0}\n",
        "limits: {recipients_per_minute: 1.5}\n",
        "front_door: {greet_wait: 31s}\n",
        "front_door: {refuse_at: 0}\n",
        'front_door: {block_lists: [{name: "zen example.org", answers: [127.0.0.2]}]}\n',
        "front_door: {block_lists: [{name: zen.example.org, answers: []}]}\n",
        TLS + "submission: {users: {}}\n",
        TLS + "submission: {users: {anna: []}}\n",
        TLS + "submission: {}\n",
        TLS + "submission: {users: {anna: [anna@example.org]}, users_file: users}\n",
    ],
)
def test_what_would_make_no_sense_is_one_finding(more: str) -> None:
    assert len(loaded_text(TEN_LINES + more).findings) == 1


def test_partners_that_are_the_world_in_two_halves_are_found() -> None:
    text = TEN_LINES.replace("networks:", 'networks:\n  partners: ["8.0.0.0/8", 9.0.0.0/8]', 1)
    assert not loaded_text(text).findings
    halves = ", ".join(f"{n}.0.0.0/8" for n in range(1, 40))
    text = TEN_LINES.replace("networks:", f"networks:\n  partners: [{halves}]", 1)
    assert [f.id for f in loaded_text(text).findings] == ["partner-too-wide"]


def test_a_policy_without_doors_has_none() -> None:
    model = written()
    assert model.policy.submission is None
    assert model.policy.tls.certificate is None
    assert not model.logins

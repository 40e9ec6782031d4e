"""What the observer knows of the policy: observer.json is read strictly, and answers for one event at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gatepost_observer.known import Known, KnownError

EXAMPLE: dict[str, Any] = {
    "version": 1,
    "policy": "example.yml",
    "organisation": "City of Example",
    "own_domains": {"example.org": "example.yml:9", "example.net": "example.yml:12"},
    "internal": ["192.0.2.0/24", "2001:db8:1::/48"],
    "store": "/var/lib/gatepost/store",
    "logs": ["/var/log/gatepost/*/mail.log"],
    "keep": 7776000,
    "forget_addresses_after": None,
    "report": {"to": ["postmaster@example.org"], "via": "smtp://mx1.example.org:25", "from": "gatepost@example.org"},
    "country_database": None,
    "reasons": {"unknown-recipient": "example.yml:38", "relay": "example.yml:17", "spam": "example.yml:19"},
    "entries": [
        {"list": "block", "field": "sender", "value": "@scam.example", "reason": "phishing", "line": "example.yml:31"},
        {"list": "block", "field": "sender", "value": "one@scam.example", "line": "example.yml:32", "until": None},
        {"list": "block", "field": "client", "value": "203.0.113.64/27", "line": "example.yml:33"},
        {"list": "block", "field": "client", "value": "2001:db8:bad::/48", "line": "example.yml:34"},
        {"list": "block", "field": "recipient", "value": "closed@example.org", "line": "example.yml:35"},
        {"list": "block", "field": "destination", "value": "typo.example", "line": "example.yml:36"},
        {"list": "block", "field": "term", "value": "urgent bank transfer", "line": "example.yml:37"},
        {"list": "allow", "field": "sender", "value": "billing@supplier.example", "line": "example.yml:24"},
    ],
}


def known(**changes: Any) -> Known:
    return Known.model_validate({**EXAMPLE, **changes})


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "observer.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_rendered_file_is_read_whole(tmp_path: Path) -> None:
    read = Known.load(written(tmp_path, json.dumps(EXAMPLE)))
    assert read == known()
    assert read.report is not None
    assert read.report.sender == "gatepost@example.org"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        ("[]", "holds a list, expected an object"),
        ("{}", "version null, expected 1"),
        ('{"version": true}', "version true, expected 1"),
        ('{"version": 2}', "another version of Gatepost"),
        ('{"version": 1, "version": 1}', "twice"),
        ('{"version": 1, "colour": "blue"}', "colour: "),
        ('{"version": 1, "internal": ["192.0.2.1/24"]}', "internal: "),
        ('{"version": 1, "internal": "192.0.2.0/24"}', "internal: "),
        ('{"version": 1, "keep": "90"}', "keep: "),
        ('{"version": 1, "keep": 0}', "keep: "),
        ('{"version": 1, "entries": [{"list": "grey"}]}', "entries.0.list: "),
        (
            '{"version": 1, "entries": [{"list": "block", "field": "client", "value": "x", "line": "a:1"}]}',
            "entries: ",
        ),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_with_its_place(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(KnownError) as refused:
        Known.load(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(KnownError, match=words):
            Known.load(path)


def refused(reason: str, **more: Any) -> dict[str, Any]:
    return {"kind": "refused", "reason": reason, **more}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (refused("blocked-sender", sender="A@Scam.Example"), "example.yml:31"),
        (refused("blocked-sender", sender="one@scam.example"), "example.yml:32"),
        (refused("blocked-sender", sender="a@sub.scam.example"), None),
        (refused("blocked-sender", sender="a@notscam.example"), None),
        (refused("blocked-client", client="203.0.113.70"), "example.yml:33"),
        (refused("blocked-client", client="::ffff:203.0.113.70"), "example.yml:33"),
        (refused("blocked-client", client="2001:db8:bad:1::9"), "example.yml:34"),
        (refused("blocked-client", client="198.51.100.1"), None),
        (refused("blocked-client", client="unknown"), None),
        (refused("blocked-recipient", recipient="closed@example.org"), "example.yml:35"),
        (refused("blocked-recipient", recipient="bob@TYPO.example"), "example.yml:36"),
        (refused("blocked-term", text="header Subject: URGENT  bank\ttransfer now"), "example.yml:37"),
        (refused("blocked-term", text="header Subject: =?utf-8?q?cut_off"), "example.yml:37"),
        (refused("unknown-recipient", recipient="nobody@example.org"), "example.yml:38"),
        (refused("unknown-recipient", sender="a@scam.example", recipient="x@example.org"), "example.yml:38"),
        (refused("relay"), "example.yml:17"),
        (refused("rate"), None),
        ({"kind": "filtered", "reason": "spam"}, "example.yml:19"),
        ({"kind": "filtered", "reason": "spam", "tests": "HTML=0.1,GATEPOST_BLOCK_6=100000"}, "example.yml:37"),
        ({"kind": "filtered", "reason": "clean", "tests": "GATEPOST_ALLOW_0=-10000"}, "example.yml:24"),
        ({"kind": "filtered", "reason": "spam", "tests": "GATEPOST_BLOCK_99=1"}, "example.yml:19"),
        ({"kind": "delivered", "recipient": "anna@example.org"}, "example.yml:9"),
        ({"kind": "delivered", "recipient": "bob@foreign.example"}, None),
        ({"kind": "connect"}, None),
        ({}, None),
    ],
)
def test_the_policy_line_behind_an_event_is_named(event: dict[str, Any], line: str | None) -> None:
    assert known().line(event) == line


def test_of_two_terms_none_is_guessed() -> None:
    two = [{"list": "block", "field": "term", "value": word, "line": f"p.yml:{n}"} for n, word in enumerate("ab", 1)]
    event = refused("blocked-term", text="header Subject: something else")
    assert known(entries=two).entry(event) is None


@pytest.mark.parametrize(
    ("event", "direction"),
    [
        ({"client": "203.0.113.9", "recipient": "anna@example.org"}, "in"),
        ({"client": "192.0.2.7", "recipient": "anna@example.org"}, "internal"),
        ({"client": "192.0.2.7", "recipient": "bob@foreign.example"}, "out"),
        ({"client": "203.0.113.9", "user": "anna", "recipient": "bob@foreign.example"}, "out"),
        ({"client": "203.0.113.9", "user": "anna"}, "out"),
        ({"client": "203.0.113.9"}, "in"),
        ({"client": "127.0.0.1"}, "out"),
        ({"sender": "anna@example.org", "recipient": "eve@example.net"}, "internal"),
        ({"sender": "", "recipient": "bob@foreign.example"}, "out"),
        ({"sender": "bob@foreign.example"}, "in"),
        ({}, "unknown"),
    ],
)
def test_the_direction_of_a_mail_follows_from_client_and_recipient(event: dict[str, Any], direction: str) -> None:
    assert known().direction(event) == direction


def test_without_own_domains_every_direction_is_unknown() -> None:
    assert Known().direction({"client": "203.0.113.9", "recipient": "anna@example.org"}) == "unknown"

"""The whole way of a mail, by whatever is known of it, across instances and hosts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gatepost_observer.cli.track import track
from gatepost_observer.events import Event
from gatepost_observer.store import Store
from gatepost_observer.store.writer import opened
from gatepost_observer.subjects import subject_hash
from gatepost_observer.track import Wanted, find
from gatepost_observer.track.shown import lines
from gatepost_observer.track.wanted import WantedError
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner, Result

DAY = 86_400_000_000
NOON = 20_000 * DAY + DAY // 2  # 2024-10-04 12:00 UTC


def _way(number: int, time: int = NOON, **more: Any) -> list[Event]:
    """A mail over gate12's two instances and on to the mailbox store; `known` tells what its reader knew of it."""
    one, two, three = f"4gate{number:04}z1", f"4lane{number:04}z1", f"4stor{number:04}z1"
    known: Event = {
        "sender": f"Anna{number}@Partner.example", "message_id": f"{number}@partner.example", "client": "203.0.113.9",
        **more,
    }  # fmt: skip
    to = {"recipient": f"bert{number % 10}@example.org"}
    gate: Event = {"host": "gate12", "instance": "postfix", "mail": one, **known}
    lane: Event = {**gate, "instance": "postfix-normal", "queue_id": two}
    store: Event = {
        **known,
        "host": "store",
        "instance": "postfix",
        "mail": three,
        "queue_id": three,
        "client": "192.0.2.1",
    }
    steps: list[Event] = [
        {
            **gate,
            "queue_id": one,
            "kind": "accepted",
            "program": "qmgr",
            "subject_hash": subject_hash(f"Offer {number}"),
        },
        {**gate, "queue_id": one, "kind": "filtered", "program": "amavis", "queued_as": two, **to},
        {**gate, "queue_id": one, "kind": "delivered", "program": "smtp", "queued_as": two, "inside": True, **to},
        {**lane, "kind": "accepted", "program": "qmgr", "inside": True},
        {**lane, "kind": "deferred", "program": "smtp", "text": "451 4.3.0 later", **to},
        {**lane, "kind": "delivered", "program": "smtp", "queued_as": three, "text": f"250 queued as {three}", **to},
        {**store, "kind": "accepted", "program": "qmgr"},
        {**store, "kind": "delivered", "program": "lmtp", **to},
    ]
    return [{**step, "time": time + n * 1_000_000} for n, step in enumerate(steps)]


def _refused(number: int) -> Event:
    return {
        "time": NOON + number, "host": "gate12", "instance": "postfix", "program": "smtpd", "kind": "refused",
        "reason": "unknown-recipient", "client": "198.51.100.7", "sender": "", "recipient": "nobody@example.org",
        "code": 550, "text": "550 5.1.1 unknown \x1b[31m",
    }  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Twenty mails over five days, three refusals, and what is no mail."""
    path = tmp_path_factory.mktemp("track") / "store"
    with opened(path) as writer:
        for number in range(20):
            writer.commit(_way(number, NOON + number % 5 * DAY))
        writer.commit([_refused(number) for number in range(3)])
        writer.commit([{"time": NOON, "host": "gate12", "kind": "connect", "client": "198.51.100.7"}])
    return Store(path)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(queue_id="4gate0007z1"),
        Wanted(queue_id="4lane0007z1"),
        Wanted(queue_id="4stor0007z1"),
        Wanted(message_id="<7@partner.example>"),
        Wanted(sender="anna7@partner.EXAMPLE"),
        Wanted(sender="<Anna7@Partner.example>", recipient="BERT7@example.org"),
        Wanted(subject="  OFFER\t7 "),
        Wanted(subject="offer 7", sender="@partner.example", client="203.0.113.0/24"),
        Wanted(sender="anna7@partner.example", until=datetime(2024, 10, 7, tzinfo=UTC)),
    ],
)
def test_a_mail_is_found_with_its_whole_way_across_instances_and_hosts(wanted: Wanted, store: Store) -> None:
    """Eight steps in the order of time, from the gate to the mailbox."""
    [way] = find(store, wanted, 10).ways
    assert [event["kind"] for event in way.events] == [
        "accepted", "filtered", "delivered", "accepted", "deferred", "delivered", "accepted", "delivered",
    ]  # fmt: skip
    assert way.values("host") == ["gate12", "store"]
    assert way.values("queue_id") == ["4gate0007z1", "4lane0007z1", "4stor0007z1"]
    assert way.last - way.first == timedelta(seconds=7)


def test_the_next_host_is_found_by_its_queue_id_where_no_message_id_is_known(tmp_path: Path) -> None:
    """A reader that came late knows only what the line says."""
    with opened(tmp_path / "store") as writer:
        writer.commit([{k: v for k, v in e.items() if k not in ("message_id", "mail")} for e in _way(1)])
    [way] = find(Store(tmp_path / "store"), Wanted(queue_id="4lane0001z1"), 10).ways
    assert len(way.events) == 8


def test_the_newest_come_first_and_the_others_are_counted(store: Store) -> None:
    """Mails, not events."""
    answer = find(store, Wanted(sender="@partner.example", client="203.0.113.9"), 3)
    firsts = [way.first for way in answer.ways]
    assert firsts == sorted(firsts, reverse=True)
    assert (len(answer.ways), answer.more) == (3, 17)


def test_what_is_known_may_stand_in_different_events_of_a_mail(tmp_path: Path) -> None:
    """The client in one, the recipient in another."""
    events = _way(1)
    for event in events[1:]:
        del event["client"]
    with opened(tmp_path / "store") as writer:
        writer.commit(events)
    store = Store(tmp_path / "store")
    assert find(store, Wanted(client="203.0.113.9", recipient="bert1@example.org"), 5).total == 1
    assert find(store, Wanted(client="203.0.113.9", recipient="other@example.org"), 5).total == 0


def test_each_refused_attempt_is_a_way_of_its_own_and_a_session_is_none(store: Store) -> None:
    """They never had a queue id."""
    for wanted in (Wanted(client="198.51.100.7"), Wanted(sender="<>"), Wanted(recipient="nobody@example.org")):
        answer = find(store, wanted, 2)
        assert [way.values("kind") for way in answer.ways] == [["refused"], ["refused"]]
        assert answer.more == 1


def test_mails_that_share_a_careless_message_id_stay_apart(tmp_path: Path) -> None:
    """Many mails, one id: it links nothing."""
    with opened(tmp_path / "store") as writer:
        for number in range(40):
            writer.commit(_way(number, NOON + number, message_id="same"))
    answer = find(Store(tmp_path / "store"), Wanted(queue_id="4gate0003z1"), 10)
    [way] = answer.ways
    assert way.values("queue_id") == ["4gate0003z1", "4lane0003z1", "4stor0003z1"]


def test_a_queue_id_that_comes_again_after_weeks_is_another_mail(tmp_path: Path) -> None:
    """Short queue ids are used again."""
    with opened(tmp_path / "store") as writer:
        writer.commit(_way(1))
        writer.commit(_way(1, NOON + 40 * DAY, message_id="other"))
    [way] = find(Store(tmp_path / "store"), Wanted(message_id="1@partner.example"), 10).ways
    assert way.last - way.first == timedelta(seconds=7)


@pytest.mark.parametrize("client", ["host.example", "1.2.3", "300.1.1.1", "10.0.0.0/40", "2001:db8::/32", "'; --"])
def test_a_client_that_is_no_address_is_wrong_usage(client: str, store: Store) -> None:
    """With an example of what is right."""
    with pytest.raises(WantedError, match="expected"):
        find(store, Wanted(client=client), 1)


@given(st.text(), st.text())
def test_a_subject_has_one_hash_however_it_is_spaced_or_written(one: str, two: str) -> None:
    """Sixteen hex digits."""
    assert subject_hash(f"{one} {two}") == subject_hash(f" {one}\t {two}\n")
    assert len(subject_hash(one)) == 16


@given(st.sampled_from(["sender", "recipient", "message_id", "queue_id", "subject"]), st.text(min_size=1))
def test_nothing_that_is_typed_makes_it_fail(name: str, value: str) -> None:
    """It is found or not."""
    assert replace(Wanted(), **{name: value}).conditions()  # type: ignore[arg-type]


def _run(*arguments: object) -> Result:
    app = Typer()
    app.command()(track)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_way_is_told_step_by_step_with_durations_replies_and_policy_lines(store: Store, tmp_path: Path) -> None:
    """In text for people, escaped; in JSON for programs."""
    config = tmp_path / "observer.json"
    config.write_text(json.dumps({"version": 1, "reasons": {"unknown-recipient": "example.yml:30"}}))
    told = _run("--store", store.path, "--recipient", "bert7@example.org", "--limit", 1, "--config", config)
    assert told.exit_code == 0
    assert "Anna7@Partner.example → bert7@example.org" in told.stdout
    assert "+5.000s" in told.stdout
    assert "451 4.3.0 later" in told.stdout
    assert "3 more, each counted on every host it passed: narrow it down, or raise --limit" in told.stdout
    refused = _run("--store", store.path, "--client", "198.51.100.7", "--config", config)
    assert "[example.yml:30]" in refused.stdout
    assert "\x1b" not in refused.stdout
    assert "550 5.1.1 unknown \\u001b[31m" in refused.stdout
    as_json = json.loads(_run("--store", store.path, "--client", "198.51.100.7", "--config", config, "--json").stdout)
    assert as_json["shown"] == 3
    assert as_json["mails"][0]["steps"][0]["line"] == "example.yml:30"


def test_a_log_is_searched_without_a_store(tmp_path: Path) -> None:
    """And nothing is left of it."""
    log = tmp_path / "mail.log"
    log.write_text(
        "2026-11-24T10:00:00.000001+00:00 gate12 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: "
        "550 5.1.1 <x@example.org>: Recipient address rejected: User unknown; from=<a@b.example> to=<x@example.org> "
        "proto=ESMTP helo=<b.example>\n"
    )
    told = json.loads(_run("--log", log, "--recipient", "x@example.org", "--json").stdout)
    assert told["mails"][0]["senders"] == ["a@b.example"]
    assert [place.name for place in tmp_path.iterdir()] == ["mail.log"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--sender", "nobody@nowhere.example"], 1, "no such mail"),
        ([], 2, "nothing to look for"),
        (["--client", "x"], 2, "is no address and no network"),
        (["--since", "soon"], 2, "no such time"),
        (["--sender", "x", "--limit", "0"], 2, ""),
        (["--sender", "x", "--log", "/nothing.log"], 3, "/nothing.log"),
        (["--sender", "x", "--log", "/proc"], 3, "is a directory"),
    ],
)
def test_each_end_has_its_exit_code(arguments: list[str], code: int, said: str, store: Store) -> None:
    """1 no such mail, 2 wrong usage, 3 could not be read."""
    place: list[object] = [] if "--log" in arguments else ["--store", store.path]
    done = _run(*place, *arguments)
    assert done.exit_code == code, done.output
    assert said in done.output


def test_a_client_that_was_locked_out_is_found_by_its_address(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as writer:
        writer.commit(
            [
                {
                    "time": NOON,
                    "host": "gate12",
                    "program": "gatepost-mx",
                    "kind": "lock-out",
                    "action": "started",
                    "client": "203.0.113.9",
                    "text": "lock-out: client=203.0.113.9 addresses=20",
                }
            ]
        )
    answer = find(Store(tmp_path / "store"), Wanted(client="203.0.113.0/24"), 5)
    (told,) = ["\n".join(lines(way, None)) for way in answer.ways]
    assert "lock-out" in told
    assert "started  from [203.0.113.9]" in told

"""The work for each host, and what its answers say of each probe."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatepost.inventory import Inventory
from gatepost.prove import Probe, judge, probes
from gatepost.prove.hosts import Unreached, pack, unpack
from gatepost.prove.sight import sight
from gatepost.prove.work import Plan, looking, sending
from proving import EVERYWHERE, GATE, LISTS, WORLD, made
from written import TEN_LINES, written

MODEL, PROBES = made(LISTS)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def planned(found: list[Probe] = PROBES) -> Plan:
    return Plan("0123abcd", NOW, Inventory((GATE,), EVERYWHERE), (GATE,), tuple(found))


def attempts(plan: Plan) -> list[dict[str, Any]]:
    return [a for host in sending(plan).work["send"].values() for group in host["groups"] for a in group["attempts"]]


def told(plan: Plan, code: str = "250 2.0.0 Ok") -> dict[str, Any]:
    """Vantage hosts whose every mail was taken."""
    answer = {"said": [("RCPT TO:<x>", ["250 Ok"]), (".", [code])], "error": None, "client": "203.0.113.10"}
    return {host: {"attempts": {probe.id: answer for probe in plan.sendable}} for host in ("world", "office")}


def answers(**more: Any) -> dict[Any, Any]:
    server: dict[str, Any] = {"clamd": {}, "queued": [], "queue_error": None, "quarantined": []}
    return {"send": {}, "server": {"gate": server}, "mailbox": {}} | more


def first(what: str) -> Probe:
    return next(probe for probe in PROBES if probe.what.startswith(what))


def many_domains() -> list[Probe]:
    more = "".join(
        f"  d{n}.example: {{deliver_to: 'smtp:[store.example.net]', recipients: {{list: [x@d{n}.example]}}}}\n"
        for n in range(50)
    )
    return probes(written(base=TEN_LINES.replace("networks:", f"{more}networks:")), EVERYWHERE, GATE)


def test_every_probe_that_can_be_sent_is_sent_once() -> None:
    plan = planned()
    sent = [one["id"] for attempt in attempts(plan) for one in attempt["recipients"]]
    assert sorted(sent) == sorted(probe.id for probe in plan.sendable)


def test_the_work_holds_no_password() -> None:
    plan = planned()
    work = [*sending(plan).work.values(), *looking(MODEL, plan, told(plan)).work.values()]
    assert "password" not in str(work)


def test_one_mail_shows_many_domains_and_each_mail_stays_small() -> None:
    plan = planned(many_domains())
    several = [len(attempt["recipients"]) for attempt in attempts(plan) if attempt["mail"]]
    assert max(several) == 20
    assert plan.mails < 60


def test_a_conversation_stays_short_and_has_one_client_and_one_server() -> None:
    plan = planned(many_domains())
    groups = [group for host in sending(plan).work["send"].values() for group in host["groups"]]
    assert max(len(group["attempts"]) for group in groups) <= 8
    assert {group["target"] for group in groups} == {"10.91.0.12", "fd00:db8:91::12"}


def test_what_was_refused_is_not_waited_for() -> None:
    plan = planned()
    taken = looking(MODEL, plan, told(plan)).work
    refused = looking(MODEL, plan, told(plan, "554 5.7.1 no")).work
    assert taken["server"]["gate"]["wait_for"]
    assert refused["server"]["gate"]["wait_for"] == []
    assert not any(box["wait_for"] for host in refused["mailbox"].values() for box in host["mailboxes"])


def test_each_mailbox_is_read_where_the_inventory_says() -> None:
    plan = planned()
    work = looking(MODEL, plan, told(plan)).work["mailbox"]
    read = {host: {box["user"] for box in given["mailboxes"]} for host, given in work.items()}
    assert "anna@example.org" in read["store"]
    assert "gatepost-probe@foreign.test" in read["world"]


def test_a_host_that_is_not_reached_leaves_its_probes_unknown() -> None:
    plan = planned()
    away = {"world": Unreached("no route"), "office": Unreached("no route")}
    seen = sight(plan, away, answers())
    assert {judge(MODEL, probe, seen[probe.id]).outcome for probe in plan.sendable} == {"unknown"}


def test_a_server_that_is_not_reached_leaves_what_it_keeps_unknown() -> None:
    plan = planned()
    seen = sight(plan, told(plan), answers(server={"gate": Unreached("no route")}))
    virus = first("a virus as")
    assert judge(MODEL, virus, seen[virus.id]).outcome == "unknown"


def test_a_mail_is_found_by_its_mark_in_mailbox_quarantine_and_queue() -> None:
    plan = planned()
    known, virus, spam = first("a known"), first("a virus as"), first("spam, from")
    mail = {"uid": "1", "mark": plan.mark(known), "headers": [["X-Virus-Scanned", "yes"]], "about": []}
    boxes = {"store": {"mailboxes": {"anna@example.org": {"error": None, "mails": [mail]}}}}
    waits = {"mark": plan.mark(spam), "id": "X", "instance": "/etc/postfix", "queue": "deferred", "reason": "down"}
    kept = [{"mark": plan.mark(virus), "head": ""}]
    server: dict[str, Any] = {"clamd": {}, "queued": [waits], "queue_error": None, "quarantined": kept}
    seen = sight(plan, told(plan), answers(server={"gate": server}, mailbox=boxes))
    assert judge(MODEL, known, seen[known.id]).outcome == "ok"
    assert judge(MODEL, virus, seen[virus.id]).outcome == "ok"
    assert "down" in judge(MODEL, spam, seen[spam.id]).reasons[0]


def test_a_mailbox_that_refuses_is_unknown() -> None:
    plan = planned()
    known = first("a known")
    boxes = {"store": {"mailboxes": {"anna@example.org": {"error": "wrong password", "mails": []}}}}
    result = judge(MODEL, known, sight(plan, told(plan), answers(mailbox=boxes))[known.id])
    assert (result.outcome, "wrong password" in result.reasons[0]) == ("unknown", True)


def test_the_words_of_both_sides_fit() -> None:
    theirs = runpy.run_path(str(Path(__file__).parents[3] / "plugins" / "module_utils" / "probe" / "packed.py"))
    assert theirs["unpack"](pack({"ä": [1]})) == unpack(theirs["pack"]({"ä": [1]})) == {"ä": [1]}


def test_a_password_is_sent_inside_tls_alone() -> None:
    more = "tls: {certificate: /a.pem, key: /a.key}\nsubmission: {users: {anna: [anna@example.org]}}\n"
    world = replace(WORLD, logins={"anna": "s3cret"})
    _, found = made(more, (world,))
    inventory = Inventory((GATE,), (world,))
    groups = sending(Plan("run", NOW, inventory, (GATE,), tuple(found))).work["send"]["world"]["groups"]
    logins = {(group["tls"], tuple(group["login"])) for group in groups if group["login"]}
    assert logins == {("starttls", ("anna", "s3cret")), ("", ("anna", "not-the-password"))}

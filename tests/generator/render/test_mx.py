"""What a mail server's own program gets: one file, its settings, and a gate that asks it and can do without it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from gatepost.bundle import ConfigFile
from gatepost.policy.replies import locked_out_text
from gatepost.render import mx, render
from gatepost_mx import config
from gatepost_mx.archive import archive
from hypothesis import given, settings
from hypothesis import strategies as st
from postfixes import GATE12, GATE13, TEN_LINES, main_cf, model_of, part_of, result_read, rules, text_of

OFF = "unknown_recipients: {lock_out: {enabled: false}}\n"
PARTNERS = TEN_LINES.replace("networks: {", 'networks: {partners: [198.51.100.0/28, "2001:db8:77::/48"], ')


def files_of(more: str = "", base: str = TEN_LINES) -> dict[str, ConfigFile]:
    return {file.path: file for file in mx.render(model_of(more, base), GATE12).files}


def settings_of(more: str = "", base: str = TEN_LINES) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(files_of(more, base)[mx.CONFIG].content)
    return told


def test_the_program_is_one_file_that_says_nothing_of_where_or_when_it_was_made() -> None:
    program = files_of()[mx.PROGRAM]
    assert program.content == archive()
    assert program.mode == "0755"
    assert program.content.startswith(b"#!/usr/bin/python3 ")
    entries = zipfile.ZipFile(io.BytesIO(program.content)).infolist()
    names = [entry.filename for entry in entries]
    assert names == ["__main__.py", *sorted(names[1:])]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}


def test_a_new_program_restarts_the_milter_and_new_settings_only_reload_it() -> None:
    told = {path: (file.service, file.change) for path, file in files_of().items()}
    assert told == {
        mx.PROGRAM: ("gatepost-mx", "restart"),
        mx.CONFIG: ("gatepost-mx", "reload"),
        "/etc/systemd/system/gatepost-mx.service": ("gatepost-mx", "restart"),
        "/etc/systemd/system/gatepost-mx-firewall.service": ("gatepost-mx", "restart"),
    }


def test_the_helper_goes_with_the_milter_and_its_absence_fails_no_release() -> None:
    files = files_of()
    milter = files["/etc/systemd/system/gatepost-mx.service"].content.decode()
    helper = files["/etc/systemd/system/gatepost-mx-firewall.service"].content.decode()
    assert "\nWants=gatepost-mx-firewall.service\n" in milter
    assert "\nPartOf=gatepost-mx.service\n" in helper
    assert "\nConditionCapability=CAP_NET_ADMIN\n" in helper
    assert [s.unit for s in mx.render(model_of(), GATE12).services] == ["gatepost-mx.service"]


def test_the_milter_starts_before_the_gate_that_asks_it() -> None:
    units = [service["unit"] for service in render(model_of(), GATE13).manifest["services"]]
    assert units.index("gatepost-mx.service") < units.index("postfix.service")


def test_internal_networks_and_partners_are_never_locked_out() -> None:
    assert settings_of(base=PARTNERS)["never"] == [
        "192.0.2.0/24",
        "2001:db8:1::/48",
        "198.51.100.0/28",
        "2001:db8:77::/48",
    ]


def test_a_gate_asks_the_milter_and_goes_on_without_it() -> None:
    told = main_cf(text_of(part_of(), "postfix/main.cf"))
    assert told["smtpd_milters"] == mx.SOCKET
    assert told["milter_default_action"] == "accept"
    assert told["milter_connect_timeout"] == told["milter_command_timeout"] == "5s"
    assert told["non_smtpd_milters"] == ""
    assert "smtpd_milters" not in main_cf(text_of(part_of(), "postfix-normal/main.cf"))


def test_where_nobody_is_locked_out_the_gate_asks_nobody() -> None:
    assert settings_of(OFF)["lock_out"] is None
    part = part_of(OFF)
    assert main_cf(text_of(part, "postfix/main.cf"))["smtpd_milters"] == ""
    assert all("421" not in pattern for pattern, _ in rules(text_of(part, "postfix/maps/footers.pcre")))


ascii_line = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30)
spans = st.integers(1, 366 * 24 * 60)  # minutes
addresses = st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None)
networks = addresses.map(lambda address: f"{address}/{address.max_prefixlen}")


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 1000), spans, spans, ascii_line, st.lists(networks, max_size=4))
def test_whatever_a_policy_says_the_program_reads_back_just_that(
    after: int, one: int, other: int, words: str, partners: list[str]
) -> None:
    within, lasts = sorted((one, other))
    quoted = '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
    base = TEN_LINES.replace("postmaster: anna@example.org", f"postmaster: {json.dumps(quoted + '@example.net')}")
    base = base.replace("networks: {", f"networks: {{partners: {json.dumps(partners)}, ")
    more = f"unknown_recipients: {{lock_out: {{after: {after}, within: {within}m, for: {lasts}m}}}}\n"
    model = model_of(more, base)
    told = config.parse(settings_text := json.dumps(settings_of(more, base)))
    rule = model.policy.unknown_recipients.lock_out
    assert told.lock_out is not None, settings_text
    limits = told.lock_out.limits
    assert (limits.after, limits.within, limits.first, limits.longest) == (after, rule.within, rule.lasts, rule.at_most)
    assert told.lock_out.text == locked_out_text(model)
    assert told.never == (*model.policy.networks.internal, *model.policy.networks.partners)
    footers = rules(text_of(part_of(more, base=base), "postfix/maps/footers.pcre"))
    ((_, said),) = [(pattern, result) for pattern, result in footers if "421" in pattern]
    assert result_read(said).startswith("You are locked out: too many unknown addresses; ")

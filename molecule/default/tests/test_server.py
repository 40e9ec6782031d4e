"""The released servers, looked at from inside: what runs, what listens, what a second look says."""

from __future__ import annotations

import re

from conftest import playbook
from testinfra.host import Host

SERVICES = ("rsyslog", "clamav-daemon", "amavis", "dovecot", "gatepost-forward", "gatepost-mx")


def changed(stdout: str) -> list[int]:
    """How many changes the recap of a play tells, a number for each host."""
    return [int(number) for number in re.findall(r"changed=(\d+)", stdout)]


def test_the_daemons_run_and_start_at_boot(server: Host, name: str) -> None:
    lanes = ("postfix@-", "postfix@postfix-normal") if name == "gate12" else ("postfix", "postfix@normal")
    for service in (*SERVICES, *lanes):
        assert server.service(service).is_running, service
    for service in (*SERVICES, "postfix"):
        assert server.service(service).is_enabled, service
    # It starts with the milter, which wants it.
    assert server.service("gatepost-mx-firewall").is_running


def test_the_world_reaches_the_ports_for_mail_alone(server: Host) -> None:
    open_ports = server.check_output("ss -Hltn | awk '{print $4}'").split()
    outside = {address.rpartition(":")[2] for address in open_ports if not address.startswith(("127.", "[::1]"))}
    assert outside == {"22", "25", "465", "587"}


def test_postfix_has_no_complaint_about_its_own_configuration(server: Host) -> None:
    for folder in ("/etc/postfix", "/etc/postfix-normal"):
        assert server.run(f"postconf -c {folder} -n").stderr == ""
        assert server.run(f"postconf -c {folder} -M").stderr == ""


def test_a_check_of_a_converged_server_shows_nothing_to_do() -> None:
    done = playbook("--check", "--diff")
    assert changed(done.stdout) == [0, 0, 0]
    assert "+++" not in done.stdout


def test_a_second_run_changes_nothing() -> None:
    assert changed(playbook().stdout) == [0, 0, 0]


def test_a_file_changed_by_hand_is_found_by_the_next_check(changed_by_hand: str, name: str) -> None:
    done = playbook("--check", "--diff", "--limit", name, check=False)
    assert changed_by_hand in done.stdout
    assert "# only for a moment" in done.stdout


def test_a_file_changed_by_hand_is_overwritten_only_when_told_to(changed_by_hand: str, server: Host, name: str) -> None:
    refused = playbook("--limit", name, check=False)
    assert refused.returncode != 0
    assert changed_by_hand in refused.stdout + refused.stderr
    assert "only for a moment" in server.file(changed_by_hand).content_string
    playbook("--limit", name, "-e", "gatepost_overwrite_drift=true")
    assert "only for a moment" not in server.file(changed_by_hand).content_string


def test_no_table_is_older_than_its_source(server: Host) -> None:
    older = 'for map in /etc/postfix*/maps/*.lmdb; do [ "${map%.lmdb}" -nt "$map" ] && echo "$map"; done; true'
    assert server.check_output(older) == ""

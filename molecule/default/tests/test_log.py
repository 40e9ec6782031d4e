"""No line of the log is lost on its way: to the file, to the journal, to the log host, into the store."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra
from conftest import ROOT, SERVERS, playbook, run, stored, wait_for
from testinfra.host import Host

SAY = Path(__file__).with_name("say.py")
LINES = 200_000
PODMAN = ROOT / "lab" / "podman"
# The lines with a mark in these files: how many, and how many different ones.
COUNT = """
import glob, gzip, sys
found = []
for path in glob.glob(sys.argv[2]):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        found += [line for line in file if sys.argv[1].encode() in line]
print(len(found), len(set(found)))
"""
# The events of refusals to recipients with a mark: how many, and to how many recipients.
EVENTS = """
import sys, duckdb
from gatepost_observer.store import Store
files = Store("/var/lib/gatepost/store").files()
rows = duckdb.execute(
    "select count(*), count(distinct recipient) from read_parquet(?) where kind = 'refused' and recipient like ?",
    [files, "%@" + sys.argv[1] + ".example"],
).fetchone() if files else (0, 0)
print(*rows)
"""


@pytest.fixture
def loghost() -> Host:
    """The log host."""
    return testinfra.get_host("podman://loghost")


@pytest.fixture
def without_log_host(loghost: Host) -> Iterator[Host]:
    """The log host while nothing there takes lines; it takes them again whatever happens."""
    loghost.check_output("systemctl stop rsyslog.service syslog.socket")
    yield loghost
    loghost.check_output("systemctl start syslog.socket rsyslog.service")


def on(machine: str) -> Host:
    """A machine of the lab."""
    return testinfra.get_host(f"podman://{machine}")


def lines(host: Host, mark: str, files: str) -> tuple[int, int]:
    """How many lines with this mark lie in the files, and how many different ones."""
    every, different = host.check_output("python3 -c %s %s %s", COUNT, mark, files).split()
    return int(every), int(different)


def gathered(name: str) -> str:
    """Where the log host keeps what a server sent."""
    return f"/var/log/gatepost/{name}.lab.test/mail.log*"


def events(loghost: Host, mark: str) -> tuple[int, int]:
    """How many refusals the store holds, and to how many recipients."""
    python = "/opt/gatepost/current/venv/bin/python -c %s %s"
    every, different = loghost.check_output(python, EVENTS, mark).split()
    return int(every), int(different)


def burst(name: str, mark: str) -> subprocess.Popen[bytes]:
    """The daemons of a server begin to talk."""
    command = [str(PODMAN), "exec", "-i", name, "python3", "-", mark, str(LINES)]
    with SAY.open("rb") as program:
        return subprocess.Popen(command, stdin=program)


def test_a_burst_loses_and_doubles_nothing_whatever_happens_meanwhile(without_log_host: Host, mark: str) -> None:
    """The log host is down, rsyslog is restarted, the files are rotated, what sends them is killed."""
    loghost, marks = without_log_host, {name: f"{name}-{mark}" for name in SERVERS}
    talking = [burst(name, marks[name]) for name in SERVERS]
    for name in SERVERS:
        wait_for("the burst", lambda name=name: lines(on(name), marks[name], "/var/log/mail.log")[0])  # type: ignore[misc]
        on(name).check_output("systemctl restart rsyslog")
        on(name).check_output("logrotate --force /etc/logrotate.d/rsyslog")
        on(name).check_output("systemctl kill --signal KILL gatepost-forward")
        on(name).check_output("systemctl restart rsyslog")
    assert [process.wait(120) for process in talking] == [0, 0]
    for name in SERVERS:
        wait_for(
            "every line in the server's own files, once",
            lambda name=name: lines(on(name), marks[name], "/var/log/mail.log*") == (LINES, LINES),  # type: ignore[misc]
        )
    loghost.check_output("systemctl start syslog.socket rsyslog.service")
    for name in SERVERS:
        wait_for(
            "every line at the log host",
            lambda name=name: lines(loghost, marks[name], gathered(name))[1] == LINES,  # type: ignore[misc]
            120,
        )
    for name in SERVERS:
        wait_for("every event", lambda name=name: events(loghost, marks[name])[1] == LINES, 120)  # type: ignore[misc]
        assert events(loghost, marks[name]) == (LINES, LINES)


def test_mail_flows_while_the_log_host_is_down_and_the_lines_arrive_later(
    without_log_host: Host, server: Host, name: str, send: Callable[..., str], mark: str
) -> None:
    assert " 250 2.0.0 Ok: queued" in send(f"{mark}@b.example", "anna@example.org", "--body", mark)
    wait_for("the mail to arrive", lambda: stored("anna@example.org", mark))
    here = lines(server, mark, "/var/log/mail.log*")[1]
    # From Postfix at the gate and behind it, and from amavis.
    assert here >= 5
    assert lines(without_log_host, mark, gathered(name)) == (0, 0)
    without_log_host.check_output("systemctl start syslog.socket rsyslog.service")
    wait_for("the lines at the log host", lambda: lines(without_log_host, mark, gathered(name))[1] >= here)


def test_the_journal_shows_what_postfix_says_under_its_unit(
    server: Host, name: str, send: Callable[..., str], mark: str
) -> None:
    assert " 250 2.0.0 Ok: queued" in send(f"{mark}@b.example", "anna@example.org", "--body", mark)
    gate = "postfix@-" if name == "gate12" else "postfix"
    for choice in (f"--unit {gate}.service", "--identifier postfix/qmgr"):
        asked = f"journalctl --no-pager {choice} --grep {mark}"
        wait_for(asked, lambda asked=asked: mark in server.run(asked).stdout)  # type: ignore[misc]


def test_no_mail_daemon_speaks_to_the_journal_itself(server: Host, send: Callable[..., str], mark: str) -> None:
    """journald drops lines when many come at once; a unit's sandbox can lead /dev/log there unseen."""
    assert " 250 2.0.0 Ok: queued" in send(f"{mark}@b.example", "anna@example.org", "--body", mark)
    wait_for("the mail to arrive", lambda: stored("anna@example.org", mark))
    server.check_output("systemctl reload clamav-daemon")
    said = server.check_output(
        "journalctl --no-pager --boot --since -10s --facility mail --output short _TRANSPORT=syslog"
    )
    assert not re.search(r"postfix|amavis|clamd", said)


def test_a_line_that_was_said_to_the_journal_is_in_the_file_all_the_same(server: Host, mark: str) -> None:
    server.check_output(f"logger --socket /run/systemd/journal/dev-log --priority mail.info --tag postfix/test {mark}")
    wait_for("the line", lambda: lines(server, mark, "/var/log/mail.log") == (1, 1))


def test_what_the_journal_hands_back_is_not_written_again(server: Host, mark: str) -> None:
    server.check_output(f"logger --priority mail.info --tag postfix/test {mark}")
    server.check_output(f"logger --tag test {mark}.other")
    wait_for("the copy", lambda: f"{mark}.other" in server.run(f"journalctl --no-pager --grep {mark}").stdout)
    wait_for("the lines", lambda: lines(server, mark, "/var/log/syslog") == (1, 1))
    assert lines(server, mark, "/var/log/mail.log") == (1, 1)


def test_without_its_socket_the_log_goes_to_the_journal_and_comes_back_with_rsyslog(server: Host) -> None:
    server.check_output("systemctl stop gatepost-log.socket")
    assert server.file("/dev/log").linked_to == "/run/systemd/journal/dev-log"
    server.check_output("systemctl restart rsyslog")
    assert server.file("/dev/log").linked_to == "/run/gatepost/log"


def test_a_log_host_that_is_down_holds_up_no_release(tmp_path: Path) -> None:
    elsewhere = tmp_path / "hosts.yml"
    elsewhere.write_text("loghosts: {hosts: {loghost: {ansible_host: 10.91.0.99}}}\n", encoding="utf-8")
    done = playbook("-i", str(elsewhere), check=False)
    recap = dict(re.findall(r"^(\w+) +: (.*)$", done.stdout, re.MULTILINE))
    assert all("unreachable=0    failed=0" in recap[name] for name in SERVERS), done.stdout
    assert "unreachable=1" in recap["loghost"]


STRANGER = """
import socket, ssl
tls = ssl._create_unverified_context()
link = tls.wrap_socket(socket.create_connection(("10.91.0.50", 2514), timeout=10))
link.sendall(b"1 open 32 relp_version=0\\ncommands=syslog\\n\\n")
print(link.recv(1000))
"""


def test_the_log_host_takes_nothing_from_a_stranger(loghost: Host) -> None:
    asked = run(PODMAN, "exec", "office", "python3", "-c", STRANGER, check=False)
    assert "200 OK" not in asked.stdout


def test_after_a_reboot_the_log_is_whole_again(mark: str) -> None:
    run("lab/lab", "reboot", *SERVERS)
    for name in SERVERS:
        server = on(name)
        assert server.file("/dev/log").linked_to == "/run/gatepost/log"
        server.check_output(f"logger --priority mail.info --tag postfix/test {mark}")
        wait_for("the line here", lambda server=server: lines(server, mark, "/var/log/mail.log") == (1, 1))  # type: ignore[misc]
        wait_for("the line at the log host", lambda name=name: lines(on("loghost"), mark, gathered(name))[1] == 1)  # type: ignore[misc]


def test_the_log_host_runs_what_it_is_there_for(loghost: Host) -> None:
    for service in ("rsyslog", "gatepost-collect"):
        assert loghost.service(service).is_running, service
    for unit in ("gatepost-collect.service", "gatepost-compact.timer", "gatepost-report-daily.timer"):
        assert loghost.run(f"systemctl is-enabled {unit}").stdout == "enabled\n", unit
    open_ports = loghost.check_output("ss -Hltn | awk '{print $4}'").split()
    assert {address.rpartition(":")[2] for address in open_ports} == {"22", "2514"}

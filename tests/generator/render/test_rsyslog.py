"""The mail log is whole, exact, and kept as long as the policy says."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatepost.inventory import Host
from gatepost.load import load_source
from gatepost.render import rsyslog
from gatepost.source import parse_yaml
from scanners import ALONE, GATE12, TEN_LINES, model_of, text_of

UNITS = "/etc/systemd/system"


def test_mail_has_a_log_of_its_own_without_a_limit_before_it() -> None:
    text = text_of(rsyslog.render(model_of(), GATE12), rsyslog.CONFIG)
    assert 'file="/var/log/mail.log"' in text
    assert 'sysSock.rateLimit.interval="0"' in text


def test_systemd_holds_the_socket_that_rsyslog_reads_and_dev_log_leads_to_it() -> None:
    part = rsyslog.render(model_of(), GATE12)
    assert f"ListenDatagram={rsyslog.SOCKET}\n" in text_of(part, f"{UNITS}/gatepost-log.socket")
    assert f"ln -sfn {rsyslog.SOCKET} /dev/log\n" in text_of(part, f"{UNITS}/gatepost-log.socket")
    assert "Sockets=gatepost-log.socket\n" in text_of(part, f"{UNITS}/rsyslog.service.d/gatepost.conf")
    [line] = [line for line in text_of(part, rsyslog.CONFIG).splitlines() if f'socket="{rsyslog.SOCKET}"' in line]
    assert 'unlink="off"' in line
    assert 'rateLimit.interval="0"' in line


def test_the_socket_is_opened_before_rsyslog_starts() -> None:
    names = [service.name for service in rsyslog.render(model_of(), GATE12).services]
    assert names.index("log-socket") < names.index("rsyslog")


@pytest.mark.parametrize(("host", "gate"), [(GATE12, "postfix@-.service"), (ALONE, "postfix.service")])
def test_the_journals_copy_of_a_line_stands_under_the_unit_that_said_it(host: Host, gate: str) -> None:
    text = text_of(rsyslog.render(model_of(), host), rsyslog.CONFIG)
    assert f'startswith "postfix/" then set $!OBJECT_SYSTEMD_UNIT = "{gate}";' in text
    assert '== "amavis" then set $!OBJECT_SYSTEMD_UNIT = "amavis.service";' in text


def test_rsyslog_never_speaks_into_its_own_socket() -> None:
    assert 'processInternalMessages="on"' in text_of(rsyslog.render(model_of(), GATE12), rsyslog.CONFIG)


@pytest.mark.parametrize(("keep", "files"), [("90d", 90), ("36h", 2), ("1s", 1), ("4w", 28)])
def test_logs_are_kept_for_whole_days_and_never_shorter(keep: str, files: int) -> None:
    text = text_of(rsyslog.render(model_of(f"logs: {{keep: {keep}}}\n"), GATE12), rsyslog.LOGROTATE)
    assert f"\trotate {files}\n\tmaxage {files + 1}\n" in text


def test_a_file_name_with_a_line_end_stays_in_its_comment() -> None:
    model = load_source(parse_yaml(TEN_LINES, "a\nmail.* action(type=x)\n.yml"), Path("/nowhere")).model
    assert model is not None
    for file in rsyslog.render(model, GATE12).files:
        assert "\nmail.* action(type=x)" not in file.content.decode()

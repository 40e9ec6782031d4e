"""The mail log is whole, exact, and kept as long as the policy says."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatepost.load import load_source
from gatepost.render import rsyslog
from gatepost.source import parse_yaml
from scanners import GATE12, TEN_LINES, model_of, text_of


def test_mail_has_a_log_of_its_own_without_a_limit_before_it() -> None:
    text = text_of(rsyslog.render(model_of(), GATE12), rsyslog.CONFIG)
    assert 'file="/var/log/mail.log"' in text
    assert 'sysSock.rateLimit.interval="0"' in text


@pytest.mark.parametrize(("keep", "files"), [("90d", 90), ("36h", 2), ("1s", 1), ("4w", 28)])
def test_logs_are_kept_for_whole_days_and_never_shorter(keep: str, files: int) -> None:
    text = text_of(rsyslog.render(model_of(f"logs: {{keep: {keep}}}\n"), GATE12), rsyslog.LOGROTATE)
    assert f"\trotate {files}\n\tmaxage {files + 1}\n" in text


def test_a_file_name_with_a_line_end_stays_in_its_comment() -> None:
    model = load_source(parse_yaml(TEN_LINES, "a\nmail.* action(type=x)\n.yml"), Path("/nowhere")).model
    assert model is not None
    for file in rsyslog.render(model, GATE12).files:
        assert "\nmail.* action(type=x)" not in file.content.decode()

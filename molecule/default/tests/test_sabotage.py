"""A value that our own checks pass and a daemon's own checker refuses never reaches that daemon."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import LAB, run
from testinfra.host import Host

LINES = {
    "/etc/postfix/main.cf": "smtpd_forbid_bare_newlines = yes",
    "/etc/postfix/master.cf": "smtp inet n - n",
    "/etc/postfix-normal/main.cf": "relayhost_typo = example.org",
    "/etc/postfix/maps/terms.pcre": "/((/ REJECT",
    "/etc/amavis/gatepost.conf": "$max_serverz = 2;",
    "/etc/clamav/clamd.conf": "NoSuchOption yes",
    "/etc/spamassassin/local.cf": "scoore GTUBE 1",
    "/etc/rsyslog.conf": "module(load=",
    "/etc/logrotate.d/rsyslog": "rotated 3 {",
    "/etc/gatepost/mx.json": "}",
}

STARTED = (
    "systemctl show rsyslog clamav-daemon amavis gatepost-mx postfix 'postfix@*'"
    " --property=Id,ActiveEnterTimestamp,MainPID"
)
FOLDERS = ("postfix", "postfix/maps", "postfix-normal", "amavis", "clamav", "spamassassin", "logrotate.d", "gatepost")
CONFIGURED = (
    f"sha256sum /etc/rsyslog.conf {' '.join(f'/etc/{folder}/*' for folder in FOLDERS)} 2>/dev/null;"
    " readlink /var/lib/gatepost/current"
)


@pytest.mark.parametrize("path", LINES)
def test_a_line_that_a_daemon_refuses_is_stopped_before_activation(
    path: str, server: Host, name: str, sabotaged: Callable[[str, str], Path]
) -> None:
    before = server.run(STARTED).stdout, server.run(CONFIGURED).stdout
    bundle = sabotaged(path, LINES[path])
    ansible: list[str | Path] = [sys.executable, "-m", "ansible", "adhoc", "-i", LAB, name]
    done = run(*ansible, "-m", "gatepost_release", "-a", f"bundle={bundle}", check=False)
    assert done.returncode != 0, done.stdout
    assert "a daemon refuses the new configuration; the server is untouched" in done.stdout
    assert (server.run(STARTED).stdout, server.run(CONFIGURED).stdout) == before

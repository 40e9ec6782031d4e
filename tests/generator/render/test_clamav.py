"""clamd's limits follow the policy's, it has no TCP socket, and freshclam runs by our timer or not at all."""

from __future__ import annotations

import pytest
from gatepost.render import clamav
from scanners import ALONE, GATE12, directives, model_of, paths_of, text_of


def clamd_of(more: str = "") -> dict[str, str]:
    return directives(text_of(clamav.render(model_of(more), GATE12), clamav.CLAMD))


def test_clamd_listens_at_the_socket_that_amavis_asks_and_nowhere_else() -> None:
    known = clamd_of()
    assert known["LocalSocket"] == "/run/clamav/clamd.ctl"
    assert not {"TCPSocket", "TCPAddr"} & set(known)


def test_what_is_too_large_is_a_finding_and_not_clean() -> None:
    assert clamd_of()["AlertExceedsMax"] == "yes"


@pytest.mark.parametrize("size", ["64k", "50M", "400M", "2047M"])
def test_a_whole_mail_fits_into_clamd_s_limits_and_clamd_takes_them(size: str) -> None:
    known = clamd_of(f"limits: {{message_size: {size}}}\n")
    smallest = min(int(known[name]) for name in ("MaxFileSize", "MaxScanSize", "StreamMaxLength"))
    assert int(known["MaxScanSize"]) >= int(known["MaxFileSize"])
    assert smallest >= min(model_of(f"limits: {{message_size: {size}}}\n").policy.limits.message_size, 2**31 - 1)
    assert int(known["MaxScanSize"]) < 2**31


def test_with_a_mirror_freshclam_runs_by_our_timer() -> None:
    part = clamav.render(model_of(), GATE12)
    assert "gatepost-freshclam.timer" in [service.unit for service in part.services]
    assert "/etc/systemd/system/gatepost-freshclam.service" in paths_of(part)


def test_without_a_mirror_no_freshclam_runs_at_all() -> None:
    part = clamav.render(model_of(), ALONE)
    assert [service.unit for service in part.services] == ["clamav-daemon.socket", "clamav-daemon.service"]
    assert not any("gatepost-freshclam" in path for path in paths_of(part))


@pytest.mark.parametrize("unit", ["clamav-freshclam.service", "clamav-freshclam-once.service"])
def test_debians_own_freshclam_never_starts(unit: str) -> None:
    for host in (GATE12, ALONE):
        text = text_of(clamav.render(model_of(), host), f"/etc/systemd/system/{unit}.d/gatepost.conf")
        assert f"ConditionPathExists=!{clamav.CLAMD}\n" in text

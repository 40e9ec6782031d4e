"""Where the policy names a log host, each mail server sends its log there."""

from __future__ import annotations

import json

import pytest
from gatepost.bundle import Part
from gatepost.render import forward
from scanners import GATE12, model_of, text_of

CENTRAL = "logs: {central: loghost.example.org}\n"
OWN = "logs: {central: loghost.example.org, tls: {ca: /srv/ca.pem, certificate: /srv/mx.pem, key: /srv/mx.key}}\n"


def test_without_a_log_host_nothing_is_sent() -> None:
    assert forward.render(model_of(), GATE12) == Part()


def test_the_log_goes_to_the_log_host_under_the_certificate_that_the_playbook_brings() -> None:
    part = forward.render(model_of(CENTRAL), GATE12)
    assert json.loads(text_of(part, forward.CONFIG)) == {
        "log": "/var/log/mail.log",
        "host": "loghost.example.org",
        "port": 2514,
        "ca": "/etc/gatepost/tls/ca.pem",
        "certificate": "/etc/gatepost/tls/certificate.pem",
        "key": "/etc/gatepost/tls/key.pem",
    }
    assert part.needs == ("certificate",)


def test_certificates_of_yours_are_used_where_they_lie_and_none_is_brought() -> None:
    part = forward.render(model_of(OWN), GATE12)
    settings = json.loads(text_of(part, forward.CONFIG))
    assert (settings["ca"], settings["certificate"], settings["key"]) == ("/srv/ca.pem", "/srv/mx.pem", "/srv/mx.key")
    assert part.needs == ()


@pytest.mark.parametrize("policy", [CENTRAL, OWN])
def test_a_certificate_that_ends_within_a_day_stops_a_release(policy: str) -> None:
    checks = {check.argv[:2]: check.argv for check in forward.render(model_of(policy), GATE12).checks}
    assert {"-checkend", "86400"} <= set(checks["openssl", "x509"])
    assert "-CAfile" in checks["openssl", "verify"]


def test_no_key_stands_in_a_bundle() -> None:
    part = forward.render(model_of(CENTRAL), GATE12)
    assert not any(b"PRIVATE KEY" in file.content for file in part.files)

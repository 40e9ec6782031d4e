"""Certificates for the log host: made once, renewed in time, known to nobody else."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from pathlib import Path

import certificates
import pytest
from certificates import CertificateError, certificates_keep, certificates_look

NAMES = ("mx1.example.org", "loghost.example.org")


def verified(folder: Path, name: str) -> str:
    """What openssl says of a certificate, as the name that is asked for."""
    command = ["openssl", "verify", "-CAfile", "ca.pem", "-verify_hostname", name, f"{name}.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def age(folder: Path, file: str, days: int) -> None:
    """Let a certificate have so many days left."""
    issued = json.loads((folder / "issued.json").read_text())
    issued[file][1] = int(time.time()) + days * 86400
    (folder / "issued.json").write_text(json.dumps(issued))


def test_each_host_gets_a_certificate_for_its_own_name_from_one_authority(tmp_path: Path) -> None:
    certificates_keep(tmp_path, NAMES)
    assert [verified(tmp_path, name) for name in NAMES] == [f"{name}.pem: OK\n" for name in NAMES]
    (tmp_path / "mx1.example.org.pem").write_bytes((tmp_path / "loghost.example.org.pem").read_bytes())
    assert verified(tmp_path, "mx1.example.org") == ""


def test_a_second_run_makes_nothing_and_asks_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = certificates_keep(tmp_path, NAMES)
    monkeypatch.setenv("PATH", "/nowhere")
    assert certificates_keep(tmp_path, NAMES) == first


def test_a_certificate_with_less_than_thirty_days_left_is_renewed_and_no_other(tmp_path: Path) -> None:
    first = certificates_keep(tmp_path, NAMES)
    age(tmp_path, "mx1.example.org.pem", 29)
    second = certificates_keep(tmp_path, NAMES)
    assert {name for name in first if first[name] != second[name]} == {"mx1.example.org"}


def test_with_the_authority_all_certificates_are_renewed(tmp_path: Path) -> None:
    first = certificates_keep(tmp_path, NAMES)
    age(tmp_path, "ca.pem", 29)
    second = certificates_keep(tmp_path, NAMES)
    assert all(first[name] != second[name] for name in first)
    assert verified(tmp_path, NAMES[0]) == f"{NAMES[0]}.pem: OK\n"


@pytest.mark.parametrize("file", ["mx1.example.org.pem", "mx1.example.org.key"])
def test_what_was_taken_away_is_made_again(file: str, tmp_path: Path) -> None:
    certificates_keep(tmp_path, NAMES)
    (tmp_path / file).unlink()
    certificates_keep(tmp_path, NAMES)
    assert verified(tmp_path, NAMES[0]) == f"{NAMES[0]}.pem: OK\n"


def test_keys_are_readable_by_their_owner_alone_and_git_passes_over_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    certificates_keep(folder, NAMES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in folder.glob("*.key")} == {0o600}
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_look_makes_nothing_and_tells_what_would_be_made(tmp_path: Path) -> None:
    assert certificates_look(tmp_path, NAMES) == {**dict.fromkeys(NAMES, ""), "ca": ""}
    assert list(tmp_path.iterdir()) == []
    kept = certificates_keep(tmp_path, NAMES)
    assert certificates_look(tmp_path, NAMES) == kept


def test_a_control_node_without_openssl_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CertificateError, match="not installed"):
        certificates_keep(tmp_path, NAMES)


def test_openssl_is_quoted_where_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_NEW_KEY", ("-newkey", "no-such-kind"))
    with pytest.raises(CertificateError, match="openssl req: "):
        certificates_keep(tmp_path, NAMES)

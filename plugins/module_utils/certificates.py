"""Certificates for the way from the mail servers to the log host, made on the control node by an authority of its own.

For    the action plugin gatepost_render, which runs once for all hosts.
In     a private folder, and the full names of the hosts.
Out    in that folder ca.pem and ca.key, and for each host NAME.pem and NAME.key; the hash of each host's certificate.
Fails  with CertificateError, in the words of openssl.

A host's certificate is good for a year and renewed when fewer than thirty days are left, the authority's for ten years;
when the authority is renewed, so are all. Keys never leave the folder but to their own host, and git never sees them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DAY = 86400
RENEW = 30 * DAY
HOST_DAYS, AUTHORITY_DAYS = 365, 3650
AUTHORITY = "Gatepost authority for the way to the log host"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class CertificateError(Exception):
    """A certificate cannot be made or read; the text stands by itself."""


def certificates_keep(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Make and renew what is needed; the SHA-256 of each certificate file, by the host's name, and of the authority's
    as "ca"."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
        issued = _Issued(folder / "issued.json")
        fresh = _authority(folder, issued)
        made = {name: _host(folder, name, issued, anew=fresh) for name in sorted(set(names))}
    return {**made, "ca": _sha256(folder / "ca.pem")}


def certificates_look(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The same without making anything: an empty hash stands for what would be made."""
    issued = _Issued(folder / "issued.json")

    def known(name: str) -> str:
        certificate = folder / f"{name}.pem"
        return _sha256(certificate) if issued.lasts(certificate, folder / f"{name}.key") else ""

    return {name: known(name) for name in (*names, "ca")}


class _Issued:
    """What was issued, and until when it is good: so that a run that renews nothing asks no other program."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, list[Any]] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            self._known = {}

    def lasts(self, certificate: Path, key: Path) -> bool:
        """Whether both files are there, as they were made, and good for more than thirty days."""
        sha256, until = self._known.get(certificate.name, ("", 0))
        made = certificate.exists() and key.exists() and _sha256(certificate) == sha256
        return made and until - time.time() > RENEW

    def note(self, certificate: Path, days: int) -> None:
        """Remember a certificate that was made just now."""
        self._known[certificate.name] = [_sha256(certificate), int(time.time()) + days * DAY]
        temporary = self._path.with_name(f".{self._path.name}.new")
        temporary.write_text(json.dumps(self._known, sort_keys=True, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self._path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two playbooks at once must not make two authorities."""
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _authority(folder: Path, issued: _Issued) -> bool:
    """Make the authority where there is none that lasts; whether it is a new one."""
    kept = folder / "ca.pem"
    if issued.lasts(kept, folder / "ca.key"):
        return False
    extensions = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")
    with _beside(kept, folder / "ca.key") as (certificate, key):
        _openssl(
            "req", "-x509", *_NEW_KEY, "-keyout", key, "-out", certificate, "-days", str(AUTHORITY_DAYS),
            "-subj", f"/CN={AUTHORITY}", *(word for one in extensions for word in ("-addext", one)),
        )  # fmt: skip
    issued.note(kept, AUTHORITY_DAYS)
    return True


def _host(folder: Path, name: str, issued: _Issued, *, anew: bool) -> str:
    """Make a host's certificate where there is none that lasts; its hash."""
    kept, kept_key = folder / f"{name}.pem", folder / f"{name}.key"
    if anew or not issued.lasts(kept, kept_key):
        with _beside(kept, kept_key) as (certificate, key):
            _sign(folder, name, certificate, key)
        issued.note(kept, HOST_DAYS)
    return _sha256(kept)


def _sign(folder: Path, name: str, certificate: str, key: str) -> None:
    request, extensions = folder / f".{name}.request", folder / f".{name}.extensions"
    extensions.write_text(
        f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n",
        encoding="ascii",
    )
    try:
        # A common name holds 64 characters; who is meant is said by the alternative name.
        _openssl("req", "-new", *_NEW_KEY, "-keyout", key, "-out", str(request), "-subj", f"/CN={name[:64]}")
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"),
            "-set_serial", str(secrets.randbits(120)), "-days", str(HOST_DAYS),
            "-extfile", str(extensions), "-out", certificate,
        )  # fmt: skip
    finally:
        request.unlink(missing_ok=True)
        extensions.unlink(missing_ok=True)


@contextmanager
def _beside(certificate: Path, key: Path) -> Iterator[tuple[str, str]]:
    """New files that take their places together with the end of their making; a half-made one is never found."""
    new = [path.with_name(f".{path.name}.new") for path in (certificate, key)]
    for path in new:
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    yield str(new[0]), str(new[1])
    # The key first: without its certificate it is made again.
    certificate.unlink(missing_ok=True)
    new[1].replace(key)
    new[0].replace(certificate)


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own vector, no shell
            ["openssl", *arguments],  # noqa: S607 - the control node's own
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise CertificateError("openssl is not installed on the control node") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise CertificateError(f"openssl {arguments[0]}: {said[-1] if said else f'exit code {done.returncode}'}")

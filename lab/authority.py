"""Certificates of the lab: an authority of its own, and one certificate for each gate.

In:   where to, the host's name, and the folder in which the authority is kept.
Out:  NAME.pem (with its chain) and NAME.key, good for a month; the authority's ca.pem beside the lab's key.
Fails with CalledProcessError after openssl said why on stderr.
"""

from __future__ import annotations

import pathlib
import subprocess

DAYS = "30"


def make(folder: pathlib.Path, name: str, state: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    signer = _authority(state)
    key, request, certificate = (folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
    _openssl("req", "-new", *_NEW_KEY, "-keyout", str(key), "-subj", f"/CN={name}", "-out", str(request))
    extension = folder / "names"
    extension.write_text(f"subjectAltName=DNS:{name}\n")
    signed = ("-CA", str(signer), "-CAkey", str(signer.with_suffix(".key")), "-CAcreateserial")
    _openssl(
        "x509",
        "-req",
        "-in",
        str(request),
        *signed,
        "-days",
        DAYS,
        "-extfile",
        str(extension),
        "-out",
        str(certificate),
    )
    certificate.write_text(certificate.read_text() + signer.read_text())
    key.chmod(0o600)
    for made in (request, extension):
        made.unlink()
    for parent in (folder, folder.parent):
        parent.chmod(0o755)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _authority(state: pathlib.Path) -> pathlib.Path:
    authority = state / "ca.pem"
    if not authority.exists():
        state.mkdir(exist_ok=True)
        key = str(authority.with_suffix(".key"))
        _openssl(
            "req",
            "-x509",
            *_NEW_KEY,
            "-keyout",
            key,
            "-subj",
            "/CN=lab authority",
            "-days",
            "3650",
            "-out",
            str(authority),
        )
    return authority


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, stderr=subprocess.PIPE)

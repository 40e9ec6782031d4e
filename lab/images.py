"""The lab's images, made from Debian's archive by mmdebstrap; no image registry.

In:   the recipes below and the machine's own apt sources.
Out:  localhost/gatepost-lab-{gate12,gate13,loghost,post,bare12,bare13}:<hash of the recipe> in podman;
      in .state/wheels what the observer needs on the log host, which reaches no index.
Fails with CalledProcessError after mmdebstrap or podman said why on stderr.

A gate has the mail stack's packages *downloaded*, not installed: the playbook
truly installs them, on a network that reaches no archive.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PODMAN = pathlib.Path(__file__).resolve().parent / "podman"
ROOT = PODMAN.parent.parent
WHEELS = PODMAN.parent / ".state" / "wheels"
# Debian 13's Python, which the image of the log host has.
WHEELS_FOR = [
    *("--python-version", "3.13", "--implementation", "cp", "--abi", "cp313", "--abi", "abi3", "--abi", "none"),
    *(w for glibc in ("2_17", "2_28", "2_34") for w in ("--platform", f"manylinux_{glibc}_{platform.machine()}")),
]
# The archive moves: an older image would prove yesterday's packages.
OLDEST = datetime.timedelta(days=7)


def _packages(*groups: str) -> tuple[str, ...]:
    return tuple(name for group in groups for name in group.split())


# One group a line; the order is part of a recipe's hash: another order is another image.
BASE = _packages(
    "systemd systemd-sysv dbus",
    "openssh-server python3 python3-apt",  # what Ansible needs of a machine
    "iproute2 procps ca-certificates",
)
MAIL_STACK = _packages(
    "postfix postfix-lmdb postfix-pcre postfix-ldap",
    "libsasl2-modules sasl2-bin",
    "amavisd-new",
    "clamav-daemon clamav clamav-freshclam",
    "spamassassin spamc",
    "rsyslog rsyslog-relp rsyslog-gnutls logrotate cron",
    "fail2ban nftables",
    "python3-milter",
    "file gzip bzip2 xz-utils unzip 7zip cpio pax arj lzop lz4 zstd cabextract",  # Amavis unpacks with them
    "openssl ssl-cert",
    "dovecot-core",
)
LOG_HOST = _packages(
    "rsyslog rsyslog-relp logrotate openssl",
    "python3-venv",
)
POST_OFFICE = _packages(
    "postfix postfix-lmdb postfix-pcre",
    "dovecot-lmtpd dovecot-imapd",
    "slapd ldap-utils",
    "knot knot-dnsutils",
    "swaks",
    "openssl ssl-cert",
    "python3-aiosmtpd python3-dnspython",
)

# Hooks run on this machine, with the root of the image as $1.
# An empty machine-id is filled at boot; "uninitialized" would make systemd
# treat the boot as a first one and reset which units are enabled.
OWN_MACHINE_ID = ': > "$1/etc/machine-id"'
DOWNLOAD_ONLY = (
    'rm -f "$1"/var/cache/apt/archives/*.deb;'
    ' APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq -y --no-install-recommends'
    " -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 install --download-only "
)


@dataclasses.dataclass(frozen=True)
class Image:
    """One image: a Debian release, what is installed and what only downloaded."""

    name: str
    release: str
    installed: tuple[str, ...]
    downloaded: tuple[str, ...] = ()

    def mmdebstrap(self) -> list[str]:
        command = ["mmdebstrap", "--quiet", "--variant=minbase"]
        if self.installed:
            command += ["--include=" + ",".join(self.installed)]
        if self.downloaded:
            command += ["--skip=cleanup/apt", "--customize-hook=" + DOWNLOAD_ONLY + " ".join(self.downloaded)]
        return [*command, "--skip=cleanup/reproducible", "--customize-hook=" + OWN_MACHINE_ID, self.release, "-"]

    def tag(self) -> str:
        recipe = json.dumps([self.mmdebstrap(), IMPORT])
        return f"localhost/gatepost-lab-{self.name}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


IMPORT = [
    str(PODMAN.name),
    "import",
    "--quiet",
    "--change",
    'CMD ["/sbin/init"]',
    "--change",
    "STOPSIGNAL=SIGRTMIN+3",
    "-",
]
IMAGES = {
    image.name: image
    for image in (
        Image("gate12", "bookworm", BASE, MAIL_STACK),
        Image("gate13", "trixie", BASE, MAIL_STACK),
        Image("loghost", "trixie", BASE, LOG_HOST),
        Image("post", "bookworm", BASE + POST_OFFICE),
    )
}
# Debian as it comes, for the tests of an installation on a fresh machine.
BARE = {image.release: image for image in (Image("bare12", "bookworm", ()), Image("bare13", "trixie", ()))}


def build(say: Callable[[str], None], wanted: Iterable[Image] = IMAGES.values()) -> None:
    """Builds whichever images are missing or too old, all at the same time."""
    due = []
    for image in wanted:
        if _is_fresh(image):
            say(f"image {image.name}: up to date")
        else:
            due.append(image)
    with ThreadPoolExecutor(max_workers=len(IMAGES)) as pool:
        for done in [pool.submit(_build_one, image, say) for image in due]:
            done.result()


def wheels(say: Callable[[str], None]) -> None:
    """Fetches what the observer needs, in the versions of the lock file, for the log host's Python."""
    text = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["observer"]
    recipe = hashlib.sha256(json.dumps([text, wanted, WHEELS_FOR]).encode()).hexdigest()
    stamp = WHEELS / "recipe"
    if stamp.exists() and stamp.read_text() == recipe:
        say("wheels: up to date")
        return
    # The folder itself stays: a running log host has it mounted.
    WHEELS.mkdir(parents=True, exist_ok=True)
    for old in WHEELS.iterdir():
        old.unlink()
    constraints = WHEELS / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"(?m)^[a-z0-9][^\n\\]*", text)) + "\n")
    pip = [str(ROOT / ".venv/bin/pip"), "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    subprocess.run([*pip, *WHEELS_FOR, "--dest", str(WHEELS), "--constraint", str(constraints), *wanted], check=True)
    stamp.write_text(recipe)
    say("wheels: fetched")


def _build_one(image: Image, say: Callable[[str], None]) -> None:
    say(f"image {image.name}: building from Debian {image.release}")
    begun = time.monotonic()
    older = _ids(image.name)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(image.mmdebstrap(), stdout=subprocess.PIPE, env=environment) as root:
        imported = subprocess.run(
            [str(PODMAN), *IMPORT[1:], image.tag()], stdin=root.stdout, stdout=subprocess.DEVNULL, check=False
        )
    # A broken archive can look like a whole, short one to podman.
    if root.returncode or imported.returncode:
        subprocess.run([str(PODMAN), "rmi", "--force", image.tag()], capture_output=True, check=False)
        raise subprocess.CalledProcessError(root.returncode or imported.returncode, image.mmdebstrap())
    for identity in older - _ids(image.name):
        subprocess.run([str(PODMAN), "rmi", "--force", identity], capture_output=True, check=False)
    say(f"image {image.name}: built in {time.monotonic() - begun:.0f} s")


def _ids(name: str) -> set[str]:
    repository = f"localhost/gatepost-lab-{name}:"
    return {
        found["Id"]
        for found in _podman_json("images", "--format", "json")
        if any(known.startswith(repository) for known in found.get("Names") or [])
    }


def _is_fresh(image: Image) -> bool:
    found = subprocess.run(
        [str(PODMAN), "image", "inspect", "--format", "{{.Created.Unix}}", image.tag()],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        return False
    return time.time() - int(found.stdout) < OLDEST.total_seconds()


def _podman_json(*arguments: str) -> list[dict[str, Any]]:
    answer = subprocess.run([str(PODMAN), *arguments], stdout=subprocess.PIPE, text=True, check=True)
    found: list[dict[str, Any]] | None = json.loads(answer.stdout or "[]")
    return found or []

"""ClamAV: clamd, which amavis asks, and the signatures, which freshclam brings where a mirror is at hand.

In: the model and a host. Out: clamd.conf and freshclam.conf as a whole, drop-ins, and a timer of our own for freshclam
(Debian's own daemon and timer for it never run beside it). It fails never.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.bundle import Check, ConfigFile, Part, Proof, Service
from gatepost.inventory import Host
from gatepost.policy import Model
from gatepost.render.entries import comment
from gatepost.render.layout import fill, head
from gatepost.render.scanning import MOST, SOCKET, unpacked

CLAMD = "/etc/clamav/clamd.conf"
FRESHCLAM = "/etc/clamav/freshclam.conf"
_UNITS = "/etc/systemd/system"


@dataclass(frozen=True)
class ScanLimits:
    """Sizes in bytes."""

    file: int
    scan: int

    @classmethod
    def of(cls, message_size: int) -> ScanLimits:
        """A file that amavis may unpack is never too large for clamd, so "limits exceeded" means a bomb."""
        return cls(unpacked(message_size), min(2 * unpacked(message_size), MOST))


def render(model: Model, host: Host) -> Part:
    """ClamAV's share of a bundle."""
    about = comment(head(model, host))
    return Part(
        files=(*_clamd(model, about), *_freshclam(about, updates=host.updates)),
        services=(
            Service("clamav-socket", "clamav-daemon.socket"),
            Service("clamav", "clamav-daemon.service"),
            *((Service("freshclam", "gatepost-freshclam.timer"),) if host.updates else ()),
        ),
        checks=(
            Check("clamd", kind="clamd", config=CLAMD),
            # It only reads its file, and says with code 0 that it is done, or names the line that is wrong.
            Check(
                "freshclam", argv=("freshclam", f"--config-file={{root}}{FRESHCLAM}", "--version"), stderr_fails=True
            ),
        ),
        proof=(Proof("clamd answers", (("PING", "PONG"),), unix=SOCKET),),
    )


def _clamd(model: Model, about: str) -> tuple[ConfigFile, ...]:
    limits = ScanLimits.of(model.policy.limits.message_size)
    line = comment(model.line("limits", "message_size"))
    return (
        ConfigFile(
            CLAMD,
            fill("clamav/clamd.conf.j2", head=about, limits=limits, line=line, socket=SOCKET),
            "clamav",
            "restart",
        ),
        ConfigFile(
            f"{_UNITS}/clamav-daemon.service.d/gatepost.conf",
            fill("clamav/daemon.conf.j2", head=about),
            "clamav",
            "restart",
        ),
        ConfigFile(
            f"{_UNITS}/clamav-daemon.socket.d/gatepost.conf",
            fill("clamav/socket.conf.j2", head=about),
            "clamav-socket",
            "restart",
        ),
    )


def _freshclam(about: str, *, updates: bool) -> tuple[ConfigFile, ...]:
    """Its configuration and units. Debian's own units are kept from starting, whether or not there is a mirror."""
    never = fill("clamav/never.conf.j2", head=about)
    debians = ("clamav-freshclam.service", "clamav-freshclam-once.service", "clamav-freshclam-once.timer")
    files = [
        ConfigFile(FRESHCLAM, fill("clamav/freshclam.conf.j2", head=about)),
        *(ConfigFile(f"{_UNITS}/{unit}.d/gatepost.conf", never) for unit in debians),
    ]
    if updates:
        files += [
            ConfigFile(f"{_UNITS}/gatepost-freshclam.service", fill("clamav/freshclam.service.j2", head=about)),
            ConfigFile(
                f"{_UNITS}/gatepost-freshclam.timer",
                fill("clamav/freshclam.timer.j2", head=about),
                "freshclam",
                "restart",
            ),
        ]
    return tuple(files)

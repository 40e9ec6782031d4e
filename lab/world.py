"""The machines of the test world, their network, and how they start and end.

In:   the images of images.py, the files below rootfs/ (laid over a machine
      before its first boot) and zones/.
Out:  running containers named as in MACHINES.
Fails with NotUpError when a machine does not answer in time, with
CalledProcessError when podman refuses.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable

import authority
import images

HERE = pathlib.Path(__file__).resolve().parent
STATE = HERE / ".state"
NAMESPACE = pathlib.Path("/run/gatepost-lab")
NETWORK = "gatepost-lab"
DEADLINE = 60.0

# What systemd and sshd need beyond podman's default; SYS_ADMIN makes the units'
# sandboxes real, without it systemd leaves them out in silence.
CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN", "NET_RAW", "AUDIT_WRITE", "SYS_PTRACE", "MKNOD")
SYSCTLS = (
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.all.accept_dad=0",
    # Any address of a whole network is bound without being added.
    "net.ipv6.ip_nonlocal_bind=1",
    "net.ipv4.ip_nonlocal_bind=1",
    "net.ipv4.ip_unprivileged_port_start=1024",
)


class NotUpError(Exception):
    """A machine does not answer; the message says which and what it last said."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """One container: its image, the last part of its addresses, what is laid over it."""

    image: str
    number: int
    layers: tuple[str, ...] = ("every",)
    units: tuple[str, ...] = ("ssh",)
    mounts: tuple[str, ...] = ()


POST = ("ssh", "postfix", "dovecot")
MACHINES = {
    # First, since the others ask it for names.
    "world": Machine("post", 30, ("every", "post", "world"), (*POST, "knot"), (f"{HERE}/zones:/etc/knot/zones:ro",)),
    "store": Machine("post", 20, ("every", "post", "directory"), (*POST, "lab-directory")),
    "office": Machine("post", 40),
    "gate12": Machine("gate12", 12),
    "gate13": Machine("gate13", 13),
    "loghost": Machine("loghost", 50, mounts=(f"{images.WHEELS}:/srv/wheels:ro",)),
}
# Daemons of the post image that a machine does not need.
UNWANTED = ("postfix", "dovecot", "knot", "slapd")


def podman(
    *arguments: str, check: bool = True, capture_output: bool = False, stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HERE / "podman"), *arguments], check=check, capture_output=capture_output, stdout=stdout, text=True
    )


def quiet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return podman(*arguments, check=False, capture_output=True)


def make_network() -> None:
    # No name server of podman's: the machines ask world.
    podman(
        "network",
        "create",
        "--internal",
        "--disable-dns",
        "--ipv6",
        "--subnet",
        "10.91.0.0/24",
        "--subnet",
        "fd00:db8:91::/64",
        NETWORK,
        stdout=subprocess.DEVNULL,
    )


def _join_network() -> None:
    """Gives this machine an address in the network: netavark leaves an internal one without.

    Otherwise ssh to a machine of the lab would go out by the default route.
    """
    bridge = podman(
        "network", "inspect", "--format", "{{.NetworkInterface}}", NETWORK, capture_output=True
    ).stdout.strip()
    for address in (["10.91.0.1/24"], ["fd00:db8:91::1/64", "nodad"]):
        subprocess.run(["ip", "address", "replace", *address, "dev", bridge], check=True)


def clear() -> None:
    """Removes machines and network, also those of a run that failed half-way."""
    _remove(list(MACHINES))
    if quiet("network", "exists", NETWORK).returncode == 0:
        podman("network", "rm", "--force", NETWORK, stdout=subprocess.DEVNULL)
    _remove_bridges()
    _forget_addresses()


def _forget_addresses() -> None:
    """Forgets who had which address: podman keeps that of a machine that was restarted, and gives it to nobody else.

    Only while no container runs: the book is one for all networks.
    """
    if not podman("ps", "--quiet", capture_output=True).stdout.strip():
        pathlib.Path("/run/containers/networks/ipam.db").unlink(missing_ok=True)


def _remove_bridges() -> None:
    """Takes away a bridge that outlived its network: podman leaves one behind when machines were restarted."""
    shown = subprocess.run(["ip", "-o", "-4", "address", "show"], check=True, capture_output=True, text=True).stdout
    for line in shown.splitlines():
        _, device, _, address, *_ = line.split()
        if address == "10.91.0.1/24":
            for port in pathlib.Path("/sys/class/net", device, "brif").iterdir():
                subprocess.run(["ip", "link", "delete", port.name], check=False, capture_output=True)
            subprocess.run(["ip", "link", "delete", device], check=True)


def _remove(names: list[str]) -> None:
    quiet("rm", "--force", "--time", "0", *names)
    for name in names:
        _forget_ssh(name)


def _forget_ssh(name: str) -> None:
    """A new ssh must not speak through the lasting connection to the old machine."""
    (STATE / f"ssh-10.91.0.{MACHINES[name].number}").unlink(missing_ok=True)


def leave_namespace() -> None:
    """Gives back the mount namespace of lab/podman, where it made one.

    Kept while anybody else's containers live in it: their networks are mounts there.
    """
    if subprocess.run(["mountpoint", "--quiet", str(NAMESPACE)], check=False).returncode:
        return
    if podman("ps", "--all", "--quiet", capture_output=True).stdout.strip():
        return
    # No machine is left, so these are network namespaces of machines that were restarted.
    gone = "for n in /run/netns/netns-*; do umount $n; rm -f $n; done"
    inside = ["nsenter", f"--mount={NAMESPACE}/mnt", "sh", "-c", gone]
    subprocess.run(inside, check=False, capture_output=True)
    # podman leaves the empty parent of its machines' groups behind.
    subprocess.run(
        [
            "nsenter",
            f"--mount={NAMESPACE}/mnt",
            "find",
            "/sys/fs/cgroup/libpod_parent",
            "-depth",
            "-type",
            "d",
            "-exec",
            "rmdir",
            "{}",
            ";",
        ],
        check=False,
        capture_output=True,
    )
    subprocess.run(["umount", str(NAMESPACE / "mnt")], check=False, capture_output=True)
    subprocess.run(["umount", str(NAMESPACE)], check=True)
    (NAMESPACE / "mnt").unlink(missing_ok=True)
    NAMESPACE.rmdir()
    NAMESPACE.with_suffix(".lock").unlink(missing_ok=True)


def boot(names: list[str], say: Callable[[str], None]) -> None:
    """Makes the named machines anew and starts them."""
    key = _key()
    _remove(names)
    for name in names:
        _create(name, key)
    podman("start", *names, stdout=subprocess.DEVNULL)
    _join_network()
    say("started " + " ".join(names))


def reboot(names: list[str], say: Callable[[str], None]) -> None:
    """Boots the named machines again. Not by podman's own restart, which asks for the address before it is free."""
    for name in names:
        podman("stop", "--time", "30", name, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + DEADLINE
        # "stopped" it is at once; "exited" when its network is cleared away.
        while quiet("inspect", "--format", "{{.State.Status}}", name).stdout.strip() != "exited":
            if time.monotonic() > give_up:
                raise NotUpError(f"{name} does not end")
            time.sleep(0.2)
        podman("start", name, stdout=subprocess.DEVNULL)
        _forget_ssh(name)
    _join_network()
    say("rebooted " + " ".join(names))


def _create(name: str, key: pathlib.Path) -> None:
    machine = MACHINES[name]
    podman(
        "create",
        "--name",
        name,
        "--hostname",
        f"{name}.lab.test",
        "--systemd=always",
        # A lasting MAC: the others need not notice that the machine was made anew.
        "--network",
        f"{NETWORK}:ip=10.91.0.{machine.number},ip6=fd00:db8:91::{machine.number},mac=02:91:00:00:00:{machine.number}",
        "--dns",
        "10.91.0.30",
        "--dns-search",
        ".",
        "--dns-opt",
        "timeout:2",
        "--dns-opt",
        "attempts:2",
        "--pull=never",
        "--label",
        "gatepost=lab",
        *(f"--cap-add={capability}" for capability in CAPABILITIES),
        *(f"--sysctl={setting}" for setting in SYSCTLS),
        *(f"--volume={mount}" for mount in machine.mounts),
        images.IMAGES[machine.image].tag(),
        stdout=subprocess.DEVNULL,
    )
    for layer in machine.layers:
        podman("cp", f"{HERE}/rootfs/{layer}/.", f"{name}:/")
    with tempfile.TemporaryDirectory() as made:
        _make_files(pathlib.Path(made), name, key)
        podman("cp", f"{made}/.", f"{name}:/")


def _make_files(root: pathlib.Path, name: str, key: pathlib.Path) -> None:
    """What is made for each run: the ssh key, signatures, which units start."""
    units = root / "etc/systemd/system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True)
    (wanted / "lab-network.service").symlink_to("/etc/systemd/system/lab-network.service")
    if MACHINES[name].image == "post":
        for unit in set(UNWANTED) - set(MACHINES[name].units):
            (units / f"{unit}.service").symlink_to("/dev/null")
    else:
        if MACHINES[name].image != "loghost":
            subprocess.run([str(HERE / "signatures"), str(root / "var/lib/clamav")], check=True)
            authority.make(root / "etc/gatepost/tls", f"{name}.lab.test", STATE)
        # No archive is reached: the package lists are as fresh as they can be.
        _touch(root / "var/lib/apt/periodic/update-success-stamp")
    if name == "store":
        (wanted / "lab-directory.service").symlink_to("/etc/systemd/system/lab-directory.service")
        _certificate(root / "etc/ldap")
    elif MACHINES[name].image != "post":
        (root / "etc/ssl").mkdir(parents=True)
        shutil.copy(_authority().with_suffix(".pem"), root / "etc/ssl/lab-ca.pem")
    if name == "world":
        _zones_conf(root / "etc/knot/zones.conf")
    authorised = root / "root/.ssh/authorized_keys"
    authorised.parent.mkdir(parents=True)
    authorised.write_text(key.with_suffix(".pub").read_text())
    for path in (root, root / "root", authorised.parent):
        path.chmod(0o755 if path is root else 0o700)


def _authority() -> pathlib.Path:
    """The lab's own certificate authority: `ca.key` and `ca.pem`."""
    key = STATE / "ca.key"
    if not key.with_suffix(".pem").exists():
        STATE.mkdir(exist_ok=True)
        _openssl(
            "req",
            "-x509",
            "-days",
            "3650",
            "-subj",
            "/CN=Gatepost lab",
            *_NEW_KEY,
            key,
            "-out",
            key.with_suffix(".pem"),
        )
    return key


def _certificate(folder: pathlib.Path) -> None:
    """The directory's certificate, for the name by which the gates ask it."""
    authority, request = _authority(), folder / "request"
    folder.mkdir(parents=True)
    _openssl("req", "-subj", "/CN=store.lab.test", *_NEW_KEY, folder / "store.key", "-out", request,
             "-addext", "subjectAltName=DNS:store.lab.test")  # fmt: skip
    _openssl("x509", "-req", "-in", request, "-CA", authority.with_suffix(".pem"), "-CAkey", authority, "-days", "30",
             "-CAcreateserial", "-copy_extensions", "copy", "-out", folder / "store.pem")  # fmt: skip
    shutil.copy(authority.with_suffix(".pem"), folder / "ca.pem")
    request.unlink()


_NEW_KEY = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout")


def _openssl(*arguments: str | pathlib.Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _touch(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


# Zones whose names the server makes from the addresses.
FROM_ADDRESSES = {
    "host.foreign.test": "names",
    "113.0.203.in-addr.arpa": "ptr",
    "100.51.198.in-addr.arpa": "ptr",
    "8.b.d.0.1.0.0.2.ip6.arpa": "ptr",
}


def _zones_conf(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# Made by lab/lab from the files in lab/zones.", "zone:"]
    for file in sorted((HERE / "zones").glob("*.zone")):
        zone = file.name.removesuffix(".zone")
        lines += [
            f"  - domain: {'.' if zone == 'root' else zone}",
            f"    template: {FROM_ADDRESSES.get(zone, 'default')}",
            f"    file: {file.name}",
        ]
    path.write_text("\n".join(lines) + "\n")


def load_zones() -> None:
    with tempfile.TemporaryDirectory() as made:
        conf = pathlib.Path(made) / "zones.conf"
        _zones_conf(conf)
        podman("cp", str(conf), "world:/etc/knot/zones.conf")
    podman("exec", "world", "knotc", "conf-check", stdout=subprocess.DEVNULL)
    podman("exec", "world", "knotc", "--force", "reload", stdout=subprocess.DEVNULL)


def _key() -> pathlib.Path:
    """The key pair of this lab, readable for whoever called sudo."""
    key = STATE / "id"
    if not key.exists():
        STATE.mkdir(exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "gatepost-lab", "-f", str(key)], check=True
        )
    if "SUDO_UID" in os.environ:
        for path in (STATE, *STATE.iterdir()):
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
    return key


def wait(names: list[str], say: Callable[[str], None]) -> None:
    """Returns when every named machine's units run; fails with what holds them up."""
    give_up = time.monotonic() + DEADLINE
    for name in names:
        while (trouble := _trouble(name)) is not None:
            if time.monotonic() > give_up:
                raise NotUpError(f"{name} does not come up: {trouble}")
            time.sleep(0.2)
        say(f"{name} answers at 10.91.0.{MACHINES[name].number}")


def _trouble(name: str) -> str | None:
    """What keeps the machine from being up, or None."""
    state = quiet("exec", name, "systemctl", "is-system-running")
    if state.stdout.strip() != "running":
        failed = quiet("exec", name, "systemctl", "--failed", "--no-legend", "--plain")
        return " ".join((state.stdout + state.stderr + failed.stdout).split())
    active = quiet("exec", name, "systemctl", "is-active", *MACHINES[name].units)
    return " ".join(active.stdout.split()) if active.returncode else None


def report(name: str) -> bool:
    """Prints the machine's state; False when it does not even answer."""
    trouble = _trouble(name)
    machine = MACHINES[name]
    print(f"{name:8} 10.91.0.{machine.number}  fd00:db8:91::{machine.number}  {trouble or 'running'}")
    return trouble is None or trouble.startswith("degraded")

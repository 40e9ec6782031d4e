"""Rendering from a playbook: runs `gatepost render` on the control node, without a trip to any host.

For    the first task of site.yml, which needs no connection and no module run: the generator is started directly.
In     the path of a policy, the folder for the bundles, and the inventory as Ansible knows it in this run: resolved,
       with group_vars, vaulted values and -e, whatever it came from.
Out    the generator's lines; its warnings as Ansible's. Where bundles need them, certificates in the folder named for
       them; what each host must hold beside its bundle, in beside.json, for the release's question.
Fails  with the generator's findings as they stand, when the policy has any.

Rendering is a pure function, so it need not be done again while nothing that it read has changed. What it read is not
guessed: the interpreter itself tells of every file opened and every folder listed (audit events). A rendering that
asked another program or had anything to say besides its result is always done again; so is one on another day, since
entries of a policy expire.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.plugins.action import ActionBase

ARGUMENTS = {
    "policy": {"type": "path", "required": True},
    "out": {"type": "path", "required": True},
    "source": {"type": "path"},
    "always": {"type": "bool", "default": False},
    "certificates": {"type": "path"},
    "package": {"type": "str", "default": ""},
}
GROUPS = ("mailservers", "loghosts", "vantage")
# What the roles bring to a host beside its bundle, and the release's question asks for. Its own kinds of need are the
# bundle's; the paths are the roles'.
BESIDE = "beside.json"
TLS = "/etc/gatepost/tls"
INSTALLED = "/opt/gatepost/installed"
# The policy only names them: rendering needs none, and none is written down.
SECRETS = "gatepost_secrets"
STAMP = ".rendered.json"
# Runs the generator and writes down what it touched: the first argument is the list's path, the rest is the command.
WATCH = """
import atexit, os, runpy, sys
touched = set()
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes, os.PathLike)):
        touched.add(os.path.abspath(os.fsdecode(arguments[0])))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect"):
        touched.add("?")
listing = sys.argv.pop(1)
def tell():
    paths = sorted(touched)
    with open(listing, "w") as file:
        file.write("\\n".join(paths))
sys.addaudithook(watch)
atexit.register(tell)
runpy.run_module("gatepost", run_name="__main__", alter_sys=True)
"""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Renders, in check mode too: bundles are written on the control node, nothing else is touched."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        out = Path(arguments["out"])
        # Bundles may hold secrets.
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        inventory = out / "inventory.yml"
        _write_changed(inventory, json.dumps(_inventory(task_vars or {}), indent=1, sort_keys=True))
        command = ["render", arguments["policy"], "--inventory", str(inventory), "--out", str(out)]
        environment = _environment(arguments["source"])
        key = _key(command, environment)
        bundles = None if arguments["always"] else _unchanged(out / STAMP, key)
        if bundles is not None:
            return {**result, **self._beside(arguments, task_vars or {}), "bundles": bundles, "cached": True}
        done = _render(command, environment, out, key)
        if done.returncode:
            head = f"{arguments['policy']} cannot be rendered; no server was touched"
            return {**result, "failed": True, "changed": False, "msg": "\n".join([head, *_lines(done)])}
        warnings = [done.stderr.strip()] if done.stderr.strip() else []
        lines = done.stdout.splitlines()
        beside = self._beside(arguments, task_vars or {})
        return {**result, **beside, "bundles": lines, "cached": False, "warnings": warnings}

    def _beside(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Certificates are made and renewed here, once for all hosts; what each host must hold is written down."""
        out = Path(arguments["out"])
        needs = {host: _needs(out / host) for group in GROUPS[:2] for host in task_vars["groups"].get(group, [])}
        names = {host: _full_name(host, task_vars) for host, needed in needs.items() if "certificate" in needed}
        try:
            hashes = self._certificates(arguments["certificates"], names.values()) if names else {}
        except _certificates.CertificateError as error:
            return {"failed": True, "changed": False, "msg": f"certificates for the log host: {error}"}
        observer = _version(arguments) if any("observer" in needed for needed in needs.values()) else ""
        beside: dict[str, dict[str, str]] = {host: {} for host in needs}
        for host, name in names.items():
            beside[host] |= {f"{TLS}/certificate.pem": hashes[name], f"{TLS}/ca.pem": hashes["ca"]}
        for host in (host for host, needed in needs.items() if "observer" in needed):
            beside[host][INSTALLED] = hashlib.sha256(f"{observer}\n".encode()).hexdigest()
        _write_changed(out / BESIDE, json.dumps(beside, indent=1, sort_keys=True))
        return {"changed": False, "observer": observer}

    def _certificates(self, folder: str | None, names: Iterable[str]) -> dict[str, str]:
        if not folder:
            raise _certificates.CertificateError("no folder is given for them")
        keep = _certificates.certificates_look if self._task.check_mode else _certificates.certificates_keep
        hashes: dict[str, str] = keep(Path(folder), names)
        return hashes


def _needs(bundle: Path) -> list[str]:
    """What a bundle asks for beside itself."""
    try:
        return list(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["needs"])
    except (FileNotFoundError, ValueError, KeyError):
        return []


def _full_name(host: str, task_vars: dict[str, Any]) -> str:
    return str(task_vars["hostvars"][host].get("gatepost_fqdn", host)).lower()


def _version(arguments: dict[str, Any]) -> str:
    """By what an installed observer is known: the package's name, or a hash over the checkout that it is built from."""
    if arguments["package"] or not arguments["source"]:
        return str(arguments["package"])
    root = Path(arguments["source"]).parent
    folders = (root / "generator", root / "observer")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    whole = hashlib.sha256()
    for path in sorted([*files, root / "pyproject.toml", root / "requirements.lock"]):
        if path.exists() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            whole.update(f"{path.relative_to(root)} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def _beside_us(name: str) -> ModuleType:
    """A module of this collection's module_utils: neither a checkout nor a collection has it on Python's path."""
    path = Path(__file__).resolve().parent.parent / "module_utils" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"gatepost_{name}", path)
    assert spec is not None and spec.loader is not None  # noqa: S101 - it is a file of ours
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_certificates = _beside_us("certificates")


def _inventory(task_vars: dict[str, Any]) -> dict[str, Any]:
    """Ansible's inventory, as a static one with our own variables alone."""
    groups, hostvars = task_vars["groups"], task_vars["hostvars"]
    return {group: {"hosts": {host: _ours(hostvars[host]) for host in groups.get(group, [])}} for group in GROUPS}


def _ours(variables: Mapping[str, Any]) -> dict[str, Any]:
    ours = (name for name in variables if name.startswith("gatepost_") and name != SECRETS)
    return {name: _plain(variables[name]) for name in ours}


def _plain(value: Any) -> Any:
    """A value with its templates resolved, which Ansible does when an element is asked for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _write_changed(path: Path, text: str) -> None:
    """Write only what differs, so that an unchanged file keeps its times."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _render(command: list[str], environment: dict[str, str], out: Path, key: str) -> subprocess.CompletedProcess[str]:
    stamp, listing = out / STAMP, out / ".touched"
    stamp.unlink(missing_ok=True)
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-c", WATCH, str(listing), *command],
        env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    touched = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else ["?"]
    listing.unlink(missing_ok=True)
    if done.returncode == 0 and not done.stderr and "?" not in touched:
        # A list of what was read, as it is now. What was written below `out` is part of it: a bundle that was
        # changed or taken away is rendered again.
        paths = sorted(path for path in _with_folders(touched) if path not in (str(stamp), str(listing)))
        seen = {path: _state(path) for path in paths if path != str(out)}
        content = {"key": key, "seen": seen, "bundles": done.stdout.splitlines()}
        stamp.write_text(json.dumps(content), encoding="utf-8")
    return done


def _unchanged(stamp: Path, key: str) -> list[str] | None:
    """The lines of the last rendering, when nothing that it read or wrote has changed since."""
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    same = content["key"] == key and all(_state(path) == state for path, state in content["seen"].items())
    return list(content["bundles"]) if same else None


def _with_folders(touched: list[str]) -> set[str]:
    """The paths and the folders they lie in: a file that was looked for in vain may come."""
    return {*touched, *(str(Path(path).parent) for path in touched)}


def _state(path: str) -> list[int] | None:
    """What changes with every write to a file. Nobody can set ctime back."""
    try:
        seen = Path(path).stat()
    except OSError:
        return None
    return [seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]


def _key(command: list[str], environment: dict[str, str]) -> str:
    """What a rendering depends on besides files: the day, the interpreter, the command, the environment."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    about = [today, sys.version, command, sorted(environment.items()), WATCH]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _environment(source: str | None) -> dict[str, str]:
    environment = {**os.environ, "NO_COLOR": "1"}
    if source and Path(source).is_dir():
        # A checkout, or an installed collection, brings the generator with it, and beside it the mail servers' own
        # program; else it is an installed package.
        places = [source, str(Path(source).parent / "mx"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(places)
    return environment


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]

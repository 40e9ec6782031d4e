"""The control node's side of a release: asks first, sends a bundle only when it is needed, and only what is missing.

For    tasks with gatepost_release.
In     the task's arguments, and a bundle folder as the generator writes it.
Out    the module's result; with --diff the changes of the files as Ansible diffs.
Fails  with a message for the person at the playbook: no bundle, a bundle for another host, drift.

A host that needs nothing is asked in one call, which carries the release's id alone. Secrets travel with a release that
needs them, and never touch the disk here: a comparison carries only a fingerprint of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

Result = dict[str, Any]
SHOWN = 100_000
ARGUMENTS = {
    "state": {"type": "str", "choices": ["compare", "present", "rolled_back"], "default": "present"},
    "bundle": {"type": "path"},
    "overwrite_drift": {"type": "bool", "default": False},
    # Looked at by hand: an error message of Ansible's would repeat the value.
    "secrets": {"type": "raw", "default": {}, "no_log": True},
}
MOST_SECRET = 1000


class Secrets(NamedTuple):
    """What a bundle's files need of the secrets at hand."""

    values: dict[str, str]
    fingerprints: dict[str, str]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module of the same name once to ask and, where something is to be done, once to do it."""

    # Ansible would make a temporary folder on the server before anything else, one more trip for nothing.
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        self._vars = task_vars or {}
        _, arguments = self.validate_argument_spec(
            argument_spec=ARGUMENTS, required_if=[("state", "compare", ["bundle"]), ("state", "present", ["bundle"])]
        )
        if arguments["state"] == "rolled_back":
            return {**result, **self._module(state="rolled_back", overwrite_drift=arguments["overwrite_drift"])}
        bundle = Path(arguments["bundle"])
        manifest = self._manifest(bundle)
        self._secrets = secrets_needed(manifest, arguments["secrets"])
        return {**result, **self._ask_and_do(bundle, manifest, arguments)}

    def _ask_and_do(self, bundle: Path, manifest: Result, arguments: Result) -> Result:
        look_only = arguments["state"] == "compare"
        beside = _beside(bundle)
        answer = self._ask(manifest, beside, details=not look_only or self._task.check_mode or self._task.diff)
        answer["needs"] = manifest.get("needs", [])
        differing = answer.pop("differing", [])
        needed = answer.pop("needed", [])
        drift = answer.pop("drift_message", "")
        if answer.get("failed") or answer.get("converged"):
            return answer
        if drift and not arguments["overwrite_drift"] and not self._task.check_mode:
            return {"failed": True, "msg": drift, "drifted": answer["drifted"]}
        if self._task.diff:
            answer["diff"] = [_diff(bundle, manifest, entry) for entry in differing]
        if look_only:
            return answer
        if self._task.check_mode:
            return {**answer, "changed": True, "files_changed": [entry["path"] for entry in differing]}
        done = self._release(bundle, manifest, needed, bool(arguments["overwrite_drift"]))
        return done if done.get("failed") else {**answer, **done}

    def _manifest(self, bundle: Path) -> Result:
        """The bundle's manifest; that it is for this host is seen here, the rest on the server."""
        path = bundle / "manifest.json"
        try:
            manifest: Result = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise AnsibleActionFail(
                f"there is no bundle for this host: {path} does not exist. Is the host in the group mailservers "
                "of the inventory that was rendered?"
            ) from error
        except ValueError as error:
            raise AnsibleActionFail(f"{path} is no JSON: {error}") from error
        name = self._vars.get("inventory_hostname")
        if manifest.get("host") != name:
            raise AnsibleActionFail(f"{path} is for the host {manifest.get('host')!r}, not for {name!r}")
        return manifest

    def _ask(self, manifest: Result, beside: Result | None, *, details: bool) -> Result:
        keys = ("path", "sha256", "size", "owner", "group", "mode")
        wanted = [{key: file[key] for key in keys} for file in manifest["files"]] if details else None
        asked = {"wanted": wanted, "beside": beside, "fingerprints": self._secrets.fingerprints}
        return self._module(state="compare", release=manifest["release"], **asked)

    def _release(self, bundle: Path, manifest: Result, needed: list[str], overwrite_drift: bool) -> Result:
        shell = self._connection._shell
        self._make_tmp_path()
        try:
            archive = shell.join_path(shell.tmpdir, "bundle.tar.gz")
            self._send(bundle, needed, archive)
            needed_too = {"secrets": packed(self._secrets.values), "fingerprints": self._secrets.fingerprints}
            return self._module(
                state="present", manifest=manifest, archive=archive, overwrite_drift=overwrite_drift, **needed_too
            )
        finally:
            self._remove_tmp_path(shell.tmpdir)

    def _send(self, bundle: Path, needed: list[str], remote: str) -> None:
        handle, local = tempfile.mkstemp(prefix="gatepost-bundle-")
        os.close(handle)
        try:
            # Recipient lists shrink tenfold at any level; a higher one only takes longer.
            with tarfile.open(local, "w:gz", compresslevel=2) as archive:
                for path in needed:
                    archive.add(bundle / "files" / path.lstrip("/"), arcname=path.lstrip("/"), recursive=False)
            self._transfer_file(local, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
        finally:
            Path(local).unlink()

    def _module(self, **arguments: Any) -> Result:
        name = self._task.action if "." in self._task.action else "gatepost_release"
        given = {key: value for key, value in arguments.items() if value is not None}
        answer: Result = self._execute_module(module_name=name, module_args=given, task_vars=self._vars)
        # It repeats the manifest, which nobody wants to read again.
        answer.pop("invocation", None)
        return answer


def secrets_needed(manifest: Result, given: Any) -> Secrets:
    """The secrets that a bundle's files name. One that is missing or cannot stand in a file stops it all here."""
    files = {file["path"]: file for file in manifest["files"] if file.get("secrets")}
    if files and not isinstance(given, Mapping):
        raise AnsibleActionFail("gatepost_secrets is no mapping of names to texts; no server was touched")
    values = {name: _secret(name, path, given) for path, file in files.items() for name in file["secrets"]}
    fingerprints = {path: _fingerprint(file, values) for path, file in files.items()}
    return Secrets(values, fingerprints)


def packed(values: Mapping[str, str]) -> str | None:
    """The secrets as one text that is like nothing in an answer: what is no_log is blanked out of answers."""
    return base64.b64encode(json.dumps(dict(values)).encode()).decode() if values else None


def _secret(name: str, path: str, given: Mapping[str, Any]) -> str:
    if name not in given:
        raise AnsibleActionFail(
            f"the policy names the secret {name!r} (for {path}), and gatepost_secrets does not hold it; no server was "
            "touched. Keep it in Ansible Vault, for example in group_vars/mailservers/vault.yml: "
            f"gatepost_secrets: {{{name}: …}}"
        )
    value = given[name]
    text = str(value) if isinstance(value, str) else ""
    if not text or not text.isprintable() or text != text.strip() or len(text) > MOST_SECRET:
        raise AnsibleActionFail(
            f"the secret {name!r} is no text on one line, without blanks at its ends and of at most {MOST_SECRET} "
            "characters; no server was touched"
        )
    return text


def _fingerprint(file: Result, values: Mapping[str, str]) -> str:
    """What changes when a secret of a file does, and tells nothing of it: the file's own text is mixed in."""
    made = hashlib.sha256()
    for name in sorted(file["secrets"]):
        made.update(hmac.digest(values[name].encode(), f"{file['path']} {file['sha256']} {name}".encode(), "sha256"))
    return made.hexdigest()


def _beside(bundle: Path) -> Result | None:
    """What the host must hold beside its bundle: paths and hashes, as gatepost_render left them; mostly nothing."""
    try:
        every: Result = json.loads((bundle.parent / "beside.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return every.get(bundle.name) or None


def _diff(bundle: Path, manifest: Result, entry: Result) -> Result:
    """One file's change as Ansible shows it."""
    path = entry["path"]
    before = f"{path} ({', '.join(entry['why'])})"
    if "gone" in entry["why"]:
        return {"before_header": before, "after_header": "(no longer managed)", **_texts(entry, "")}
    wanted = next(file for file in manifest["files"] if file["path"] == path)
    after = f"{path} ({manifest['release']}, {wanted['owner']}:{wanted['group']} {wanted['mode']})"
    source = bundle / "files" / path.lstrip("/")
    small = wanted["size"] <= SHOWN
    text = source.read_text(encoding="utf-8", errors="replace") if small else None
    return {"before_header": before, "after_header": after, **_texts(entry, text)}


def _texts(entry: Result, text: str | None) -> Result:
    """Before and after. What is secret or long is told by a line alone."""
    now = entry.get("text")
    if entry["secret"]:
        return {"before": "(not shown: not everyone may read this file)\n", "after": "(not shown)\n"}
    if now is None or text is None:
        return {"before": "(not shown: more than 100 kB, or no text)\n", "after": "(not shown)\n"}
    return {"before": now, "after": text}

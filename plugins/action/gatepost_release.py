"""The control node's side of a release: asks first, sends a bundle only when it is needed, and only what is missing.

For    tasks with gatepost_release.
In     the task's arguments, and a bundle folder as the generator writes it.
Out    the module's result; with --diff the changes of the files as Ansible diffs.
Fails  with a message for the person at the playbook: no bundle, a bundle for another host, drift.

A host that needs nothing is asked in one call, which carries the release's id alone.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

Result = dict[str, Any]
SHOWN = 100_000
ARGUMENTS = {
    "state": {"type": "str", "choices": ["compare", "present", "rolled_back"], "default": "present"},
    "bundle": {"type": "path"},
    "overwrite_drift": {"type": "bool", "default": False},
}


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
        return self._module(state="compare", release=manifest["release"], wanted=wanted, beside=beside)

    def _release(self, bundle: Path, manifest: Result, needed: list[str], overwrite_drift: bool) -> Result:
        shell = self._connection._shell
        self._make_tmp_path()
        try:
            archive = shell.join_path(shell.tmpdir, "bundle.tar.gz")
            self._send(bundle, needed, archive)
            return self._module(state="present", manifest=manifest, archive=archive, overwrite_drift=overwrite_drift)
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

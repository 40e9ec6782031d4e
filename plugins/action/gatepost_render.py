"""Rendering from a playbook: runs `gatepost render` on the control node, without a trip to any host.

For    the first task of site.yml, which needs no connection and no module run: the generator is started directly.
In     the paths of a policy and of inventories, and the folder for the bundles.
Out    the generator's lines; its warnings as Ansible's.
Fails  with the generator's findings as they stand, when the policy has any.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]

ARGUMENTS = {
    "policy": {"type": "path", "required": True},
    "inventory": {"type": "path", "required": True},
    "out": {"type": "path", "required": True},
    "source": {"type": "path"},
}


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
        done = _render(arguments["policy"], arguments["inventory"], out, arguments["source"])
        if done.returncode:
            head = f"{arguments['policy']} cannot be rendered; no server was touched"
            return {**result, "failed": True, "changed": False, "msg": "\n".join([head, *_lines(done)])}
        warnings = [done.stderr.strip()] if done.stderr.strip() else []
        return {**result, "changed": False, "bundles": done.stdout.splitlines(), "warnings": warnings}


def _render(policy: str, inventory: str, out: Path, source: str | None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gatepost", "render", policy, "--inventory", inventory, "--out", str(out)]
    environment = {**os.environ, "NO_COLOR": "1"}
    if source and Path(source).is_dir():
        # A checkout, or an installed collection, brings the generator with it; else it is an installed package.
        environment["PYTHONPATH"] = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(  # noqa: S603 - our own program, no shell
        argv, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]

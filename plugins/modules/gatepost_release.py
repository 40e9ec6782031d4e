#!/usr/bin/python
"""The server's side of a release: one call compares, one call releases.

For    the roles and playbooks of Gatepost; the action plugin of the same name calls it.
In     the module arguments below.
Out    the values below.
Fails  with a message for the person at the playbook.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: gatepost_release
short_description: Release a rendered mail configuration as a whole
version_added: "0.1.0"
description:
  - Compares a rendered bundle with what is active on the server, releases it, or goes back to the release before.
  - A release is staged in a folder of its own and checked there by the daemons themselves. It is then activated as a
    whole and proven. When any of this fails, what stood before is put back.
  - A run that is killed at any point is undone by the next run, or at the next boot.
options:
  state:
    description:
      - V(compare) only says whether the server is on this release, undrifted, with all units running. Drift that
        O(overwrite_drift) does not allow to overwrite fails it, so that a playbook stops before it touches anything.
      - V(present) makes it so.
      - V(rolled_back) puts the release before the active one back. Before the first release stands what was there
        before Gatepost came.
    type: str
    choices: [compare, present, rolled_back]
    default: present
  bundle:
    description:
      - The folder on the control node with the host's C(manifest.json) and C(files/).
      - Required unless O(state=rolled_back).
    type: path
  overwrite_drift:
    description:
      - Whether files that were changed by hand since their release may be overwritten.
      - Otherwise a release fails and names them. In check mode they are shown, and nothing fails.
    type: bool
    default: false
  release:
    description: Set by the action plugin. The id of the wanted release.
    type: str
  wanted:
    description: Set by the action plugin. The wanted files, for a comparison that names the differences.
    type: list
    elements: dict
  beside:
    description:
      - Set by the action plugin. The SHA-256 of files that roles bring beside the bundle (certificates, the observer),
        by their paths. Where one differs, the server is not converged.
    type: dict
  manifest:
    description: Set by the action plugin. The bundle's manifest.
    type: dict
  archive:
    description: Set by the action plugin. The bundle's files that the server asked for, as a tar.gz on the server.
    type: path
attributes:
  check_mode:
    description: Touches nothing at all.
    support: full
  diff_mode:
    description:
      - Shows the text files that change. Files over 100 kB, and those that not everyone may read on the server, are
        told by name alone.
    support: full
  platform:
    description: Debian 12 and 13.
    support: full
    platforms: debian
author:
  - The Gatepost authors (@gatepost)
"""

EXAMPLES = r"""
- name: Ask whether the server is on this release
  gatepost.mail.gatepost_release:
    state: compare
    bundle: /srv/bundles/{{ inventory_hostname }}
  register: asked

- name: Release the bundle
  gatepost.mail.gatepost_release:
    bundle: /srv/bundles/{{ inventory_hostname }}

- name: Go back to the release before
  gatepost.mail.gatepost_release:
    state: rolled_back
"""

RETURN = r"""
active:
  description: The id of the release that is active at the end, V(before-gatepost) after going back to before the first.
  returned: always
  type: str
beside_differs:
  description: The files beside the bundle that are missing or not as they should be.
  returned: when O(state=compare)
  type: list
  elements: str
converged:
  description: Whether the server was on this release, undrifted and running, with all that it needs beside.
  returned: when O(state) is V(compare) or V(present)
  type: bool
drifted:
  description: The files that were changed by hand since their release.
  returned: when O(state) is V(compare) or V(present)
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    why:
      description: What differs, of C(missing), C(kind), C(content), C(mode) and C(owner).
      type: list
      elements: str
files_changed:
  description: The paths that were put or taken away.
  returned: when something was released or rolled back
  type: list
  elements: str
interrupted:
  description: Whether an earlier release was cut short and is still to be undone.
  returned: when O(state=compare)
  type: bool
needs:
  description: What the bundle asks for beside itself, C(certificate) or C(observer).
  returned: when O(state) is V(compare) or V(present)
  type: list
  elements: str
recovered:
  description: Whether an earlier release that was cut short has been undone first.
  returned: when something was released or rolled back
  type: bool
services:
  description: The units that were reloaded or restarted because their files changed.
  returned: when something was released or rolled back
  type: dict
units_down:
  description: The release's units that do not run.
  returned: when O(state) is V(compare) or V(present)
  type: list
  elements: str
"""

import syslog  # noqa: E402 - Ansible wants the documentation first
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

from ..module_utils.release.errors import ReleaseError  # noqa: E402
from ..module_utils.release.place import Place  # noqa: E402
from ..module_utils.release.systemd import Systemctl  # noqa: E402

ARGUMENTS = {
    "state": {"type": "str", "choices": ["compare", "present", "rolled_back"], "default": "present"},
    "bundle": {"type": "path"},
    "overwrite_drift": {"type": "bool", "default": False},
    "release": {"type": "str"},
    "wanted": {"type": "list", "elements": "dict"},
    "beside": {"type": "dict"},
    "manifest": {"type": "dict"},
    "archive": {"type": "path"},
}


def run(parameters: dict[str, Any], look_only: bool) -> dict[str, Any]:
    """Do what the parameters ask. The rarer states load their code only when they are asked for."""
    place, overwrite = Place(), bool(parameters["overwrite_drift"])
    if parameters["state"] == "compare":
        return _compare(place, parameters)
    from ..module_utils.release.release import Tools, present, rolled_back, rolled_back_look

    tools = Tools(Systemctl())
    if parameters["state"] == "rolled_back":
        return rolled_back_look(place) if look_only else rolled_back(place, tools, overwrite_drift=overwrite)
    if look_only:
        return {**_compare(place, parameters), "changed": True}
    archive = parameters["archive"]
    return present(place, parameters["manifest"], Path(archive) if archive else None, tools, overwrite_drift=overwrite)


def _compare(place: Place, parameters: dict[str, Any]) -> dict[str, Any]:
    from ..module_utils.release.compare import compare, compare_beside, compare_files

    answer = compare(place, str(parameters["release"]), Systemctl())
    answer["beside_differs"] = compare_beside(place, parameters["beside"] or {})
    answer["converged"] = answer["converged"] and not answer["beside_differs"]
    wanted = parameters["wanted"]
    if wanted is None or answer["converged"]:
        return {**answer, "changed": False}
    from ..module_utils.release.stage import stage_needed

    needed = stage_needed(place, {entry["path"]: entry["sha256"] for entry in wanted})
    return {**answer, "changed": False, "differing": compare_files(place, wanted), "needed": needed}


def main() -> None:
    # Ansible would log all arguments on every run, the whole manifest among them; what was changed is logged below.
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, no_log=True)
    try:
        result = run(module.params, module.check_mode)
    except ReleaseError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the server's disk or a program of it refused: {error}")
    if result["changed"] and not module.check_mode:
        syslog.openlog("gatepost-release")
        syslog.syslog(f"{module.params['state']}: {result['active']} is active")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

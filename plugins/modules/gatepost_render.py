#!/usr/bin/python
"""The documentation of gatepost_render, whose work the action plugin of the same name does on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gatepost_render
short_description: Render a mail policy into a bundle for each mail server
version_added: "0.1.0"
description:
  - Runs C(gatepost render) on the control node with the Python that runs Ansible. No host is contacted.
  - The hosts of the groups C(mailservers), C(loghosts) and C(vantage) and their C(gatepost_) variables are handed over
    as Ansible knows them, wherever they come from.
  - A policy with findings fails the task, with the findings as its message.
  - Where bundles need certificates for the log host, they are made and renewed by an authority of their own.
options:
  policy:
    description: The policy file.
    type: path
    required: true
  out:
    description: The folder for the bundles. It is made for its owner alone, since bundles may hold secrets.
    type: path
    required: true
  source:
    description: A folder with the generator's Python package. Where it does not exist, the installed package is used.
    type: path
  always:
    description:
      - Renders even when nothing has changed that the last rendering read. The files and folders it read, the day, the
        command, the environment and the bundles themselves are compared.
    type: bool
    default: false
  certificates:
    description:
      - The folder in which the authority and the hosts' certificates and keys are kept. It is made for its owner alone
        and ignored by git. Needed when a policy names a log host and no certificates of yours.
    type: path
  package:
    description: What is installed on a log host instead of this checkout; only its name is looked at here.
    type: str
    default: ""
attributes:
  check_mode:
    description: Renders as always, since nothing but O(out) is touched. No certificate is made.
    support: full
  diff_mode:
    description: Shows nothing; the release does.
    support: none
  platform:
    description: Wherever Ansible runs.
    support: full
    platforms: posix
author:
  - The Gatepost authors (@gatepost)
"""

EXAMPLES = r"""
- name: Render the policy
  gatepost.mail.gatepost_render:
    policy: /srv/mail/policy.yml
    out: /srv/mail/.gatepost/bundles
  run_once: true
"""

RETURN = r"""
bundles:
  description: A line for each bundle, with the host, its files and the release's id.
  returned: success
  type: list
  elements: str
observer:
  description: By what an observer of this version is known on a log host; empty when no bundle needs one.
  returned: success
  type: str
cached:
  description: Whether the last rendering still held, so that nothing was rendered.
  returned: success
  type: bool
"""

#!/usr/bin/python
"""What `gatepost prove` has done on other hosts: send probes, read mailboxes, ask a mail server.

For    playbooks/prove.yml, which `gatepost prove` calls.
In     the module arguments below.
Out    the values below.
Fails  when the work is not of this form. A server that does not answer is an answer, not a failure.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: gatepost_probe
short_description: Send probes, read the mailboxes they reach, and ask mail servers what became of them
version_added: "0.1.0"
description:
  - Does one batch of work for C(gatepost prove) and tells what it saw. It judges nothing.
  - Everything is bounded in time, in connections, and in the number of mails.
options:
  operation:
    description:
      - V(send) makes SMTP attempts from this host.
      - V(mailbox) waits for mails over IMAP, reads their headers and deletes them.
      - V(server) asks clamd for its version, and looks into the queues and the quarantine of this mail server. What
        is left of the probes there is removed.
    type: str
    choices: [send, mailbox, server]
    required: true
  work:
    description: The work as C(gatepost prove) packed it.
    type: str
    required: true
  imap:
    description:
      - How mailboxes of this host are read, with C(host), C(port), C(password) and, for IMAP over TLS, C(tls).
      - Every user is a whole mail address, and all have this password.
    type: dict
attributes:
  check_mode:
    description: Does nothing, since nothing can be proven without doing it.
    support: full
author:
  - The Gatepost authors (@gatepost)
"""

EXAMPLES = r"""
- name: Do what gatepost prove asks for
  gatepost.mail.gatepost_probe:
    operation: send
    work: "{{ lookup('ansible.builtin.file', 'work/' ~ inventory_hostname) }}"
"""

RETURN = r"""
answer:
  description: What was seen, packed like O(work).
  returned: success
  type: str
"""

from typing import Any  # noqa: E402 - Ansible wants the documentation first

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

from ..module_utils.probe import mailbox, server, smtp  # noqa: E402
from ..module_utils.probe.packed import pack, unpack  # noqa: E402

ARGUMENTS: dict[str, Any] = {
    "operation": {"type": "str", "choices": ["send", "mailbox", "server"], "required": True},
    "work": {"type": "str", "required": True},
    # Not no_log: Ansible would blot out the password wherever its letters stand in the answer. The task has no_log.
    "imap": {"type": "dict", "no_log": False},
}


def main() -> None:
    """One batch of work."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True, required_if=[("operation", "mailbox", ["imap"])])
    if module.check_mode:
        module.exit_json(changed=False, answer=pack({}))
    try:
        work = unpack(module.params["work"])
    except ValueError as error:
        module.fail_json(msg=f"work: {error}")
    module.exit_json(changed=False, answer=pack(_do(module.params, work)))


def _do(arguments: dict[str, Any], work: dict[str, Any]) -> dict[str, Any]:
    if arguments["operation"] == "send":
        return smtp.send(work)
    if arguments["operation"] == "mailbox":
        return mailbox.look(work, arguments["imap"])
    return server.ask(work)


if __name__ == "__main__":
    main()

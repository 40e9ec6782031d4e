"""`gatepost schema`: the JSON schema of the policy, for editors."""

from __future__ import annotations

from gatepost.cli.check import JsonOption
from gatepost.cli.console import Exit, leave, print_json

EXAMPLES = """\b
Example:
  gatepost schema > policy.schema.json
"""


def schema(as_json: JsonOption = False) -> None:
    """Print the JSON schema of the policy. It is JSON with and without `--json`.

    An editor with YAML support completes and checks a policy whose first line names the schema:
    `# yaml-language-server: $schema=policy.schema.json`
    """
    from gatepost.reference import schema as described

    print_json(described())
    leave(Exit.FINE)

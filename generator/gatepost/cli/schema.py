"""`gatepost schema`: the JSON schema of the policy, for editors."""

from __future__ import annotations

import typer

from gatepost.cli.console import print_json
from gatepost.policy import Policy

EXAMPLES = "Example:  gatepost schema > policy.schema.json"


def schema() -> None:
    """Print the JSON schema of the policy.

    An editor with YAML support completes and checks a policy whose first line names the schema:
    `# yaml-language-server: $schema=policy.schema.json`
    """
    described = Policy.model_json_schema()
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Gatepost policy", **described})
    raise typer.Exit

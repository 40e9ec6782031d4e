"""The reference in docs/: the policy's keys and its JSON schema from the models, the findings from their examples.

    python -m gatepost.reference docs

In: the models, and tests/bad/ beside docs/, where each finding has an example whose head says what it means.
Out: policy.md, policy.schema.json and findings.md. A test fails when they differ from what would be written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatepost.policy import Policy, Section

Schema = dict[str, Any]


def schema() -> Schema:
    """The JSON schema of the policy, for editors."""
    found = Policy.model_json_schema()
    for section in Section.__subclasses__():
        described = found if section is Policy else found["$defs"][section.__name__]
        # pydantic puts in what the models hold (seconds, bytes): an editor needs what a person writes.
        written = section.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
        for key, value in described["properties"].items():
            if "default" in value:
                value["default"] = written[key]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Gatepost policy"}


def pages(docs: Path) -> Mapping[str, str]:
    """The generated files by name, with what they must say."""
    return {
        "policy.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
        "policy.md": "\n".join(policy_page()) + "\n",
        "findings.md": "\n".join(findings_page(docs.parent / "tests" / "bad")) + "\n",
    }


# --- the policy's keys -----------------------------------------------------------------------------------------------


def policy_page() -> Iterator[str]:
    """Every key of the policy, a table for each section."""
    yield "# The policy, key by key"
    yield ""
    yield "Made from the models by `make docs`: change it there. `gatepost schema` prints the same for editors."
    whole = schema()
    for name, section in _sections("", whole, whole["$defs"]):
        yield ""
        yield f"## {name or 'The whole file'}"
        yield ""
        yield section["description"]
        yield ""
        yield "| key | value | default | meaning |"
        yield "| --- | --- | --- | --- |"
        needed = section.get("required", ())
        for key, value in section["properties"].items():
            default = "**needed**" if key in needed else _default(value)
            meant = value.get("description") or whole["$defs"][_section_in(value)[0]]["description"]
            yield f"| `{key}` | {_cell(_kind(value))} | {default} | {_cell(meant)} |"


def _sections(name: str, section: Schema, known: Schema) -> Iterator[tuple[str, Schema]]:
    """A section and all below it, each once, by the way that leads there."""
    yield name, section
    seen: set[str] = set()
    for key, value in section["properties"].items():
        reference, suffix = _section_in(value)
        # allow and block hold the same kind of entry: it is told once.
        if reference and reference not in seen:
            seen.add(reference)
            yield from _sections(f"{name}.{key}{suffix}".lstrip("."), known[reference], known)


def _section_in(value: Schema) -> tuple[str, str]:
    """The section that a key holds, and what is written for one of its items."""
    for one in value.get("anyOf", [value]):
        for inner, suffix in (
            (one, ""),
            (one.get("items", {}), "[]"),
            (one.get("additionalProperties", {}), ".DOMAIN"),
        ):
            if isinstance(inner, dict) and "$ref" in inner:
                return str(inner["$ref"]).rpartition("/")[2], suffix
    return "", ""


def _kind(value: Schema) -> str:
    """What is written there, in a few words."""
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"] if one.get("type") != "null")
    if "const" in value or "enum" in value:
        words = value.get("enum", [value.get("const")])
        return " or ".join(f"`{json.dumps(word) if isinstance(word, bool) else word}`" for word in words)
    if value.get("type") == "array":
        return f"list: {_kind(value['items'])}"
    if value.get("type") in ("number", "integer"):
        kind = "a number" if value["type"] == "number" else "a whole number"
        return f"{kind}, {value['minimum']} to {value['maximum']}".replace(".0", "")
    if value.get("type") == "object" and "items" in value.get("additionalProperties", {}):
        return f"names, each with a {_kind(value['additionalProperties'])}"
    section = "$ref" in value or value.get("type") == "object"
    return "a section" if section else str(value["title"])


def _default(value: Schema) -> str:
    default = value.get("default")
    if default is None or isinstance(default, dict):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    plain = f"[{', '.join(default)}]" if isinstance(default, list) else default
    return f"`{_cell(str(plain))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# --- the findings ----------------------------------------------------------------------------------------------------


def findings_page(bad: Path) -> Iterator[str]:
    """Every finding, and what it means, from the heads of the bad examples."""
    yield "# The findings of `gatepost check`"
    yield ""
    yield "Made from the examples in tests/bad/ by `make docs`. Errors forbid to go on; warnings do not."
    yield ""
    yield "| id | meaning |"
    yield "| --- | --- |"
    examples = {path.stem: path for path in bad.glob("*.yml")}
    examples |= {path.parent.name: path for path in bad.glob("inventory/*/hosts.yml")}
    for name, path in sorted(examples.items()):
        yield f"| `{name}` | {_cell(meaning(path))} |"


def meaning(example: Path) -> str:
    """What the head of an example says."""
    said: list[str] = []
    for line in example.read_bytes().decode("utf-8", "replace").split("\n"):
        if not line.startswith("# ") or line.startswith("# expected at"):
            break
        said.append(line[2:])
    return " ".join(said)


def main(docs: Path) -> None:
    """Write the pages."""
    for name, text in pages(docs).items():
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))

"""docs/ says what the code does, and the JSON schema serves editors."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from gatepost.reference import pages, schema
from gatepost.source import read_yaml
from ids import ROOT

EXAMPLES = sorted((ROOT / "policies").glob("*.yml"))
VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("name", pages(ROOT / "docs"))
def test_the_pages_in_docs_are_what_make_docs_would_write(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages(ROOT / "docs")[name], "run make docs"


def test_the_schema_itself_is_valid() -> None:
    VALIDATOR.check_schema(schema())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_takes_every_example(example: Any) -> None:
    VALIDATOR.validate(read_yaml(example).data)


WRONG: list[tuple[tuple[str | int, ...], Any]] = [
    (("filterin",), {}),
    (("filtering", "spam", "marc_at"), 5),
    (("filtering", "block", 0, "sendr"), "a@b.example"),
    (("filtering", "block", 0, "client"), "203.0.113.7"),
    (("domains", "example.org", "recipients"), {}),
    (("domains", "example.org", "recipients"), {"list": [], "file": "x"}),
    (("networks",), {}),
    (("policy",), 2),
    (("logs", "keep"), "90"),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda part: str(part))
def test_the_schema_refuses_what_is_wrong(path: tuple[str | int, ...], value: Any) -> None:
    data = read_yaml(ROOT / "policies" / "example.yml").data
    inner = data
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    assert not VALIDATOR.is_valid(data)


def sections() -> list[dict[str, Any]]:
    whole = schema()
    return [whole, *whole["$defs"].values()]


def test_every_section_refuses_unknown_keys_and_every_key_is_described() -> None:
    for section in sections():
        assert section["additionalProperties"] is False
        for key, value in section["properties"].items():
            assert value.get("description") or "$ref" in value, key


def test_every_default_is_valid_where_an_editor_puts_it() -> None:
    whole = schema()
    for section in sections():
        for key, value in section["properties"].items():
            if "default" in value:
                check = jsonschema.Draft202012Validator({**value, "$defs": whole["$defs"]})
                assert check.is_valid(value["default"]), f"{key}: {json.dumps(value['default'])}"

"""The ids of all findings, as the code spells them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ROOT / "generator" / "gatepost"

# Which argument of a call is the id.
CALLS = {"Finding": 1, "bad": 0}


def in_code() -> set[str]:
    """Every id that a call in the code can give a finding."""
    return {found for file in CODE.rglob("*.py") for found in _in_file(file)}


def _in_file(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (name := _name(node.func)) in CALLS:
            arguments = node.args[CALLS[name] :]
            yield from _texts(arguments[0]) if arguments else ()


def _name(called: ast.expr) -> str:
    """`bad` in `bad(…)` and in `values.bad(…)`."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)

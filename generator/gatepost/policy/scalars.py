"""What all values of the policy share: a scalar is a text or it is not, and what is wrong becomes a finding.

In: a scalar of the YAML file. Out: a text. How it fails: with a pydantic error whose type is the finding's id and
whose context holds the hint.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticCustomError

from gatepost.findings import shown


def bad(identity: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error that becomes a finding with this id."""
    return PydanticCustomError(identity, "{text}", {"text": message, "hint": hint})


def text_of(value: Any, expected: str) -> str:
    if not isinstance(value, str):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f'put it in quotes: "{shown(value)}"' if number else ""
        raise bad("wrong-type", f"{expected} was expected, not {_kind(value)}", hint)
    return value


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else kinds.get(type(value), "a text")

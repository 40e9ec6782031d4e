"""Validation: plain data becomes a Policy, or findings in our words at their places.

In: a source. Out: the policy (None when too little is left of it), the places that fit it, and the findings.
What is wrong is cut out and the rest is validated again, so that one mistake does not hide the next: later rounds
report only what no earlier cut has caused.
"""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gatepost.findings import Finding, Place, Places, PolicyPath, nearest, shown
from gatepost.policy import Policy
from gatepost.policy.values import domain_name
from gatepost.source import Source

# Each round cuts out what was found wrong; three are enough, unless a section falls with the last of its keys.
MOST_ROUNDS = 8

# Parts that every policy needs. Where one is wrong, these stand in, so that all else can still be checked.
STAND_INS: dict[str, Any] = {
    "policy": 1,
    "organisation": {"name": "?", "postmaster": "postmaster@stand-in.invalid"},
    "networks": {"internal": []},
}


def validate(source: Source) -> tuple[Policy | None, Places, list[Finding]]:
    """Validate what was read. With errors among the findings the policy serves for further checks alone."""
    places = source.places
    if not isinstance(source.data, dict):
        return None, places, [Finding(places.of(()), "wrong-type", "a policy is a mapping: organisation: …")]
    data = copy.deepcopy(source.data)
    findings = list(_domains_twice(data, places))
    cuts: set[PolicyPath] = set()
    for _ in range(MOST_ROUNDS):
        try:
            return Policy.model_validate(data), places, findings
        except ValidationError as error:
            details = error.errors(include_url=False)
        findings += [_finding(detail, places) for detail in details if not _follows(_cut(detail), cuts)]
        now = {_cut(detail) for detail in details}
        cuts |= now
        # From the back, so that the items in front of one that goes keep their numbers.
        gone = [path for path in sorted(now, key=_back_to_front, reverse=True) if _cut_out(data, path)]
        places = places.without_items(path for path in gone if isinstance(path[-1], int))
    return None, places, findings


def _cut(detail: ErrorDetails) -> PolicyPath:
    """What to take away because of an error: the wrong value; or the section in which a key is missing."""
    path = _data_path(detail)
    return path[:-1] if detail["type"] == "missing" and len(path) > 1 else path


def _follows(path: PolicyPath, cuts: set[PolicyPath]) -> bool:
    """Whether an error is there only because something below it was cut out before."""
    return any(cut[: len(path)] == path for cut in cuts)


def _back_to_front(path: PolicyPath) -> tuple[tuple[bool, int, str], ...]:
    return tuple((isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in path)


def _cut_out(data: Any, path: PolicyPath) -> bool:
    """Take one part out of the data, and tell whether it was there."""
    if len(path) == 1 and path[0] in STAND_INS:
        data[path[0]] = copy.deepcopy(STAND_INS[str(path[0])])
        return False
    try:
        for part in path[:-1]:
            data = data[part]
        del data[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _domains_twice(data: dict[str, Any], places: Places) -> Iterator[Finding]:
    """Two ways to write one domain (upper case, internationalised) would be one key: say so, drop the second."""
    domains = data.get("domains")
    seen: dict[str, str] = {}
    for written in list(domains) if isinstance(domains, dict) else []:
        normal = normal_domain(written)
        if normal in seen:
            place = places.of_key(("domains", written))
            first = places.of_key(("domains", seen[normal])).line
            yield Finding(place, "duplicate-domain", f"{shown(written)} is the domain of line {first} again")
            del cast(dict[str, Any], domains)[written]
        seen.setdefault(normal, written)


def normal_domain(written: str) -> str:
    """A domain's normal form, or the text itself where it is none."""
    try:
        return domain_name(written)
    except ValueError:
        return written


def _data_path(detail: ErrorDetails) -> PolicyPath:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _finding(detail: ErrorDetails, places: Places) -> Finding:
    """One of pydantic's errors in our words, at its place."""
    path = _data_path(detail)
    kind, context, last = detail["type"], detail.get("ctx") or {}, str(path[-1]) if path else ""
    value_at, key_at = places.of(path), places.of_key(path)
    if kind == "extra_forbidden":
        return Finding(key_at, "unknown-key", f"'{shown(last)}' is not known here", nearest(last, _keys_at(path[:-1])))
    if kind == "missing":
        place = places.of_key(path[:-1]) if len(path) > 1 else Place(places.file)
        return Finding(place, "missing-key", f"{shown('.'.join(map(str, path)))} is needed here", _example(path))
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        return Finding(
            value_at,
            "unknown-value",
            f"'{shown(detail['input'])}' is not known here",
            nearest(str(detail["input"]), expected),
        )
    if "text" in context:
        at = key_at if "[key]" in detail["loc"] else value_at
        return Finding(at, kind, str(context["text"]), str(context["hint"]))
    if kind == "too_short":
        return Finding(value_at, "bad-value", "at least one is needed here", _example(path))
    if kind.endswith(("_type", "_parsing", "_attributes_type")):
        return Finding(value_at, "wrong-type", _expected(kind))
    return Finding(value_at, "bad-value", f"{shown(detail['input'])}: {detail['msg'][0].lower()}{detail['msg'][1:]}")


def _expected(kind: str) -> str:
    words = {
        "float": "a number",
        "int": "a whole number",
        "tuple": "a list (- …)",
        "list": "a list (- …)",
        "dict": "a mapping (key: value)",
        "model": "a mapping (key: value)",
        "string": "a text",
        "bool": "true or false",
    }
    return f"{words.get(kind.split('_')[0], 'another kind of value')} was expected here"


def _keys_at(path: PolicyPath) -> list[str]:
    """The keys that the model knows at a path, for the nearest valid word."""
    found: Any = Policy
    for part in path:
        found = _below(found, part)
    model = _plain(found)
    fields = model.model_fields.items() if isinstance(model, type) and issubclass(model, BaseModel) else ()
    return [field.alias or name for name, field in fields]


def _below(annotation: Any, part: str | int) -> Any:
    """The annotation of what stands below a key of a section or mapping, or at an index of a list."""
    model = _plain(annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(part))
        return field.annotation if field else None
    inner = typing.get_args(model)
    return inner[-1 if typing.get_origin(model) is dict else 0] if inner else None


def _plain(annotation: Any) -> Any:
    """An annotation without its `| None`."""
    if isinstance(annotation, types.UnionType):
        return next(kind for kind in typing.get_args(annotation) if kind is not types.NoneType)
    return annotation


def _example(path: PolicyPath) -> str:
    examples: dict[PolicyPath, str] = {
        ("policy",): "begin the file with: policy: 1",
        ("organisation",): "organisation: {name: City of Example, postmaster: postmaster@example.org}",
        ("domains",): "domains: {example.org: {deliver_to: …, recipients: …}}",
        ("networks",): "networks: {internal: [192.0.2.0/24]}; an empty list is allowed",
    }
    return examples.get(path, "")

"""Whatever stands in a policy or an envelope, there is an answer: a model or findings, and a verdict."""

from __future__ import annotations

import copy
import ipaddress
import json
from pathlib import Path
from typing import Any

from gatepost.decide import Attempt, decide
from gatepost.decide.envelope import read_path
from gatepost.findings import errors, in_order
from gatepost.load import Loaded, load, load_source
from gatepost.policy import values as v
from gatepost.source import parse_yaml, read_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ids import ROOT
from written import TEN_LINES, loaded_text

EXAMPLE = ROOT / "policies" / "example.yml"
FOLDER = EXAMPLE.parent
WHOLE = read_yaml(EXAMPLE).data
MODEL = load(EXAMPLE).model

few = settings(max_examples=150, deadline=None)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.dates().map(str),
    st.ip_addresses().map(str),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    ["policy", "organisation", "domains", "networks", "filtering", "example.org", "block", "recipients"]
)


def paths(tree: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every part of a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [here, *(path for key, inner in items for path in paths(inner, (*here, key)))]


def put(tree: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of a tree with another value at one place."""
    if not path:
        return value
    changed = copy.deepcopy(tree)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return changed


def is_an_answer(loaded: Loaded) -> None:
    assert (loaded.model is None) == bool(errors(loaded.findings))
    assert loaded.findings == in_order(loaded.findings)
    for finding in loaded.findings:
        assert (finding.id and finding.message and str(finding).isprintable()) or "\n    " in str(finding)


@few
@given(st.text(max_size=200))
def test_any_text_is_a_model_or_findings(text: str) -> None:
    is_an_answer(loaded_text(text))


@few
@given(st.text(alphabet="abc:-?[]{}&*!|>'\"%@#,\n\t 0~.", max_size=60))
def test_any_heap_of_yaml_signs_is_a_model_or_findings(text: str) -> None:
    is_an_answer(loaded_text(text))
    is_an_answer(loaded_text(TEN_LINES + text))


@few
@given(st.dictionaries(keys | st.text(max_size=12), trees, max_size=6))
def test_any_tree_is_a_model_or_findings(tree: dict[str, Any]) -> None:
    is_an_answer(load_source(parse_yaml(json.dumps(tree), "policy.yml"), FOLDER))


@few
@given(st.sampled_from(paths(WHOLE)), trees)
def test_any_value_in_any_place_of_a_good_policy_is_a_model_or_findings(
    path: tuple[str | int, ...], value: Any
) -> None:
    is_an_answer(load_source(parse_yaml(json.dumps(put(WHOLE, path, value)), "policy.yml"), FOLDER))


@few
@given(st.sampled_from([path for path in paths(WHOLE) if path]), st.text(max_size=20))
def test_any_key_beside_any_other_is_a_model_or_findings(path: tuple[str | int, ...], key: str) -> None:
    tree = copy.deepcopy(WHOLE)
    inner = tree
    for part in path[:-1]:
        inner = inner[part]
    if isinstance(inner, dict):
        inner[key] = inner[path[-1]]
    is_an_answer(load_source(parse_yaml(json.dumps(tree), "policy.yml"), FOLDER))


@few
@given(st.binary(max_size=200))
def test_any_bytes_in_a_recipients_file_are_recipients_or_findings(tmp_path_factory: Any, content: bytes) -> None:
    folder: Path = tmp_path_factory.mktemp("policy")
    (folder / "r.txt").write_bytes(content)
    text = TEN_LINES.replace(TEN_LINES[TEN_LINES.index("{list:") : TEN_LINES.index("\nnetworks")], "{file: r.txt}")
    is_an_answer(loaded_text(text, folder))


paths_on_the_wire = st.one_of(
    st.text(max_size=60),
    st.text(alphabet='ab@.%!"\\[]<>:;,() 1-_', max_size=30),
    st.builds(
        "{}@{}".format, st.text(max_size=10), st.sampled_from(["example.org", "[192.0.2.1]", "Example.ORG.", "x"])
    ),
)
attempts = st.builds(
    Attempt,
    client=st.ip_addresses(),
    sender=paths_on_the_wire,
    recipient=paths_on_the_wire,
    authenticated=st.booleans(),
    subject=st.none() | st.text(max_size=60) | st.text(alphabet="=?utf-8BQ_ab\r\n ", max_size=40),
    size=st.integers(),
    spam_score=st.floats(),
    virus=st.none() | st.text(max_size=5),
    attachments=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    scanner_down=st.booleans(),
    server_addresses=st.frozensets(st.ip_addresses(), max_size=2),
)


@few
@given(attempts)
def test_every_attempt_has_a_verdict(attempt: Attempt) -> None:
    assert MODEL is not None
    found = decide(MODEL, attempt)
    assert found.code in (250, 501, 504, 550, 552, 554)
    assert (found.code == 250) == (found.action != "reject") == (found.lane is not None)
    assert (found.recipient is None) == (found.action == "reject")
    assert found.line and all(step.line for step in found.steps)


@few
@given(paths_on_the_wire, paths_on_the_wire)
def test_no_envelope_from_outside_reaches_a_foreign_domain(sender: str, recipient: str) -> None:
    assert MODEL is not None
    found = decide(MODEL, Attempt(ipaddress.ip_address("203.0.113.9"), sender, recipient))
    assert found.recipient is None or found.recipient.endswith(("@example.org", "@example.net"))


@few
@given(attempts)
def test_the_same_attempt_always_has_the_same_verdict(attempt: Attempt) -> None:
    assert MODEL is not None
    assert decide(MODEL, attempt) == decide(MODEL, attempt)


locals_ = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


@few
@given(locals_)
def test_every_address_has_one_normal_form_and_the_gate_reads_it_back(local: str) -> None:
    address = v.Address(local, "example.org")
    assert v.address(str(address)) == address
    path = read_path(str(address))
    if "@" in local and path is not None:
        assert path.local == local
    elif not local.startswith("@"):
        assert path is not None
        assert path.key == address.key


CHECKS = (v.domain_name, v.address, v.pattern, v.network, v.next_hop, v.extension)
written = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="abcüß.-@[]:/0123456789\"'% ", max_size=30),
    st.sampled_from(["bücher.example", "2001:DB8::/32", "smtp:[::1]", "lmtp:[10.0.0.1]:24", '"a b"@x.example', "JS"]),
)


@few
@given(st.sampled_from(CHECKS), written)
def test_a_normal_form_is_its_own_normal_form(check: Any, text: str) -> None:
    try:
        value = check(text)
    except ValueError:
        return
    assert check(str(value)) == value
    assert str(value).isprintable()

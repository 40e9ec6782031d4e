"""Reading what people wrote: the YAML policy, with the place of every key and value.

In: a path. Out: plain data (dict, list, str, int, float, bool, None) and beside it a map from each path in the
data to its place in the file. How it fails: with findings, never with an exception of the YAML library.

The data is built from ruamel.yaml's node tree: the round-trip loader keeps places too, but is many times slower,
and only nodes show both places of a duplicate key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gatepost.files import read_regular
from gatepost.findings import Finding, Place, Places, PolicyPath, shown

# A policy is written by people: recipients live in files of their own. More than this is a mistake or an attack.
MOST_BYTES = 2_000_000
# Aliases may repeat a part of the policy, but not multiply it without end ("billion laughs").
MOST_VALUES = 100_000
MOST_DEPTH = 20
# Nobody writes a larger number; Python would not even print some of them.
MOST_NUMBER = 2**63

_CORE = "tag:yaml.org,2002:"
# What plain values get by themselves. `merge` is a key, and refused as one.
_KNOWN_TAGS = {
    _CORE + kind for kind in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
}


@dataclass(frozen=True)
class Source:
    """A YAML file as read: its data, places and findings. `data` is None when nothing could be read."""

    data: Any
    places: Places
    findings: tuple[Finding, ...] = ()


def read_yaml(path: Path, *, name: str | None = None) -> Source:
    """Read one YAML file. `name` is how findings call it (the file's own name if not given)."""
    file = name or path.name
    text = read_text(path, file)
    return _nothing(text) if isinstance(text, Finding) else parse_yaml(text, file)


def _nothing(finding: Finding) -> Source:
    return Source(None, Places(finding.place.file), (finding,))


def read_text(path: Path, file: str) -> str | Finding:
    """The text of a file that a person wrote, or the finding that says why there is none."""
    raw = read_regular(path, MOST_BYTES, file, Place(file))
    if isinstance(raw, Finding):
        return raw
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        return Finding(Place(file, line, column), "not-utf8", "this is not UTF-8 text", "save the file as UTF-8")


def parse_yaml(text: str, file: str) -> Source:
    """Parse YAML text into data and places."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return _nothing(Finding(place, "yaml-syntax", "a character that YAML does not allow"))
    except MarkedYAMLError as error:
        return _nothing(_syntax(error, file))
    except YAMLError as error:
        return _nothing(Finding(Place(file), "yaml-syntax", shown(str(error))))
    except RecursionError:
        return _nothing(_too_deep(Place(file)))
    if node is None or _is_left_out(node):
        empty = Finding(Place(file), "empty-policy", "the file is empty", "`policies/minimal.yml` shows ten lines")
        return _nothing(empty)
    return _Builder(file).build(node)


def _too_deep(place: Place) -> Finding:
    return Finding(place, "too-deep", "nested too deeply", "a policy is at most a few levels deep")


def _is_left_out(node: Node) -> bool:
    """Whether nothing stands where a value should."""
    return isinstance(node, ScalarNode) and str(node.tag) == f"{_CORE}null"


def _syntax(error: MarkedYAMLError, file: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    problem = " ".join(filter(None, (error.context, error.problem))) or "this is not YAML"
    hint = "YAML is indented with spaces, never with tabs" if "\\t" in problem or "'\t'" in problem else ""
    return Finding(place, "yaml-syntax", shown(problem, 160), hint)


class _TooMuchError(Exception):
    """The document grows beyond what a person writes: the finding is its argument."""


class _Builder:
    """Turns ruamel's nodes into plain data, and notes the place of everything on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[PolicyPath, Place] = {}
        self.keys: dict[PolicyPath, Place] = {}
        self.findings: list[Finding] = []

    def build(self, node: Node) -> Source:
        try:
            data = self.value(node, ())
        except _TooMuchError as stop:
            data, finding = None, stop.args[0]
            self.findings.append(finding)
        return Source(data, Places(self.file, self.values, self.keys), tuple(self.findings))

    def place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def value(self, node: Node, path: PolicyPath) -> Any:
        if len(path) > MOST_DEPTH:
            raise _TooMuchError(_too_deep(self.place(node)))
        if len(self.values) >= MOST_VALUES:
            raise _TooMuchError(
                Finding(
                    self.place(node),
                    "too-many-values",
                    "the policy unfolds into too many values",
                    "aliases (*name) that contain each other multiply: write the part out once",
                )
            )
        self.values[path] = self.place(node)
        self.tag(node)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(cast(ScalarNode, node))

    def mapping(self, node: MappingNode, path: PolicyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key is None:
                continue
            here = (*path, key)
            if key in result:
                first = self.keys[here]
                self.findings.append(
                    Finding(
                        self.place(key_node),
                        "duplicate-key",
                        f"'{shown(key)}' stands here a second time",
                        f"the first is at line {first.line}",
                    )
                )
                continue
            self.keys[here] = self.place(key_node)
            result[key] = self.value(value_node, here)
            if _is_left_out(value_node):
                # What is left out has no place of its own: the parser is on a later line by then.
                self.values[here] = self.keys[here]
        return result

    def tag(self, node: Node) -> None:
        """A tag that somebody wrote promises a kind of value that a policy does not know."""
        if str(node.tag) not in _KNOWN_TAGS:
            message = f"the tag {shown(node.tag)} is not allowed in a policy"
            self.findings.append(Finding(self.place(node), "yaml-tag", message, "write the value without it"))

    def key(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode):
            self.tag(node)
        if isinstance(node, ScalarNode) and node.tag != "tag:yaml.org,2002:merge":
            return str(node.value)
        what = "merge keys (<<) are" if isinstance(node, ScalarNode) else "a list or mapping as a key is"
        self.findings.append(Finding(self.place(node), "bad-key", f"{what} not allowed in a policy"))
        return None

    def scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).rpartition(":")[2]
        text = str(node.value)
        if kind == "bool":
            return text.lower() in ("true", "yes", "on", "y")
        if kind == "null":
            return None
        if kind in ("int", "float"):
            return _number(text, kind)
        return text  # strings and dates; the model reads dates itself


def _number(text: str, kind: str) -> int | float | str:
    """A YAML number; what Python cannot read as one stays text, and is found by the model."""
    plain = text.replace("_", "")
    try:
        number = int(plain, 0) if kind == "int" else float(plain)
    except ValueError:
        return text
    return number if abs(number) < MOST_NUMBER else text

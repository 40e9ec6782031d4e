"""Postfix's files as Postfix reads them: parsers for tests, written from its manual pages and tried on real servers.

Also the models that tests of render/postfix share: ten good lines, and what a test adds.
"""

from __future__ import annotations

import re
from pathlib import Path

from gatepost.bundle import Part
from gatepost.inventory import Host
from gatepost.load import load_source
from gatepost.policy import Model
from gatepost.render import postfix
from gatepost.source import parse_yaml

TEN_LINES = """\
policy: 1
organisation: {name: City of Example, postmaster: anna@example.org}
domains:
  example.org:
    deliver_to: smtp:[192.0.2.99]:2525
    recipients: {list: [anna@example.org, closed@example.org]}
networks: {internal: [192.0.2.0/24, "2001:db8:1::/48"]}
"""
GATE12 = Host("gate12", "gate12.lab.test", 12, ("10.91.0.12", "fd00:db8:91::12"))
GATE13 = Host("gate13", "gate13.lab.test", 13, ("10.91.0.13",))


def model_of(more: str = "", base: str = TEN_LINES) -> Model:
    """The model of the ten lines and more; the test fails when it has errors."""
    loaded = load_source(parse_yaml(base + more, "policy.yml"), Path("/nowhere"))
    assert loaded.model is not None, "\n".join(map(str, loaded.findings))
    return loaded.model


def part_of(more: str = "", host: Host = GATE12, base: str = TEN_LINES) -> Part:
    """Postfix's part of a bundle."""
    return postfix.render(model_of(more, base), host)


def text_of(part: Part, path: str) -> str:
    """One file, by its path below /etc."""
    return next(file.content.decode() for file in part.files if file.path == f"/etc/{path}")


def logical_lines(text: str) -> list[str]:
    """Lines without comments; one that begins with a blank continues the one before (postconf(5), postmap(1))."""
    found: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t" and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line.rstrip())
    return found


def main_cf(text: str) -> dict[str, str]:
    """Parameters and their values."""
    pairs = (line.partition("=") for line in logical_lines(text))
    return {name.strip(): value.strip() for name, _, value in pairs}


def table(text: str) -> dict[str, str]:
    """Keys and values: a key ends at the first blank that stands in no quotes (postmap.c)."""
    found: dict[str, str] = {}
    for line in logical_lines(text):
        split = re.fullmatch(r'((?:"(?:[^"\\]|\\.)*"|\\.|[^\s"\\])+)\s+(.*)', line)
        assert split is not None, line
        key = split[1].lower()
        assert key not in found, line
        found[key] = split[2]
    return found


def rules(text: str) -> list[tuple[str, str]]:
    """Patterns and results of a pcre table: a backslash keeps the next sign from ending the pattern."""
    found: list[tuple[str, str]] = []
    for line in logical_lines(text):
        if line.startswith("if /") or line == "endif":
            continue
        split = re.fullmatch(r"/((?:[^/\\]|\\.)*)/ (.*)", line)
        assert split is not None, line
        found.append((split[1], split[2]))
    return found


def result_read(result: str, captured: str = "") -> str:
    """What Postfix makes of the right side of a pcre rule: `$$` is a dollar, `${1}` what was captured."""

    def one(match: re.Match[str]) -> str:
        assert match[0] in ("$$", "${1}"), match[0]
        return "$" if match[0] == "$$" else captured

    return re.sub(r"\$(?:\$|\{[^}]*\}|.?)", one, result)


def footer_read(template: str, server_name: str = "mx.example") -> str:
    """What Postfix makes of a reject footer: backslashes first, then names (smtp_reply_footer.c)."""
    assert "\\n" not in template
    assert not template.startswith("\\c")

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        assert match[1] == "server_name", match[0]
        return (match[2] or "") if server_name else ""

    return re.sub(r"\$(?:\$|\{([a-z_]+)\?([^}]*)\}|.?)", one, template)

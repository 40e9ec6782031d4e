"""Models and readers that the tests of amavis, ClamAV, SpamAssassin and rsyslog share.

amavis's file is read back by Perl itself: with stand-ins for the few words of amavis's own that it uses.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gatepost.bundle import Part
from gatepost.inventory import Host
from gatepost.load import load_source
from gatepost.policy import Model
from gatepost.source import parse_yaml

TEN_LINES = """\
policy: 1
organisation: {name: City of Example, postmaster: anna@example.org}
domains:
  example.org:
    deliver_to: smtp:[192.0.2.99]:2525
    recipients: {list: [anna@example.org, abuse@example.org]}
networks: {internal: [192.0.2.0/24, "2001:db8:1::/48"]}
"""
GATE12 = Host("gate12", "gate12.lab.test", 12, ("10.91.0.12",))
ALONE = Host("gate13", "gate13.lab.test", 13, ("10.91.0.13",), updates=False)
PERL = shutil.which("perl")
needs_perl = pytest.mark.skipif(PERL is None, reason="perl is not installed")

_STAND_INS = """
use JSON::PP;
use constant { D_PASS => 1, D_DISCARD => 0, D_REJECT => -1, D_BOUNCE => -2, CC_UNCHECKED => 7 };
sub new_RE { [map { ref $_ eq 'ARRAY' ? $_->[0] : $_ } @_] }
sub ca { $_[0] }
sub ask_daemon { }
"""


def model_of(more: str = "") -> Model:
    """The model of the ten lines and more; the test fails when it has errors."""
    loaded = load_source(parse_yaml(TEN_LINES + more, "policy.yml"), Path("/nowhere"))
    assert loaded.model is not None, "\n".join(map(str, loaded.findings))
    return loaded.model


def text_of(part: Part, path: str) -> str:
    """One file of a part."""
    return next(file.content.decode() for file in part.files if file.path == path)


def paths_of(part: Part) -> set[str]:
    """Which files a part brings."""
    return {file.path for file in part.files}


def perl(program: str) -> Any:
    """What a Perl program prints, as data."""
    assert PERL is not None
    done = subprocess.run([PERL, "-"], input=program.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def perl_variables(text: str, *names: str) -> dict[str, Any]:
    """Variables (`$max_servers`, `@local_domains_maps`) as they are once Perl has run an amavis configuration."""
    scalars = set(re.findall(r"(?<![\\\w])(\$\w\w+)\b(?![{\[])", text)) - {"$ENV"}
    arrays = set(re.findall(r"(?<![\\\w])(@\w\w+)", text))
    hashes = {f"%{name}" for name in re.findall(r"\$(\w\w+)\{", text)} - {"%ENV"}
    declared = " ".join(sorted(scalars | arrays | hashes))
    shown = ", ".join(f"'{name}' => \\{name}" for name in names)
    read_back: dict[str, Any] = perl(
        f"{_STAND_INS}\nuse vars qw({declared});\n{text}\n"
        "sub plain { my $v = shift; my $r = ref $v;"
        " return $r eq 'SCALAR' ? $$v : $r eq 'REF' ? plain($$v) : $r eq 'Regexp' ? qq($v) : $r eq 'CODE' ? 'code'"
        " : $r eq 'ARRAY' ? [map { plain($_) } @$v] : $r eq 'HASH' ? { map { $_ => plain($v->{$_}) } keys %$v } : $v }"
        f"print JSON::PP->new->canonical->encode(plain({{ {shown} }}));"
    )
    return read_back


def directives(text: str) -> dict[str, str]:
    """Lines of a name and a value (clamd.conf, freshclam.conf): each name once."""
    lines = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    names = [name for name, _ in lines]
    assert len(names) == len(set(names)), "a name stands twice"
    return {name: value for name, value in lines}  # noqa: C416 - lists of two are no pairs for mypy

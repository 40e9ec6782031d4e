"""Any address and any domain that a policy may hold is read by real Postfix as exactly that value.

hypothesis writes the policies, the renderer their tables, and `postmap` of Debian 12 and 13 reads them back: a value
that could end its line, begin a comment or look like a pattern would come back as something else, or as more.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from gatepost.inventory import Host
from gatepost.load import load
from gatepost.policy import Address, Model
from gatepost.policy.values import quoted_local
from gatepost.render import postfix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_postfix_reads import MACHINES, Server

pytestmark = pytest.mark.real

LOCAL_PARTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=24)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(lambda x: x[2:4] != "--")
TABLE = "/tmp/gatepost-any"
KINDS = pytest.mark.parametrize("machine", MACHINES)


def model_of(people: list[str], senders: list[str], domains: tuple[str, ...] = ("example.org",)) -> Model:
    """A policy in which these local parts exist in each domain, and these are blocked; JSON is YAML."""
    policy = {
        "policy": 1,
        "organisation": {"name": "Any", "postmaster": "root@elsewhere.example"},
        "domains": {
            domain: {
                "deliver_to": "smtp:[store.example]",
                "recipients": {"list": [str(Address(p, domain)) for p in people]},
            }
            for domain in domains
        },
        "networks": {"internal": []},
        "filtering": {"block": [{"sender": f"{quoted_local(p)}@scam.example"} for p in senders]},
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.yml"
        path.write_text(json.dumps(policy), encoding="utf-8")
        loaded = load(path)
    assert loaded.model is not None, loaded.findings
    return loaded.model


def table(server: Server, name: str) -> dict[str, str]:
    """A rendered lookup table, built by the machine's own postmap and read back by it."""
    (source,) = (f.content for f in server.part.files if f.path == f"/etc/postfix/maps/{name}")
    server.run("tee", TABLE, stdin=source.decode())
    built = server.run("postmap", f"lmdb:{TABLE}")
    assert (built.returncode, built.stderr) == (0, "")
    dumped = server.run("postmap", "-s", f"lmdb:{TABLE}").stdout
    server.run("rm", "-f", TABLE, f"{TABLE}.lmdb")
    return dict(line.split("\t", 1) for line in dumped.split("\n") if line)


@KINDS
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    people=st.lists(LOCAL_PARTS, min_size=1, max_size=40, unique_by=str.lower),
    senders=st.lists(LOCAL_PARTS, max_size=40, unique_by=str.lower),
)
def test_any_recipient_and_any_sender_is_read_back_as_itself(
    machine: str, people: list[str], senders: list[str]
) -> None:
    model = model_of(people, senders)
    server = Server(machine, model, postfix.render(model, Host(machine, f"{machine}.lab.test", 12, ())))
    # A key that begins with # cannot stand in such a table: it has one of its own (tests/real/test_postfix_reads.py).
    listed = {key for key in model.recipients["example.org"] if not key.startswith("#")}
    assert table(server, "recipients").keys() == listed
    blocked = {Address(p, "scam.example").key for p in senders}
    assert {key for key in table(server, "senders") if "@" in key} == {k for k in blocked if not k.startswith("#")}


@KINDS
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(labels=st.lists(LABELS, min_size=1, max_size=30, unique=True))
def test_any_domain_is_read_back_as_itself(machine: str, labels: list[str]) -> None:
    domains = tuple(f"{label}.example" for label in labels)
    model = model_of(["someone"], [], domains)
    server = Server(machine, model, postfix.render(model, Host(machine, f"{machine}.lab.test", 12, ())))
    assert table(server, "domains").keys() == set(domains)
    assert table(server, "recipients").keys() == {f"someone@{domain}" for domain in domains}

"""The firewall's part as text: one table of our own, and what must be said to nft to bring it from here to there.

In: ports, and clients with the steady second at which their lock-out ends. Out: scripts for `nft -f -`, each of which
nft does wholly or not at all, and filters for ss. It fails never.

Only packets that open a connection to the mail ports are dropped: ssh and all else stay reachable, and a connection
that is open can still be ended in order (a dropped one would hold an smtpd process until its time-out). Each element
carries its own time-out, so lock-outs end even if nobody is left to end them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

TABLE = "inet gatepost"
CHAIN = f"{TABLE} input"
_BATCH = 2000
# nft and we round seconds differently; a shorter difference is none.
_SAME = 3

Clients = Mapping[str, int]
"""A client's name → the steady second at which its lock-out ends."""


def new_table(ports: Iterable[int]) -> str:
    """The empty table, in place of whatever stood there."""
    mail = ", ".join(map(str, sorted(ports)))
    opens = f"tcp dport {{ {mail} }} tcp flags & (fin | syn | rst | ack) == syn"
    return f"""{no_table()}table {TABLE} {{
  comment "locked-out mail clients; gatepost-mx fills it"
  set clients4 {{ type ipv4_addr; flags timeout; }}
  set clients6 {{ type ipv6_addr; flags timeout; comment "each stands for its /64"; }}
  chain input {{
    type filter hook input priority filter - 5; policy accept;
    {opens} ip saddr @clients4 counter drop
    {opens} ip6 saddr & ffff:ffff:ffff:ffff:: @clients6 counter drop
  }}
}}
"""


def no_table() -> str:
    """Nothing in place of whatever stood there."""
    return f"table {TABLE}\ndelete table {TABLE}\n"


def changes(have: Clients, want: Clients, now: int) -> Iterator[str]:
    """Scripts that lead from what is in the table to what shall be."""
    gone = [client for client in have if client not in want]
    fresh = [client for client, until in want.items() if abs(have.get(client, -_SAME) - until) > _SAME and until > now]
    again = [client for client in fresh if client in have]
    yield from _each("delete", [*gone, *again], want, now)
    yield from _each("add", fresh, want, now)


def _each(verb: str, clients: Iterable[str], want: Clients, now: int) -> Iterator[str]:
    left = iter(clients)
    while batch := list(islice(left, _BATCH)):
        yield "".join(_lines(verb, batch, want, now))


def _lines(verb: str, clients: list[str], want: Clients, now: int) -> Iterator[str]:
    for name, chosen in (
        ("clients4", [c for c in clients if ":" not in c]),
        ("clients6", [c for c in clients if ":" in c]),
    ):
        elements = ", ".join(map(_element, chosen))
        if not elements:
            continue
        if verb == "delete":
            # To delete what has just run out is an error that would undo the whole script; so it is added first.
            yield f"add element {TABLE} {name} {{ {elements} }}\n"
        else:
            elements = ", ".join(f"{_element(c)} timeout {want[c] - now}s" for c in chosen)
        yield f"{verb} element {TABLE} {name} {{ {elements} }}\n"


def _element(client: str) -> str:
    """A /64 is one element: the rule cuts the client's address down to it."""
    return client.partition("/")[0]


def sessions_of(clients: Iterable[str], ports: Iterable[int]) -> Iterator[str]:
    """ss's words for the connections that these clients hold to these ports, a hundred clients at a time."""
    mail = " or ".join(f"sport = :{port}" for port in sorted(ports))
    left = iter(clients)
    while batch := list(islice(left, 100)):
        yield f"( {' or '.join(f'dst {client}' for client in batch)} ) and ( {mail} )"

"""Domains: mail must leave towards a store, not come back, and the postmaster must be reachable."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from gatepost.findings import Finding, PolicyPath, nearest
from gatepost.policy import Address, Model, NextHop

LOCALHOST = frozenset({"localhost", "localhost.localdomain", "localhost4.localdomain4", "localhost6.localdomain6"})


def no_loop_by_name(model: Model) -> Iterator[Finding]:
    """A next hop that is the server itself is a loop: localhost, or the MX records of one of our own domains."""
    for domain, known in model.domains.items():
        hop = known.deliver_to
        if hop.ask_mx and hop.host in model.domains:
            message = f"the MX records of {hop.host} lead to these very servers: mail would go round in a loop"
        elif is_this_host(hop, frozenset()):
            message = f"{hop} is the mail server itself: mail would go round in a loop"
        else:
            continue
        place = model.places.of(("domains", model.written_domains.get(domain, domain), "deliver_to"))
        yield Finding(place, "next-hop-loop", message, "name the host that keeps the mailboxes")


def no_loop_to_host(model: Model, names: frozenset[str]) -> Iterator[Finding]:
    """A next hop that is one of the mail servers of the inventory, by name or address, is a loop."""
    for domain, known in model.domains.items():
        if is_this_host(known.deliver_to, names):
            place = model.places.of(("domains", model.written_domains.get(domain, domain), "deliver_to"))
            message = f"{known.deliver_to} is one of these mail servers: mail would go round in a loop"
            yield Finding(place, "next-hop-loop", message, "name the host that keeps the mailboxes")


def is_this_host(hop: NextHop, names: frozenset[str]) -> bool:
    """Whether a next hop is the host that has these names and addresses (loopback always is)."""
    try:
        address = ipaddress.ip_address(hop.host)
    except ValueError:
        return hop.host in LOCALHOST or hop.host.endswith(".localhost") or hop.host in names
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified) or str(mapped) in names


def known_postmaster(model: Model) -> Iterator[Finding]:
    """A postmaster in one of our own domains must exist there, or notices to him would have nowhere to go."""
    yield from must_exist(model, model.policy.organisation.postmaster, ("organisation", "postmaster"))


def proof_recipient_exists(model: Model) -> Iterator[Finding]:
    """The mailbox for proofs must be one of ours."""
    proof = model.policy.proof
    if proof is None:
        return
    yield from must_exist(model, proof.recipient, ("proof", "recipient"))
    if proof.recipient.domain not in model.domains:
        domain = proof.recipient.domain
        yield Finding(
            model.places.of(("proof", "recipient")),
            "unknown-domain",
            f"{domain} is none of our domains",
            nearest(domain, model.domains),
        )
    if proof.destination and proof.destination.domain in model.domains:
        yield Finding(
            model.places.of(("proof", "destination")),
            "destination-is-ours",
            f"{proof.destination.domain} is one of our own domains",
            "name a mailbox of yours elsewhere",
        )


def must_exist(model: Model, address: Address, path: PolicyPath) -> Iterator[Finding]:
    """An address that the policy names, where it lies in one of our own domains, must be among its recipients."""
    listed = model.recipients.get(address.domain)
    # An empty list has its own finding.
    if listed and address.key not in listed:
        yield Finding(
            model.places.of(path),
            "unknown-recipient",
            f"{address} is not among the recipients of {address.domain}",
            nearest(address.key, listed) if len(listed) < 10_000 else "add it to the list",
        )

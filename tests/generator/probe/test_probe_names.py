"""The name service, asked over a real socket."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from gatepost.probe.names import NameService, NameServiceError

ZONE = {
    ("_gatepost-probe.example.org.", "TXT"): ['"gatepost-probe allow=a@b;" " until=2999-01-01"', '"other"'],
    ("mx.example.org.", "A"): ["192.0.2.25"],
    ("mx.example.org.", "AAAA"): ["2001:db8::25"],
    ("example.org.", "MX"): ["10 MX.example.org."],
    ("25.2.0.192.in-addr.arpa.", "PTR"): ["mx.example.org."],
}


class NameServer:
    """Answers out of ZONE, with NXDOMAIN for all else; `refuses` makes it answer nothing useful."""

    def __init__(self) -> None:
        self.refuses = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, client = self.socket.recvfrom(4096)
                if not raw:
                    return
                self.socket.sendto(self._answer(dns.message.from_wire(raw)).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        asked = query.question[0]
        name, kind = asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype)
        found = ZONE.get((name, kind))
        if self.refuses:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            reply.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, found))
        elif name not in {known for known, _ in ZONE}:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply

    def end(self) -> None:
        self.socket.sendto(b"", ("127.0.0.1", self.port))


@pytest.fixture
def server() -> Iterator[NameServer]:
    running = NameServer()
    yield running
    running.end()


def asking(server: NameServer) -> NameService:
    return NameService(ipaddress.ip_address("127.0.0.1"), server.port, seconds=0.5)


def test_a_text_in_several_pieces_is_one(server: NameServer) -> None:
    assert sorted(asking(server).texts("_gatepost-probe.example.org")) == [
        "gatepost-probe allow=a@b; until=2999-01-01",
        "other",
    ]


def test_addresses_of_both_kinds_names_and_exchangers_are_found(server: NameServer) -> None:
    names = asking(server)
    assert list(map(str, names.addresses("mx.example.org"))) == ["192.0.2.25", "2001:db8::25"]
    assert names.names(ipaddress.ip_address("192.0.2.25")) == ["mx.example.org"]
    assert names.exchangers("example.org") == ["mx.example.org"]


def test_what_is_not_there_is_an_empty_list(server: NameServer) -> None:
    names = asking(server)
    assert names.texts("nothing.example.org") == names.texts("mx.example.org") == []


def test_a_name_server_that_fails_is_no_empty_answer(server: NameServer) -> None:
    server.refuses = True
    with pytest.raises(NameServiceError):
        asking(server).texts("_gatepost-probe.example.org")

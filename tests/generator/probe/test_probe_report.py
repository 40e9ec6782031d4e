"""What is printed, written and handed in."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from gatepost.probe.data import as_data
from gatepost.probe.html import page
from gatepost.probe.run import Report
from gatepost.probe.text import lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Server, probed

NASTY = "554 </td><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & \x1b[31m\x07 relay"
ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td", "span", "code"}


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def text_of(report: Report) -> str:
    return "\n".join(line.text for line in lines(report))


def nasty() -> Report:
    with Server() as server:
        server.greeting = NASTY.replace("554", "220")
        server.answers |= {"RCPT TO": NASTY, "VRFY": NASTY, "EHLO": f"250-{NASTY}\r\n250 {NASTY}"}
        return probed(server)


def test_nothing_that_a_server_says_becomes_markup() -> None:
    tags = Tags(page([nasty()]))
    assert tags.seen <= ALLOWED
    assert tags.attributes <= {"lang", "charset", "http-equiv", "content", "class"}


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.text(st.characters(exclude_characters="\r\n"), max_size=100))
def test_whatever_a_server_says_the_page_holds_only_our_tags(said: str) -> None:
    with Server() as server:
        server.answers |= {"RCPT TO": f"554 {said}".encode("utf-8", "replace") + b"\r\n", "VRFY": "550 <b>"}
        report = probed(server)
    assert Tags(page([report])).seen <= ALLOWED
    assert all(line.text.isprintable() for line in lines(report))


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = page([nasty()])
    assert "default-src 'none'" in text
    assert not re.search(r"<[^>]+(?:src|href)=", text)


def test_no_escape_sequence_reaches_the_terminal() -> None:
    assert "\x1b" not in text_of(nasty())
    assert "\\u001b" in text_of(nasty())


def test_the_page_of_text_begins_with_the_answer(server: Server) -> None:
    assert text_of(probed(server)).startswith("mx.test.example: closed:")
    server.answers["RCPT TO"] = "250 ok"
    opened = text_of(probed(server))
    assert opened.startswith("mx.test.example: open:")
    assert "as far as RCPT tells: no mail was sent" in opened


def test_the_data_hold_every_row_and_can_be_written_as_json(server: Server) -> None:
    report = probed(server)
    data = json.loads(json.dumps(as_data(report)))
    assert data["verdict"] == "closed"
    assert len(data["rows"]) == len(report.rows)
    assert {row["outcome"] for row in data["rows"]} == {"closed"}
    assert data["seen_as"] is None


def test_no_report_holds_the_password(server: Server) -> None:
    report = probed(server, password="geheim-1234")
    assert "geheim-1234" not in page([report]) + text_of(report) + json.dumps(as_data(report))

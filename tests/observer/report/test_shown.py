"""How a report looks: the page, the terminal, the mail; and that strangers' texts stay texts in each."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from gatepost_observer.known import Known
from gatepost_observer.report import figures, mail, markup, page, svg, terminal, words
from gatepost_observer.report.arranged import Chart, Report, Series
from gatepost_observer.report.period import Period
from gatepost_observer.report.sections import report
from gatepost_observer.store.engine import over
from hypothesis import given
from hypothesis import strategies as st
from synthesised import OWN, Town, example_known, hostile

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
RECT = re.compile(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"')
MADE = datetime(2026, 11, 23, 6, tzinfo=UTC)


def arranged(events: list[dict[str, Any]], days: int = 7, **known: Any) -> Report:
    unknown = {"smtpd": {"count": 1, "samples": ["<i>\x1b[31m what?"]}}
    wanted = figures.Wanted(Period(MONDAY, MONDAY + timedelta(days=days)), own=OWN, zone=UTC, unknown=unknown)
    with over(events) as engine:
        return report(figures.gathered(engine, wanted, Known.model_validate(example_known() | known)))


@pytest.fixture(scope="module")
def ordinary() -> Report:
    return arranged(Town(days=7, an_hour=10).events())


@pytest.fixture(scope="module")
def strange() -> Report:
    return arranged(hostile(int(MONDAY.timestamp() * 1e6)), organisation="<b>City</b>\u202e")


class Elements(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_strangers_bring_no_element_and_no_attribute_into_the_page(ordinary: Report, strange: Report) -> None:
    plain, hostile_page = Elements(page.page(ordinary, MADE)), Elements(page.page(strange, MADE))
    assert hostile_page.tags <= plain.tags
    assert hostile_page.attributes <= plain.attributes
    assert hostile_page.open == plain.open == []


def test_the_mails_html_has_no_more_than_its_own_elements_either(ordinary: Report, strange: Report) -> None:
    assert Elements(mail.html(strange)).tags <= Elements(mail.html(ordinary)).tags


def test_no_control_character_and_no_turn_of_direction_is_shown(strange: Report) -> None:
    for text in (page.page(strange, MADE), mail.html(strange), terminal.text(strange)):
        assert all(c.isprintable() or c in "\n\u00a0" for c in text)


def test_a_long_address_is_cut_and_does_not_swell_the_page(strange: Report) -> None:
    assert "a" * 200 not in page.page(strange, MADE)
    assert len(page.page(strange, MADE)) < 200_000


def test_the_page_stands_alone(ordinary: Report) -> None:
    text = page.page(ordinary, MADE)
    assert not re.findall(r"(?:https?:)?//[a-z]", text)
    assert not re.findall(r"<(?:script|link|img|iframe)", text)
    assert not re.findall(r'(?:src|href)="(?!#)', text)


def test_the_pages_own_policy_allows_its_own_style_alone(ordinary: Report) -> None:
    text = page.page(ordinary, MADE)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;" in text
    assert " style=" not in text


def test_every_chart_says_in_words_what_can_be_seen(ordinary: Report) -> None:
    text = page.page(ordinary, MADE)
    assert text.count('role="img"') == text.count("<desc") > 4
    assert "came in: " in text


def test_the_headline_says_how_much_came_what_was_refused_and_whether_a_virus_got_through(ordinary: Report) -> None:
    first, second, third = ordinary.headline
    assert re.fullmatch(r"In this week, \d+ mails came in and \d+ were sent from inside\.", first)
    assert re.fullmatch(r"\d\d\u00a0% of what knocked was refused, mostly unknown recipients\.", second)
    assert third.endswith("none got through.")


def test_a_time_without_mail_is_told_in_one_sentence() -> None:
    assert arranged([]).headline == (
        "Nothing happened in this time: no mail came in, none was sent, none was refused.",
    )


def test_the_terminal_needs_eighty_columns(ordinary: Report, strange: Report) -> None:
    for told in (ordinary, strange):
        assert max(map(len, terminal.text(told, 80).split("\n"))) <= 80


def test_a_day_is_shown_by_the_hour() -> None:
    told = arranged(Town(days=1, an_hour=10).events(), days=1)
    assert told.period == "On Monday, 16 November 2026"
    assert [chart.title for chart in told.sections[0].charts] == ["Mail by hour"]
    assert len(told.sections[0].charts[0].labels) == 24


def test_the_mail_is_text_and_html_and_no_answer_is_expected(ordinary: Report) -> None:
    made = mail.message(ordinary, ["director@example.org", "b@example.org"], "gatepost@example.org", MADE)
    read = message_from_bytes(made.as_bytes(), policy=default)
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["From"] == "gatepost@example.org"
    assert read["Subject"] == "Mail report from 16 to 22 November 2026"
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert all(len(line) <= 998 for line in made.as_bytes().split(b"\n"))


def test_without_a_sender_the_mail_is_from_its_first_recipient_never_from_nobody(ordinary: Report) -> None:
    assert mail.message(ordinary, ["director@example.org"], None, MADE)["From"] == "director@example.org"


@pytest.mark.parametrize(
    "said",
    ["", "anna", "@example.org", "anna@", "<>", "a b@example.org", "a@b\r\nBcc: c@d", "a@b,c@d", "ä@example.org"],
)
def test_what_is_no_address_gets_no_mail(said: str) -> None:
    with pytest.raises(mail.MailError, match="no mail address"):
        mail.address(said)


@pytest.mark.parametrize(
    "via", ["", "mx1", "http://mx1", "smtp://", "smtp://mx1:x", "smtp://mx1/path", "smtp://u:p@mx1"]
)
def test_what_is_no_server_is_refused(via: str) -> None:
    with pytest.raises(mail.MailError, match="expected smtp"):
        mail.server(via)


def test_a_server_needs_no_port() -> None:
    assert mail.server("smtp://mx1.example.org") == ("mx1.example.org", 25)
    assert mail.server("smtp://[2001:db8::1]:2525") == ("2001:db8::1", 2525)


@given(st.text())
def test_no_text_leaves_the_element_it_was_put_into(text: str) -> None:
    made = markup.el("td", text, title=text)
    assert made.count("<") == made.count(">") == 2
    assert made.count('"') == 2


@given(st.text(), st.integers(4, 200))
def test_a_strangers_text_is_printable_and_no_longer_than_its_escapes_make_it(text: str, limit: int) -> None:
    told = words.shown(text, limit)
    assert told.isprintable()
    assert len(told) <= 10 * (limit + 1)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=60))
def test_no_column_leaves_its_chart(values: list[float]) -> None:
    labels = tuple(str(n) for n in range(len(values)))
    chart = Chart("t", labels, (Series("s", tuple(values)),), "told")
    for size in (svg.WIDE, svg.NARROW):
        drawn = svg.chart(chart, 0, size)
        for x, y, width, height in re.findall(
            r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"', drawn
        ):
            assert 0 <= float(x) <= size.width - float(width) + 0.2
            assert 0 <= float(y) <= size.height - float(height) + 0.2


@given(st.lists(st.integers(0, 10**9), max_size=80))
def test_in_a_line_of_sparks_only_nothing_looks_like_nothing(values: list[int]) -> None:
    line = terminal.spark(tuple(float(value) for value in values))
    assert [spark == " " for spark in line] == [value == 0 for value in values]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0\u00a0%"),
        (0.001, "<1\u00a0%"),
        (0.995, ">99\u00a0%"),
        (1.0, "100\u00a0%"),
        (0.63, "63\u00a0%"),
        (None, "–"),
    ],
)
def test_a_little_is_not_nothing_and_nearly_all_is_not_all(value: float | None, said: str) -> None:
    assert words.share(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.12, "▲ 12\u00a0%"), (-0.5, "▼ 50\u00a0%"), (0.001, "= unchanged"), (12.0, "▲ × 13"), (None, "–")],
)
def test_a_change_is_told_by_more_than_its_colour(value: float | None, said: str) -> None:
    assert words.change(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (18_600_000_000, "18.6 GB")]
)
def test_sizes_are_short(value: int, said: str) -> None:
    assert words.size(value).replace("\u00a0", " ") == said

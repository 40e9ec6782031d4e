"""Debian's pflogsumm and `gatepost summary` on the same log: every number is the same.

What is known to differ, and why, stands in docs/pflogsumm.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from gatepost_observer.summary.command import run

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import logs

PFLOGSUMM = Path("/usr/sbin/pflogsumm")
SHAPES = {
    "mixed": logs.MIXED,
    "refusals": logs.REFUSALS,
    "filtered": logs.FILTERED,
    "traditional": logs.TRADITIONAL,
}
TITLE = re.compile(
    r"(?:Grand Totals|Per-(?:Day|Hour) Traffic .*|Host/Domain Summary: .*|(?:Senders|Recipients) by message .*|"
    r"Messages with no size data|message .* detail.*|smtp delivery failures|Warnings|Fatal Errors|Panics|"
    r"Master daemon messages)(?:: none)?"
)
RARE = """\
Nov 24 10:59:01 mx1 postfix/pickup[12]: ABCDEF0001: uid=0 from=<root>
Nov 24 10:59:01 mx1 postfix/cleanup[12]: ABCDEF0001: message-id=<x@y>
Nov 24 10:59:01 mx1 postfix/qmgr[12]: ABCDEF0001: from=<root@mx1.example.org>, size=300, nrcpt=2 (queue active)
Nov 24 10:59:01 mx1 postfix/local[12]: ABCDEF0001: to=<a@Example.ORG>, orig_to=<root>, relay=local, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (forwarded as ABCDEF0002)
Nov 24 10:59:01 mx1 postfix/local[12]: ABCDEF0001: to=<b@Example.ORG>, orig_to=<root>, relay=local, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
Nov 24 10:59:01 mx1 postfix/qmgr[12]: ABCDEF0001: removed
Nov 24 10:59:02 mx1 postfix/submission/smtpd[12]: ABCDEF0003: client=unknown[203.0.113.9], sasl_method=PLAIN, sasl_username=a
Nov 24 10:59:02 mx1 postfix/qmgr[12]: ABCDEF0003: from=<>, size=800, nrcpt=1 (queue active)
Nov 24 10:59:02 mx1 postfix/smtp[12]: ABCDEF0003: to=<c@far.example>, relay=mx.far.example[198.51.100.1]:25, conn_use=2, delay=0.3, delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 ok)
Nov 24 10:59:03 mx1 postfix/smtp[12]: ABCDEF0009: to=<d@far.example>, relay=none, delay=4000, delays=1/2/3/4, dsn=4.4.1, status=deferred (connect to mx.far.example[198.51.100.1]:25: Connection timed out)
Nov 24 10:59:03 mx1 postfix/smtp[12]: ABCDEF0009: to=<e@far.example>, relay=mx.far.example[198.51.100.1]:25, delay=9, delays=1/2/3/4, dsn=2.0.0, status=sent (250 ok)
Nov 24 10:59:03 mx1 postfix/error[12]: ABCDEF0009: to=<f@far.example>, relay=none, delay=1, delays=0/0/0/0, dsn=5.0.0, status=bounced (no such domain, not at all, and this text is longer than what fits into the line of a report)
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: reject_warning: RCPT from x.far.example[203.0.113.9]: 550 5.1.1 <d@e.f>: Recipient address rejected: User unknown; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: hold: RCPT from x.far.example[203.0.113.9]: <d@e.f>: Recipient address triggers HOLD action; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: discard: RCPT from x.far.example[203.0.113.9]: <d@e.f>: Recipient address triggers DISCARD action; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: ABCDEF0010: reject: DATA from x.far.example[203.0.113.9]: 550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce; from=<> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: reject: MAIL from x.far.example[203.0.113.9]: 552 5.3.4 Message size exceeds fixed limit; proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: reject: EHLO from x.far.example[203.0.113.9]: 504 5.5.2 <User>: Helo command rejected: need fully-qualified hostname; proto=SMTP helo=<User>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: reject: RCPT from x.far.co.uk[2001:db8::9]: 451 4.3.5 Server configuration problem; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/smtpd[12]: NOQUEUE: reject: RCPT from x.far.example[203.0.113.9]: 450 4.2.0 <d@e.f>: Recipient address rejected: Greylisted, see http://x; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:04 mx1 postfix/cleanup[12]: ABCDEF0011: warning: header Subject: hi from x[203.0.113.9]; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>: look
Nov 24 10:59:04 mx1 postfix/cleanup[12]: ABCDEF0011: milter-reject: END-OF-MESSAGE from x[203.0.113.9]: 5.7.1 Spam; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<x>
Nov 24 10:59:05 mx1 postfix/postscreen[12]: NOQUEUE: reject: RCPT from [203.0.113.9]:21574: 550 5.7.1 Service unavailable; client [203.0.113.9] blocked using zen.example; from=<a@b.c>, to=<d@e.f>, proto=ESMTP, helo=<x>
Nov 24 10:59:05 mx1 postfix/smtpd[12]: warning: a rather long warning about something that is not as it should be in this place
Nov 24 10:59:05 mx1 postfix/smtpd[12]: fatal: no SASL authentication mechanisms
Nov 24 10:59:05 mx1 postfix/master[12]: panic: myfree: corrupt or unallocated memory block
Nov 24 10:59:05 mx1 postfix/master[12]: daemon started -- version 3.7.11, configuration /etc/postfix
Nov 24 10:59:05 mx1 postfix/master[12]: terminating on signal 15
"""  # noqa: E501


def numbers(report: str) -> dict[str, Counter[str]]:
    """Each section of a report with its lines, whatever their order, without what is only layout."""
    sections: dict[str, Counter[str]] = {}
    title = ""
    for line in report.splitlines():
        line = re.sub(r"\s+", " ", line).strip()
        if not line or set(line) <= {"-", " "}:
            continue
        if TITLE.fullmatch(line):
            title = line.removesuffix(": none")
            sections[title] = Counter()
        else:
            sections.setdefault(title, Counter())[line.replace("( ", "(")] += 1
    return sections


def both(log: Path) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    assert PFLOGSUMM.exists(), "Debian's pflogsumm is needed for this test (lab/install)"
    theirs = subprocess.run([str(PFLOGSUMM), str(log)], capture_output=True, check=True, env={"LC_ALL": "C"}).stdout
    ours, problem = run([str(log)], jobs=2)
    assert problem is None
    return numbers(ours), numbers(theirs.decode("utf-8", "replace"))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_is_pflogsumms(shape: str, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    logs.write(log, 2, seed=5, shape=SHAPES[shape])
    ours, theirs = both(log)
    assert set(ours) == set(theirs)
    for title in theirs:
        assert ours[title] == theirs[title], title


def test_every_number_of_rare_lines_is_pflogsumms_too(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(RARE, encoding="ascii")
    ours, theirs = both(log)
    for title in theirs:
        assert ours[title] == theirs[title], title


def test_of_two_instances_the_one_that_pflogsumm_knows_has_its_numbers(tmp_path: Path) -> None:
    """The first instance's lines: pflogsumm knows one name at a time."""
    log = tmp_path / "mail.log"
    logs.write(log, 1, seed=9, shape=logs.Shape(lane="postfix-normal"))
    text = log.read_text(encoding="ascii")
    ours, problem = run([str(log)], instances=["postfix"])
    theirs = subprocess.run([str(PFLOGSUMM), str(log)], capture_output=True, check=True, env={"LC_ALL": "C"}).stdout
    assert problem is None
    assert " postfix-normal/" in text
    assert numbers(ours)["Grand Totals"] == numbers(theirs.decode())["Grand Totals"]

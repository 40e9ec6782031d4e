"""Probes of the spam thresholds.

Only one score can be had for certain: that of the test string. For the thresholds below it, mails are sent that look
more and more like advertisement; the score that the server itself gave them is then put before decide. Where none of
them falls between two thresholds, that line stays unproven, which is better than a guess.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatepost.findings import PolicyPath
from gatepost.prove.mails import Mail, gtube
from gatepost.prove.probe import Probe
from gatepost.prove.probes.entries import SPAM
from gatepost.prove.setting import Setting

SECTION: PolicyPath = ("filtering", "spam")
THRESHOLDS = ("tag_at", "mark_at", "quarantine_at")
# Local rules of SpamAssassin that have been stable for many years: HTML alone, no Date, shouting, drugs, money.
_PITCH = "<html><body><p>You have won. Click here now!</p></body></html>"
_LOUD = "<html><body><p>No prescription needed. Click here now!</p></body></html>"
_LOUDER = "<html><body><p>VIAGRA and CIALIS, no prescription needed. Click here now!</p></body></html>"
_LOUDEST = (
    "<html><body><p>VIAGRA and CIALIS, no prescription needed. You have won $5,000,000 (five million US dollars) "
    "in our lottery. Dear friend, I am a barrister; send your bank account.</p></body></html>"
)


def probes(setting: Setting) -> Iterator[Probe]:
    """All of them."""
    outside = setting.origins.outside(setting.version, 1)
    yield setting.probe(
        "spam, from outside",
        ((*SECTION, "quarantine_at"),),
        outside,
        setting.reader,
        mail=Mail(body=gtube()),
        spam_score=SPAM,
    )
    for what, mail in _ladder():
        yield setting.probe(
            what, tuple((*SECTION, name) for name in THRESHOLDS), outside, setting.reader, mail=mail, by_score=True
        )


def _ladder() -> Iterator[tuple[str, Mail]]:
    """Steps of one and a half to three points, so that most thresholds have one above them."""
    yield "an ordinary mail", Mail()
    yield "a mail that looks a little like spam", Mail("A mail from Gatepost", _PITCH, odd=True)
    yield "a mail that looks like spam", Mail("CLICK HERE NOW", _LOUD, odd=True)
    yield "a mail that looks much like spam", Mail("CLICK HERE NOW", _LOUDER, odd=True)
    yield "a mail that looks very much like spam", Mail("YOU HAVE WON", _LOUDEST, odd=True)

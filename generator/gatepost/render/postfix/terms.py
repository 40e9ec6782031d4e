"""Terms: words in the Subject, as header_checks at the gate.

In: the model. Out: a pcre table. Pure; it fails never.

Postfix looks at bytes, as they were sent, so a term is found in plain ASCII and in raw UTF-8. What is in encoded words
(RFC 2047) is for SpamAssassin, which decodes them. UTF-8 mode of pcre is not used on purpose: one wrong byte in a
Subject makes it give up (a warning in the log, and no match), so a spammer could switch the table off.
"""

from __future__ import annotations

from gatepost.policy import Model
from gatepost.policy.replies import refused_text
from gatepost.render.entries import entries
from gatepost.render.postfix.lists import told
from gatepost.render.postfix.quoting import pcre_literal, pcre_result

# A word character is a letter, a digit, the underscore, or any byte of a character beyond ASCII.
_NOT_BEFORE, _NOT_AFTER = r"(?<![\w\x80-\xff])", r"(?![\w\x80-\xff])"


def term_rules(model: Model) -> list[str]:
    """The lines of the table: terms that are allowed end the search for this header (DUNNO), so they come first."""
    rules = [rule for name, action in _actions(model) for rule in _rules(model, name, action)]
    # Header lines that are no Subject skip all of it. Blanks before the colon are an old form that Postfix takes.
    return [r"if /^Subject[ \t]*:/", *rules, "endif"] if rules else []


def _actions(model: Model) -> tuple[tuple[str, str], ...]:
    return ("allow", "DUNNO"), ("block", pcre_result(f"REJECT {refused_text(model)}"))


def _rules(model: Model, name: str, action: str) -> list[str]:
    lines: list[str] = []
    for known in entries(model, name, "term"):
        lines += [f"# {told(known)}", f"/{term_pattern(known.entry.term or '')}/ {action}"]
    return lines


def term_pattern(term: str) -> str:
    """A regular expression (flags i and s, Postfix's defaults) for a whole Subject header, folded or not."""
    words = r"\s+".join("".join(map(_any_case, word)) for word in term.split())
    return rf"^Subject[ \t]*:.*{_NOT_BEFORE}{words}{_NOT_AFTER}"


def _any_case(character: str) -> str:
    """A character in both cases: the flag i knows ASCII alone as long as pcre looks at bytes."""
    if character.isascii():
        return pcre_literal(character)
    forms = sorted({form for form in (character, character.lower(), character.upper()) if len(form) == 1})
    return f"(?:{'|'.join(map(pcre_literal, forms))})"

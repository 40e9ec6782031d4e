"""How a value enters SpamAssassin's configuration: as a regular expression on bytes, and as an address.

In: a value of the policy. Out: text that holds ASCII letters, digits and backslashes of ours alone, so that no comment
sign, delimiter or line end of a value can ever be read as syntax.
"""

from __future__ import annotations

# SpamAssassin gives rules the decoded header as UTF-8 bytes. Blanks: ASCII's, no-break space, the spaces of
# U+2000…200A, narrow no-break space and ideographic space.
BLANKS = r"(?:\s|\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe3\x80\x80)"
# No part of a word: ASCII that is none, or what was written beyond ASCII but is no letter. A byte of any other
# character counts as a letter. Each alternative has one length, as a look behind needs it.
_NO_LETTERS = (
    r"\xc2[\x80-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf]",  # Latin-1 punctuation, no-break space
    r"\xe2(?:\x80[\x80-\xbf]|\x81[\x80-\xaf]|\x82[\xa0-\xbf])",  # dashes, quotes, blanks, currencies
    r"\xe2(?:\x86[\x90-\xbf]|[\x87-\x90\x94-\x9c\x9f-\xaf][\x80-\xbf]|\x9d[\x80-\xb5])",  # arrows, symbols, dingbats
    r"\xe3\x80[\x80-\x84\x88-\xa0]",  # CJK punctuation
    r"\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbc[\x81-\x8f\x9a-\xa0])",  # variation selectors, BOM, fullwidth punctuation
    r"\xf0\x9f[\x8c-\xbf][\x80-\xbf]",  # emoji
)
BEFORE = r"(?:(?<![\w\x80-\xff])|" + "|".join(f"(?<={letters})" for letters in _NO_LETTERS) + ")"
AFTER = r"(?:(?![\w\x80-\xff])|(?=" + "|".join(_NO_LETTERS) + "))"


def term_pattern(term: str) -> str:
    """A term as whole words, whatever their case and whatever blanks stand between them."""
    words = ["".join(_character(c) for c in word) for word in term.split()]
    return "|".join((BEFORE + f"{BLANKS}+".join(words) + AFTER, *_in_utf16(term)))


def _in_utf16(term: str) -> tuple[str, ...]:
    """The same where SpamAssassin leaves encoded words as they are: in UTF-16, big and little end first."""
    words = [[_character(c, order) for c in word] for word in term.split() for order in ("utf-16-be", "utf-16-le")]
    big, little = (["".join(word) for word in words[start::2]] for start in (0, 1))
    return (
        r"(?<!\x00\w)" + r"(?:\x00[\s\xa0])+".join(big) + r"(?!\x00\w)",
        r"(?<!\w\x00)" + r"(?:[\s\xa0]\x00)+".join(little) + r"(?!\w\x00)",
    )


def _character(character: str, encoding: str = "utf-8") -> str:
    """One character in each of its cases. Perl folds the case of ASCII alone when it matches bytes."""
    if character.isascii():
        return _bytes(character, encoding)
    cases = {character, character.lower(), character.upper(), character.casefold()}
    return "(?:" + "|".join(sorted(_bytes(case, encoding) for case in cases)) + ")"


def _bytes(text: str, encoding: str = "utf-8") -> str:
    return "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"\\x{b:02x}" for b in text.encode(encoding))


def text_pattern(text: str) -> str:
    """A text that stands for itself."""
    return _bytes(text)

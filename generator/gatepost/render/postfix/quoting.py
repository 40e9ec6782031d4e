"""Quoting for Postfix: how a value is written so that Postfix reads back exactly that value.

In: a text of the policy (printable, on one line). Out: the text for one kind of file. It fails with ValueError where a
kind of file cannot say a value at all; no value that passes the policy's validation gets that far.

Postfix expands in layers, so these functions are composed from the inside: a footer stands in a pcre table, hence
`pcre_result(footer(text))`.
"""

from __future__ import annotations

import re

# Bytes that are the same inside and outside of a regular expression, whatever flags it has.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def main_cf(value: object) -> str:
    """A value in main.cf or behind `-o name=`: `$` begins the name of a parameter, and both ends are trimmed."""
    text = str(value)
    if text != text.strip() or not text.isprintable() or text.startswith("{"):
        raise ValueError(f"main.cf cannot say {text!r}")
    return text.replace("$", "$$")


def speakable_key(key: str) -> bool:
    """Whether the source of a lookup table can say a key. A line that begins with # is a comment, and no quoting helps:
    quotes are part of the key, and Postfix looks up an address in quotes only where RFC 5321 asks for them."""
    return not key.startswith("#")


def table_line(key: str, value: str) -> str:
    """A line in the source of an lmdb table. A key holds blanks only inside its own quotes ("odd name"@example.org),
    which postmap takes for part of the key, as Postfix does when it looks up. Values are taken as they are."""
    if not speakable_key(key) or _splits(key) or not (key + value).isprintable() or not value or value != value.strip():
        raise ValueError(f"a table cannot say {key!r} → {value!r}")
    return f"{key} {value}"


def _splits(key: str) -> bool:
    """Whether postmap would end the key too soon, or find its quotes unbalanced."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", key)
    return not key or any(character in bare for character in ' "\\')


def pcre_literal(text: str) -> str:
    """A text in a regular expression that stands for itself. What is not a letter or digit is written as its bytes, so
    neither the delimiter, nor a metacharacter, nor `#` under the x flag can mean anything."""
    return "".join(chr(byte) if byte in _PLAIN else _byte(byte) for byte in text.encode())


def _byte(byte: int) -> str:
    return rf"\{chr(byte)}" if chr(byte) in ".@-" else rf"\x{byte:02x}"


def pcre_result(text: str) -> str:
    """A text on the right side of a pcre table, where `$1` is what was captured."""
    if not all(character.isprintable() for character in text):
        raise ValueError(f"a pcre table cannot say {text!r}")
    return text.replace("$", "$$")


def footer(text: str) -> str:
    """A text in smtpd_reject_footer_maps. `$name` is expanded there, a backslash with n ends a line, with c it glues
    the text to the reply, and no backslash escapes another. An expansion that is always true parts the two, and an
    empty one parts a backslash at the end from whatever comes next."""
    parted = re.sub(r"\\([cn])", r"\\${server_name?\1}", text.replace("$", "$$"))
    return re.sub(r"\\$", r"\\${server_name?}", parted)


def table_cf(value: str) -> str:
    """A value in the file of a table's source (ldap_table(5)): it is taken as it stands, but for blanks at its ends."""
    if value != value.strip() or not value.isprintable():
        raise ValueError(f"a table's parameters cannot say {value!r}")
    return value


def ldap_name(name: str) -> str:
    """A distinguished name where Postfix fills in the key that is looked up: % begins its place."""
    return name.replace("%", "%%")


def ldap_filter(text: str) -> str:
    """A search filter with the key in the places that are meant for it. Postfix escapes it there (RFC 4515)."""
    return text.replace("%", "%%").replace("{recipient}", "%s").replace("{local}", "%u")

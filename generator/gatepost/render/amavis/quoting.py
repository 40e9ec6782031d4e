"""How a value enters amavis's configuration, which is Perl.

In: a value of the policy. Out: a Perl literal or a part of a Perl regular expression that means exactly this value.
"""

from __future__ import annotations


def perl_string(value: str) -> str:
    """A single-quoted Perl string: nothing in it is interpolated, and only \\ and ' need a backslash."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def perl_number(value: float) -> str:
    """A number: Python's shortest form that reads back as the same one is Perl's too."""
    return repr(value)


def perl_pattern(value: str) -> str:
    """A text that stands for itself in a Perl regular expression, whatever delimiter is around it."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):x}}}" for c in value)

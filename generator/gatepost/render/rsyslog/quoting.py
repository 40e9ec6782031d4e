"""Values in rsyslog.conf: a text in double quotes.

In: a text of the policy or the inventory. Out: the same text as rsyslog reads it back. It fails never: what cannot be
seen was refused with the policy.
"""

from __future__ import annotations


def quoted(text: str) -> str:
    """A string constant of RainerScript. A dollar sign would begin a variable, and a backslash takes the next sign."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'

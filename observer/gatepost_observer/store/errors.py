"""What can be wrong with a store, in words for the person who asked for it.

A command prints the message and ends with exit code 3: it could not tell.
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be read or written; the message says what was wrong and what was expected."""

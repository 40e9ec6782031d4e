"""Elements of HTML and SVG: whatever is put into one is escaped, unless an element made it.

In: names, attributes, children. Out: markup. There is no way to put a text in that is not escaped: a stranger's text
cannot open an element, leave an attribute, or begin a comment.
"""

from __future__ import annotations

from html import escape
from typing import Final, Self

_ALONE: Final = frozenset({"meta", "br", "col"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()

    def __add__(self, other: str) -> Self:
        return type(self)(str.__add__(self, escaped(other)))


Child = str | int | float | None


def escaped(child: Child) -> Markup:
    """A child as markup."""
    if child is None:
        return Markup()
    return child if isinstance(child, Markup) else Markup(escape(str(child), quote=True))


def joined(*children: Child) -> Markup:
    """Children beside each other."""
    return Markup("".join(map(escaped, children)))


def el(tag: str, /, *children: Child, **attributes: Child | bool) -> Markup:
    """An element. `class_` is class, `aria_label` is aria-label; attributes that are None or False are left out."""
    said = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if tag in _ALONE:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{joined(*children)}</{tag}>")


def _attribute(key: str, value: Child | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value), quote=True)}"'

"""Layout of rendered files: the one Jinja environment, and the comments that tie each block to its policy line.

Templates hold layout alone; what a value is and how it is quoted is decided in Python, beside the template.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gatepost import __version__
from gatepost.inventory import Host
from gatepost.policy import Model

_HERE = Path(__file__).parent


@cache
def _environment() -> Environment:
    # Configuration files are no HTML: each daemon's quoting function is applied in Python instead.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(_HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def fill(template: str, **values: Any) -> bytes:
    """A template (`postfix/main.cf.j2`) with its values, as the bytes of the file."""
    return _environment().get_template(template).render(**values).encode()


def head(model: Model, host: Host | None = None) -> str:
    """What stands in the head of each rendered file (without the comment sign); no host where all get the same file."""
    whom = f" for {host.name}" if host else ""
    return f"Made by Gatepost {__version__} from {model.places.name}{whom}. Change the policy, not this file."

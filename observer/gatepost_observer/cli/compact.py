"""`gatepost compact`: the store made small and fast, by a timer."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from gatepost_observer.cli.configured import ConfigOption, JsonOption, StoreOption, configured, store_of
from gatepost_observer.cli.console import Exit, fail, print_json, readable

EXAMPLES = """\b
Examples:
  gatepost compact                              (as the timer does: /etc/gatepost/observer.json)
  gatepost compact --store ./store --keep 90d --forget-addresses-after 30d
"""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

KeepOption = Annotated[
    str | None,
    typer.Option("--keep", metavar="TIME", help="Drop events older than this: 90d. Else as the policy says."),
]
ForgetOption = Annotated[
    str | None,
    typer.Option(
        "--forget-addresses-after",
        metavar="TIME",
        help="Replace addresses in events older than this by pseudonyms: 30d. Else as the policy says.",
    ),
]


def compact(
    store: StoreOption = None,
    config: ConfigOption = None,
    keep: KeepOption = None,
    forget_addresses_after: ForgetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge the store's small files, drop what is too old, and replace old addresses by pseudonyms.

    A collector may write and reports may read meanwhile; a run that is killed leaves nothing half done.
    """
    from gatepost_observer.store import StoreError, locks
    from gatepost_observer.store.compact import Rules
    from gatepost_observer.store.compact import compact as run
    from gatepost_observer.store.writer import opened

    known = configured(config, as_json=as_json)
    place = store_of(store, known, as_json=as_json)
    rules = Rules(
        _seconds("--keep", keep, as_json=as_json) or (known.keep if known else None),
        _seconds("--forget-addresses-after", forget_addresses_after, as_json=as_json)
        or (known.forget_addresses_after if known else None),
    )
    try:
        with opened(place, locks.COMPACT) as writer:
            done = run(writer, time.time(), rules)
    except StoreError as error:
        fail(readable(str(error)), Exit.UNKNOWN, as_json=as_json)
    if as_json:
        print_json(vars(done))
        return
    typer.echo(
        f"{done.merged} files merged into {done.into}, {done.dropped} too old and dropped, "
        f"addresses forgotten in {done.forgotten:,} events"
    )


def _seconds(option: str, text: str | None, *, as_json: bool) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhdw])", text)
    if not found:
        fail(f"{option}: {text!r} is no span of time, expected for example 90d, 36h or 4w", Exit.USAGE, as_json=as_json)
    return int(found[1]) * _UNITS[found[2]]

"""From where mail came: networks, and countries where a database of them lies on this machine.

In: rows of networks.sql; the path of a database in MaxMind's format (GeoLite2 Country and the like). Out: rows. IPv6
addresses are folded to /64. Fails with PlacesError when the database cannot be read.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

Row = dict[str, Any]
COUNTED: Final = ("clients", "accepted", "refused", "spam", "viruses")


class PlacesError(Exception):
    """The database of countries cannot be used; the message is one line."""


def networks(rows: Iterable[Row]) -> list[Row]:
    """The rows as they come, with their numbers as numbers."""
    return [{"network": row["network"], **{name: int(row[name] or 0) for name in COUNTED}} for row in rows]


def folded(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """By network: /24 of IPv4, /64 of IPv6; what is no address stays as it was said."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(_network(row["network"]), Counter()).update({name: row[name] for name in COUNTED})
    return found


def _network(text: str) -> str:
    prefix = 64 if ":" in text else 24
    try:
        return str(ipaddress.ip_network((text.partition("%")[0], prefix), strict=False))
    except ValueError:
        return text.removesuffix("...0")


def told(rows: list[Row], database: str | None, top: int) -> dict[str, Any]:
    """The networks that knocked most, those that were refused most, and the countries."""
    found = folded(rows)
    with _lookup(database) as country:
        countries: dict[str, Counter[str]] = {}
        where: dict[str, str | None] = {}
        for network, count in found.items():
            where[network] = country(network)
            if database:
                countries.setdefault(where[network] or "unknown", Counter()).update(count)
    return {
        "networks": [_row("network", name, found[name]) | {"country": where[name]} for name in _first(found, top)],
        "countries": [_row("country", name, countries[name]) for name in _first(countries, top)] if database else None,
        "how_many": len(found),
    }


def _row(what: str, name: str, count: Counter[str]) -> Row:
    return {what: name, **{name: count[name] for name in COUNTED}}


def _first(found: dict[str, Counter[str]], top: int) -> list[str]:
    return sorted(found, key=lambda name: (-(found[name]["refused"] + found[name]["accepted"]), name))[:top]


@contextmanager
def _lookup(database: str | None) -> Iterator[Callable[[str], str | None]]:
    if database is None:
        yield lambda network: None
        return
    import maxminddb

    try:
        reader = maxminddb.open_database(database)
    except (OSError, maxminddb.InvalidDatabaseError, ValueError) as error:
        raise PlacesError(f"{database}: cannot be used as a database of countries ({error})") from None
    with reader:
        yield lambda network: _country(reader, network)


def _country(reader: Any, network: str) -> str | None:
    try:
        found = reader.get(network.partition("/")[0])
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    country = found.get("country") or found.get("registered_country") or {}
    return country.get("iso_code") if isinstance(country, dict) else None

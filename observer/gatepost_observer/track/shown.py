"""Ways as people read them, and as programs do.

In: ways, and what is known of the policy. Out: lines of text, or mappings for JSON. Everything that came from a log
stays on its line, whatever it holds. Times are in the zone of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from gatepost_observer.cli.console import shown, styled
from gatepost_observer.events import Event
from gatepost_observer.track.way import Way

if TYPE_CHECKING:
    from gatepost_observer.known import Known

LONG: Final = 400
_COLOURS: Final = {
    "refused": "red",
    "returned": "red",
    "deferred": "yellow",
    "delivered": "green",
    "notice": "yellow",
}
_TELLING: Final = {
    "virus": "virus",
    "attachment": "attachment",
    "quarantine": "kept as",
    "tests": "tests",
    "list": "by",
}


def told(way: Way, known: Known | None) -> dict[str, Any]:
    """A way for JSON."""
    return {
        "first": way.first.isoformat(),
        "last": way.last.isoformat(),
        "seconds": (way.last - way.first).total_seconds(),
        "hosts": way.values("host"),
        "queue_ids": way.values("queue_id"),
        "message_ids": way.values("message_id"),
        "senders": way.values("sender"),
        "recipients": way.values("recipient"),
        "cut": way.cut,
        "steps": [
            {
                **event,
                "time": event["time"].isoformat(),
                "after": (event["time"] - way.first).total_seconds(),
                "line": known.line(event) if known else None,
            }
            for event in way.events
        ],
    }


def lines(way: Way, known: Known | None) -> Iterator[str]:
    """A way as text: who to whom, then each step with the time since the first."""
    yield styled(_title(way), bold=True)
    for event in way.events:
        yield from _step(event, way, known)
    if way.cut:
        yield styled("  … and more steps than can be shown", dim=True)


def _title(way: Way) -> str:
    senders = [value or "<>" for value in way.values("sender")] or ["?"]
    recipients = way.values("recipient") or ["?"]
    more = f" and {len(recipients) - 3} more" if len(recipients) > 3 else ""
    ids = "".join(f"  <{shown(value, 120)}>" for value in way.values("message_id")[:1])
    day = f"{way.first.astimezone():%Y-%m-%d}"
    return f"{day}  {shown(senders[0])} → {', '.join(shown(r) for r in recipients[:3])}{more}{ids}"


def _step(event: Event, way: Way, known: Known | None) -> Iterator[str]:
    kind = str(event.get("kind"))
    clock = f"{event['time'].astimezone():%H:%M:%S.%f}"[:-3]
    since = _duration((event["time"] - way.first).total_seconds())
    where = "/".join(dict.fromkeys(str(event.get(c)) for c in ("instance", "program") if event.get(c)))
    head = f"  {clock} {since:>9}  {shown(event.get('host', '?'), 24)} {shown(where, 32)}"
    line = known.line(event) if known else None
    by = styled(f"  [{shown(line)}]", "cyan") if line else ""
    yield f"{head}  {styled(shown(kind), _COLOURS.get(kind), bold=True)}  {_facts(event)}{by}"
    if event.get("text"):
        yield styled(f"{'':26}{shown(event['text'], LONG)}", dim=True)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"+{seconds:.3f}s"
    if seconds < 3600:
        return f"+{int(seconds // 60)}m{seconds % 60:02.0f}s"
    return f"+{int(seconds // 3600)}h{seconds % 3600 // 60:02.0f}m"


def _facts(event: Event) -> str:
    return "  ".join(_told(event))


def _told(event: Event) -> Iterator[str]:
    for column in ("reason", "action"):
        if event.get(column):
            yield shown(event[column])
    if event.get("queue_id"):
        yield shown(event["queue_id"])
    if event.get("client") and event.get("kind") in ("accepted", "refused", "connect", "login", "lock-out"):
        yield f"from {_client(event)}"
    if event.get("recipient") and event.get("kind") != "accepted":
        yield f"to {shown(event['recipient'])}"
    yield from _hop(event)
    if event.get("score") is not None:
        yield f"score {event['score']:g}"
    for column, word in _TELLING.items():
        if event.get(column):
            yield f"{word} {shown(event[column], 120)}"


def _client(event: Event) -> str:
    named = f"{shown(event['client_name'])} " if event.get("client_name") else ""
    user = f" as {shown(event['user'])}" if event.get("user") else ""
    return f"{named}[{shown(event['client'])}]{user}"


def _hop(event: Event) -> Iterator[str]:
    if event.get("relay"):
        port = f":{event['relay_port']}" if event.get("relay_port") else ""
        yield f"by {shown(event['relay'])}{port}"
    if event.get("delay") is not None:
        parts = [event.get(f"delay_{part}") for part in ("before", "queue", "connect", "send")]
        split = f" ({'/'.join(f'{part:g}' for part in parts)})" if None not in parts else ""
        yield f"after {event['delay']:g}s{split}"
    if event.get("queued_as"):
        yield f"then {shown(event['queued_as'])}"

"""observer.json: what the observer knows of the policy, so that a report can name the line behind a refusal.

In: the model and a log host. Out: JSON, the same bytes for the same input. The observer imports nothing of the
generator: this file is all that passes between them.
"""

from __future__ import annotations

import json
from typing import Any

from gatepost.findings import PolicyPath
from gatepost.inventory import LogHost
from gatepost.policy import Model
from gatepost.policy.sections import Entry

VERSION = 1
STORE = "/var/lib/gatepost/store"
LOGS = "/var/log/gatepost/*/mail.log"

# Reasons of refused and filtered mail, and the policy's line that stands behind each. The entries of the lists have
# lines of their own.
_REASONS: dict[str, PolicyPath] = {
    "attachment": ("filtering", "attachments", "forbidden"),
    "locked-out": ("unknown_recipients", "lock_out"),
    "relay": ("networks", "internal"),
    "spam": ("filtering", "spam", "quarantine_at"),
    "tagged": ("filtering", "spam", "tag_at"),
    "too-large": ("limits", "message_size"),
    "unchecked": ("filtering", "viruses", "when_scanner_is_down"),
    "unknown-recipient": ("unknown_recipients", "text"),
    "virus": ("filtering", "viruses", "action"),
}


def known(model: Model, host: LogHost) -> bytes:
    """The file."""
    logs = model.policy.logs
    content = {
        "version": VERSION,
        "policy": model.places.name,
        "organisation": model.policy.organisation.name,
        "own_domains": {domain: _line(model, ("domains", domain)) for domain in model.domains},
        "internal": [str(network) for network in model.policy.networks.internal],
        "store": STORE,
        "logs": [LOGS],
        "keep": logs.keep,
        "forget_addresses_after": logs.forget_addresses_after,
        "report": _report(model, host),
        "country_database": logs.countries,
        "reasons": {reason: _line(model, path) for reason, path in _REASONS.items()},
        "entries": [entry for name in ("allow", "block") for entry in _entries(model, name)],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _report(model: Model, host: LogHost) -> dict[str, Any] | None:
    """To whom it goes, and through which server."""
    if not host.senders:
        return None
    to = model.policy.logs.report.to or (model.policy.organisation.postmaster,)
    return {
        "to": [str(address) for address in to],
        "via": f"smtp://{host.senders[0]}:25",
        "from": f"gatepost@{host.fqdn}",
    }


def _entries(model: Model, name: str) -> list[dict[str, str | None]]:
    """Every entry of a list, in its order: by its number SpamAssassin's rules are called."""
    listed: tuple[Entry, ...] = getattr(model.policy.filtering, name)
    return [
        {
            "list": name,
            "field": entry.kind,
            "value": str(getattr(entry, entry.kind)),
            "reason": entry.reason,
            "line": _line(model, ("filtering", name, number, entry.kind)),
            "until": entry.until.isoformat() if entry.until else None,
        }
        for number, entry in enumerate(listed)
    ]


def _line(model: Model, path: PolicyPath) -> str:
    """`example.yml:9`, or that it is a default."""
    number = model.line_number(*path)
    return f"{model.places.name}:{number}" if number else f"{model.places.name} (default)"

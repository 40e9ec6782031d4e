"""Logs are followed, their lines become events, the events go into the store: each once, whatever is killed when.

`Collector` follows live logs; `Import` reads whole old ones. Both commit where they stand together with the events.
"""

from __future__ import annotations

from gatepost_observer.collect.collector import Collector
from gatepost_observer.collect.history import Import, Imported, oldest_first

__all__ = ["Collector", "Import", "Imported", "oldest_first"]

"""Where events are kept: Parquet files by day and host, a manifest that says which of them count.

Readers take `Store(path).files(…)` or, to ask in SQL, `engine.opened(…)`; writers take `writer.opened(path)`.
"""

from __future__ import annotations

from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.reader import Store

__all__ = ["Store", "StoreError"]

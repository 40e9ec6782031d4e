"""The compaction as a child process, over and over, for the test that kills it."""

from __future__ import annotations

import sys
import time

from gatepost_observer.store import StoreError, locks
from gatepost_observer.store.compact import Rules, compact
from gatepost_observer.store.writer import opened


def main(store: str) -> None:
    """Compact until killed, as if a day had passed, so that the day that is written counts as over."""
    while True:
        try:
            with opened(store, locks.COMPACT) as writer:
                print("ready", flush=True)
                while True:
                    compact(writer, time.time() + 400 * 86_400, Rules())
        except StoreError as error:
            if "no such store" not in str(error) and "is no store" not in str(error):
                raise


if __name__ == "__main__":
    main(sys.argv[1])

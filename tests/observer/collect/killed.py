"""The collector as a child process, for the test that kills it: very small commits, so that a kill hits one."""

from __future__ import annotations

import sys

from gatepost_observer.collect import Collector
from gatepost_observer.store.writer import opened


def main(store: str, *patterns: str) -> None:
    """Follow until killed, saying "ready" when it begins; until nothing is new where the first pattern is --once."""
    once = patterns[0] == "--once"
    with opened(store) as writer:
        collector = Collector(writer, patterns[once:], period=0.005, many=60)
        print("ready", flush=True)
        while collector.step() or not once:
            pass
        collector.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Where did this mail go? Its whole way: every instance, every host, every reply, and the policy line behind each step.

`find(store, Wanted(…), limit)` gives the ways, the newest first, and how many more there are.
"""

from __future__ import annotations

from gatepost_observer.track.search import Answer, find
from gatepost_observer.track.wanted import Wanted
from gatepost_observer.track.way import Way

__all__ = ["Answer", "Wanted", "Way", "find"]

"""Lines out of files: whole ones (`blocks`), also compressed or from standard input, and live ones (`Follower`).

What cannot be read raises Unreadable, with a message for the user: the file, what was wrong, what was expected.
"""

from gatepost_observer.lines.follow import Batch, Follower
from gatepost_observer.lines.whole import Unreadable, blocks, lines

__all__ = ["Batch", "Follower", "Unreadable", "blocks", "lines"]

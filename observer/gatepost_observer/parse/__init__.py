"""Lines of mail logs become typed events: `Reader(host).read(lines)`.

In: complete lines without their newline, in order, from one source; Postfix with all its instances, amavis, ClamAV,
rspamd and what stands beside them. Out: events. It never fails on what a line says.
"""

from gatepost_observer.parse.reader import Reader

__all__ = ["Reader"]

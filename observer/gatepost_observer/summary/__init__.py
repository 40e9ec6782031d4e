"""The summary of whole logs: what pflogsumm reports, by `gatepost summary` or `python3 -m gatepost_observer.summary`.

In: logs, plain or compressed, or standard input. Out: the numbers, as text or JSON. The standard library is enough.
"""

"""`python3 -m gatepost_observer.summary`: the summary by Python's standard library alone, on a server as it is."""

from __future__ import annotations

import argparse
import os
import sys

from gatepost_observer.summary.command import BadDay, run


def main() -> None:
    """Read the arguments, and print."""
    parser = argparse.ArgumentParser(prog="gatepost summary", description="Sum up mail logs.")
    parser.add_argument("logs", nargs="+", metavar="LOG", help="plain or compressed; - is standard input")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--day", help="one day: 2026-11-24, today, yesterday")
    parser.add_argument("--instance", action="append", default=[], help="only this instance of Postfix")
    parser.add_argument("--top", type=int, help="so many entries of each list")
    parser.add_argument("--jobs", type=int, help="so many processes")
    chosen = parser.parse_args()
    try:
        text, problem = run(
            chosen.logs,
            day=chosen.day,
            instances=chosen.instance,
            top=chosen.top,
            jobs=chosen.jobs,
            as_json=chosen.json,
        )
    except BadDay as bad:
        parser.error(str(bad))
    if text:
        sys.stdout.write(text)
    if problem:
        sys.stderr.write(f"gatepost summary: {problem}\n")
        sys.stderr.flush()
    sys.stdout.flush()
    # Python's own end would take apart a hundred thousand entries, one by one.
    os._exit(3 if problem else 0)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    main()

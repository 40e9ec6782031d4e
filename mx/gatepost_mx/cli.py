"""`gatepost-mx`: the milter, the firewall's helper, and what an administrator asks on the server.

In: arguments. Out: text, or with --json one object. Exit: 0 fine; 1 the answer is no (the milter does not run, nothing
to lift, the config has faults); 2 wrong usage; 3 could not tell (no answer, no permission, an unreadable file).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gatepost_mx import VERSION, clock, config, control, lists, sending, store
from gatepost_mx.clients import from_person
from gatepost_mx.counting import Counts, Limits
from gatepost_mx.keeper import described

FINE, NO, USAGE, COULD_NOT_TELL = 0, 1, 2, 3

_EXAMPLES = """\
examples:
  gatepost-mx status
  gatepost-mx lockouts
  gatepost-mx lockouts --lift 203.0.113.9
  gatepost-mx lockouts --lift 2001:db8:1:2::/64
  gatepost-mx check /etc/gatepost/mx.json

exit codes: 0 fine, 1 the answer is no, 2 wrong usage, 3 could not tell
"""


class _FailedError(Exception):
    """A command ends without its answer: the code, and what to say."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Gives the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.command(chosen)
        sys.stdout.flush()
    except _FailedError as failed:
        _complain(chosen, str(failed))
        return failed.code
    except config.ConfigError as error:
        _complain(chosen, str(error))
        return COULD_NOT_TELL if error.unreadable else NO
    except BrokenPipeError:
        sys.stdout = None  # nobody reads on: nothing is to be flushed at the end
        return COULD_NOT_TELL
    return code


def _complain(chosen: argparse.Namespace, text: str) -> None:
    if getattr(chosen, "json", False):
        print(json.dumps({"error": text}))
    else:
        print(f"gatepost-mx: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("gatepost-mx", description=__doc__, epilog=_EXAMPLES, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"gatepost-mx {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, epilog=_EXAMPLES, formatter_class=raw)
        made.set_defaults(command=run)
        if name != "check":
            made.add_argument("--config", type=Path, default=config.PATH, help="the config (default: %(default)s)")
        if name in ("status", "lockouts", "check"):
            made.add_argument("--json", action="store_true", help="print JSON")
        return made

    command("status", _status, "How the milter fares, and the firewall with it.")
    lockouts = command("lockouts", _lockouts, "Who is locked out, for how long still; and how to end it.")
    ways = lockouts.add_mutually_exclusive_group()
    ways.add_argument("--lift", metavar="CLIENT", type=_client, help="end this lock-out: an address, or a /64 of IPv6")
    ways.add_argument("--all", action="store_true", help="end all lock-outs")
    command("check", _check, "Is this config good?").add_argument("file", type=Path, metavar="CONFIG")
    command("milter", _milter, "Run the milter (systemd does).")
    command("firewall", _firewall, "Run the firewall's helper (systemd does).")
    command("reload", _reload, "Let the milter read its config again.")
    command(
        "lists", lambda _: lists.main(), "Look whether the block lists are well (systemd does, every five minutes)."
    )
    command("sending", lambda _: sending.main(), "Count how much each user sends (systemd does).")
    return parser


def _client(text: str) -> str:
    client = from_person(text)
    if client is None:
        raise argparse.ArgumentTypeError("an IPv4 address, an IPv6 address or its /64 was expected")
    return client


def _asked(chosen: argparse.Namespace, question: dict[str, Any]) -> dict[str, Any]:
    try:
        told = control.ask(config.load(chosen.config).control, question)
    except control.SilentError as silent:
        raise _FailedError(NO if silent.refused else COULD_NOT_TELL, str(silent)) from silent
    if "error" in told:
        raise _FailedError(NO, str(told["error"]))
    return told


def _status(chosen: argparse.Namespace) -> int:
    told = _asked(chosen, {"ask": "status"})
    if chosen.json:
        print(json.dumps(told))
        return FINE
    print(f"milter: running for {_span(told['running_for'])} (pid {told['pid']})")
    counts = f"{told['locked_out']} locked out, {told['watched']} watched, {told['once_locked_out']} once locked out"
    print(f"lock-outs: {told['lock_outs']}; clients: {counts}")
    print(f"firewall: {told['firewall']}")
    print(f"state: {told['state']}")
    return FINE


def _lockouts(chosen: argparse.Namespace) -> int:
    if chosen.lift or chosen.all:
        return _lift(chosen)
    found = _listed(chosen)
    if chosen.json:
        print(json.dumps({"lock_outs": found}))
        return FINE
    for one in found:
        numbers = f"{one['addresses']} addresses within {_span(one['window'])}, time {one['times']}"
        print(f"{one['client']:<24} {_span(one['left']):>9} left   since {_span(one['since'])}, {numbers}")
    print(f"{len(found)} locked out")
    return FINE


def _listed(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    try:
        return list(_asked(chosen, {"ask": "lock-outs"})["lock_outs"])
    except _FailedError as failed:
        if failed.code != NO:
            raise
        print("gatepost-mx: the milter does not run; this is what it left", file=sys.stderr)
    return _left(config.load(chosen.config).state)


def _left(folder: Path) -> list[dict[str, Any]]:
    """The lock-outs that are on disk."""
    at = clock.now()
    try:
        records = store.look(folder, at)
    except store.StateError as error:
        raise _FailedError(COULD_NOT_TELL, str(error)) from error
    counts = Counts(Limits(2, 1, 1, 1, 0))
    counts.remember(records)
    return [described(one, at.steady) for one in counts.lock_outs(at.steady)]


def _lift(chosen: argparse.Namespace) -> int:
    question = {"ask": "lift-all"} if chosen.all else {"ask": "lift", "client": chosen.lift}
    try:
        lifted = _asked(chosen, question)["lifted"]
    except _FailedError as failed:
        # While the milter does not run nobody is locked out, but he will be again: nothing was lifted.
        raise _FailedError(COULD_NOT_TELL, str(failed)) from failed
    if chosen.json:
        print(json.dumps({"lifted": lifted}))
    else:
        print("\n".join(f"{client}: lifted" for client in lifted) or "nobody was locked out")
    return FINE if lifted or chosen.all else NO


def _check(chosen: argparse.Namespace) -> int:
    try:
        config.load(chosen.file)
        faults: list[str] = []
    except config.ConfigError as error:
        if error.unreadable:
            raise
        faults = error.faults
    if chosen.json:
        print(json.dumps({"config": str(chosen.file), "ok": not faults, "faults": faults}))
    else:
        print("\n".join(faults) or f"{chosen.file}: good", file=sys.stderr if faults else sys.stdout)
    return NO if faults else FINE


def _milter(chosen: argparse.Namespace) -> int:
    # Nothing else needs python3-milter, so nothing else fails where it is missing.
    from gatepost_mx import postfix, service

    try:
        service.run(chosen.config, postfix.serve)
    except OSError as error:
        raise _FailedError(COULD_NOT_TELL, f"the milter cannot run: {error}") from error
    return FINE


def _firewall(chosen: argparse.Namespace) -> int:
    from gatepost_mx import firewall

    firewall.run(chosen.config)
    return FINE


def _reload(chosen: argparse.Namespace) -> int:
    _asked(chosen, {"ask": "reload"})
    return FINE


def _span(seconds: int) -> str:
    """A length of time for people: 23h 5m."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")) if number]
    return " ".join(parts[:2]) or "0s"

"""The milter as a service: what runs beside the sessions, and what systemd is told.

In: the path of the config. Out: a milter that runs until SIGTERM; readiness, and a sign of life every second, on
systemd's socket. How it fails: ConfigError or OSError before it is ready; afterwards it does not.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from gatepost_mx import VERSION, config, control, sayings
from gatepost_mx.keeper import Keeper
from gatepost_mx.visit import Visit


def run(path: Path, serve: Callable[[str, str | None, Callable[[], Visit], Callable[[], None]], None]) -> None:
    """Run the milter. `serve` is what speaks with Postfix; it returns when the process is to end."""
    sayings.begin()
    settings = config.load(path)
    voice = sayings.Voice()
    keeper = Keeper(settings, voice.say)
    keeper.save()
    over = threading.Event()
    loops = [threading.Thread(target=_every_second, args=(over, work)) for work in (_alive(keeper), keeper.save)]
    asked = control.serve(settings.control, keeper, path)

    def ready() -> None:
        for loop in loops:
            loop.start()
        status = keeper.status()
        voice.say(sayings.started(VERSION, status["locked_out"], status["watched"]))
        tell_systemd("READY=1")

    try:
        serve(settings.socket, settings.socket_group, lambda: Visit(keeper), ready)
    finally:
        over.set()
        for loop in loops:
            if loop.is_alive():
                loop.join()
        control.end(asked, settings.control)
        keeper.close()
        voice.say(sayings.stopped())
        voice.end()


def _alive(keeper: Keeper) -> Callable[[], None]:
    """The tick needs the lock that all sessions need: who can tick, lives."""

    def tick() -> None:
        keeper.tick()
        tell_systemd("WATCHDOG=1")

    return tick


def _every_second(over: threading.Event, work: Callable[[], None]) -> None:
    while not over.wait(1):
        work()


def tell_systemd(state: str) -> None:
    """Say something to systemd, if it listens."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(state.encode(), "\0" + place[1:] if place.startswith("@") else place)
    except OSError:
        return  # systemd will miss it, and say so

"""`gatepost summary`: the numbers of whole mail logs, as pflogsumm reports them."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from gatepost_observer.cli.console import Exit, fail, leave
from gatepost_observer.summary.command import BadDay, run

EXAMPLES = """\b
Examples:
  gatepost summary /var/log/mail.log
  gatepost summary --day yesterday /var/log/mail.log.1 /var/log/mail.log
  zcat mail.log-20261124.gz | gatepost summary --json -
"""

LogsArgument = Annotated[
    list[str],
    typer.Argument(metavar="LOG...", help="Logs, plain or compressed; - is standard input.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DayOption = Annotated[Optional[str], typer.Option(help="One day: 2026-11-24, today, yesterday.")]  # noqa: UP045 - typer
InstanceOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(help="Only this instance of Postfix; may be given several times.", show_default="all"),
]
TopOption = Annotated[Optional[int], typer.Option(min=1, help="So many entries of each list.")]  # noqa: UP045
JobsOption = Annotated[Optional[int], typer.Option(min=1, max=64, help="So many processes.")]  # noqa: UP045


def summary(
    logs: LogsArgument,
    as_json: JsonOption = False,
    day: DayOption = None,
    instance: InstanceOption = None,
    top: TopOption = None,
    jobs: JobsOption = None,
) -> None:
    """Sum up mail logs: traffic by day and hour, by domain and address, and what was refused, deferred and returned.

    Exit 0: summed up. Exit 3: a log could not be read, or holds no line of Postfix.
    """
    try:
        text, problem = run(logs, day=day, instances=instance or (), top=top, jobs=jobs, as_json=as_json)
    except BadDay as bad:
        raise typer.BadParameter(str(bad), param_hint="--day") from None
    if problem:
        fail(f"gatepost summary: {problem}", Exit.UNKNOWN, as_json=as_json)
    sys.stdout.write(text)
    leave(Exit.FINE)

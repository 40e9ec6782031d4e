"""A proof as people read it, and as data.

In: a `Report`. Out: rows of text with a style each, failures first; or plain data for --json.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from gatepost.findings import shown
from gatepost.policy import Model
from gatepost.prove.judge import Result
from gatepost.prove.lines import Line
from gatepost.prove.run import Report

Style = Literal["head", "bad", "doubt", "good", "plain", "dim"]
# Beyond so many results on a host, what is proven is summed up by policy line.
MOST_SHOWN = 150


@dataclass(frozen=True)
class Row:
    """One line of output."""

    text: str
    style: Style = "plain"


def rows(model: Model, report: Report) -> Iterator[Row]:
    """The whole report."""
    for host, lines in report.lines.items():
        mine = [result for result in report.results if result.host == host]
        yield Row(f"{host}: {_counts(mine)}", "head")
        yield from _in_detail(model, mine, "differs", "Failed", "bad")
        yield from _in_detail(model, mine, "unknown", "Could not tell", "doubt")
        yield from _proven(lines, short=len(mine) > MOST_SHOWN)
        yield from _unproven(lines)
        yield Row("")
    yield Row(f"{_counts(list(report.results))}, in {report.seconds:.0f} s", _worst(report))


def _counts(results: list[Result]) -> str:
    found = {outcome: sum(r.outcome == outcome for r in results) for outcome in ("ok", "differs", "unknown")}
    words = [f"{found['ok']} proofs agree with the policy"]
    words += [f"{found['differs']} differ"] if found["differs"] else []
    words += [f"{found['unknown']} could not be told"] if found["unknown"] else []
    return ", ".join(words)


def _worst(report: Report) -> Style:
    return "bad" if report.count("differs") else "doubt" if report.count("unknown") else "good"


# --- what went wrong -------------------------------------------------------------------------------------------------


def _in_detail(model: Model, results: list[Result], outcome: str, title: str, style: Style) -> Iterator[Row]:
    chosen = [result for result in results if result.outcome == outcome]
    if chosen:
        yield Row(f"  {title}:", style)
    for result in chosen:
        yield Row(f"    {result.what}", style)
        yield from (Row(f"      {name:<9} {text}") for name, text in _details(model, result))
        for said in result.seen.transcript if result.seen else ():
            yield Row(f"        {shown(said, 200)}", "dim")


def _details(model: Model, result: Result) -> Iterator[tuple[str, str]]:
    for path in result.probe.proves if result.probe else result.proves:
        yield "policy", model.line(*path)
    if result.probe:
        yield "mail", envelope(result)
    if result.expected:
        yield "expected", result.expected
    if result.outcome == "differs":
        yield "got", shown(result.got, 300)
    for reason in result.reasons:
        yield "because", shown(reason, 400)


def envelope(result: Result) -> str:
    """From where, from whom, to whom."""
    probe = result.probe
    if probe is None:
        return ""
    client = (result.seen and result.seen.client) or str(probe.attempt.client)
    where = f"{probe.origin.vantage} {client}" if probe.origin else "nowhere"
    subject = f", subject {shown(probe.mail.subject, 60)!r}" if probe.mail else ", asked only"
    return f"{where}, {probe.wire_sender} → {probe.wire_recipient}{subject}"


# --- what went well --------------------------------------------------------------------------------------------------


def _proven(lines: tuple[Line, ...], *, short: bool) -> Iterator[Row]:
    good = [line for line in lines if any(result.outcome == "ok" for result in line.results)]
    if good:
        yield Row("  Proven:", "good")
    for line in good:
        agreed = [result for result in line.results if result.outcome == "ok"]
        but = "" if line.standing == "proven" else f" (but {line.standing}, see above)"
        yield Row(f"    {line.line}{f': {_tries(len(agreed))}' if short else ''}{but}")
        for result in [] if short else agreed:
            yield Row(f"      {result.what}", "dim")
            yield Row(f"        {_beside(result)}", "dim")


def _beside(result: Result) -> str:
    """The probe, and the server's answer beside it."""
    return f"{envelope(result)} ⇒ {shown(result.got, 160)}" if result.probe else shown(result.got, 160)


def _tries(count: int) -> str:
    return "1 probe" if count == 1 else f"{count} probes"


def _unproven(lines: tuple[Line, ...]) -> Iterator[Row]:
    left = [line for line in lines if line.standing == "unproven"]
    if left:
        yield Row("  Unproven (no probe speaks of these lines):", "doubt")
    for line in left:
        yield Row(f"    {line.line}: {line.reason}")


# --- data ------------------------------------------------------------------------------------------------------------


def as_data(model: Model, report: Report) -> dict[str, Any]:
    """Everything, for --json."""
    return {
        "run": report.run,
        "seconds": round(report.seconds, 1),
        "proven": report.count("ok"),
        "failed": report.count("differs"),
        "unknown": report.count("unknown"),
        "hosts": {
            host: {
                "results": [_result(model, result) for result in report.results if result.host == host],
                "lines": [_line(line) for line in lines],
            }
            for host, lines in report.lines.items()
        },
    }


def _result(model: Model, result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {
        "what": result.what,
        "outcome": result.outcome,
        "expected": result.expected,
        "got": result.got,
        "reasons": list(result.reasons),
        "policy": [model.line(*path) for path in result.proves],
    }
    return {**told, **_probe(result)} if result.probe else told


def _probe(result: Result) -> dict[str, Any]:
    probe, seen, verdict = result.probe, result.seen, result.verdict
    if probe is None:
        return {}
    return {
        "id": probe.id,
        "vantage": probe.origin.vantage if probe.origin else None,
        "client": (seen and seen.client) or str(probe.attempt.client),
        "mail_from": probe.wire_sender,
        "rcpt_to": probe.wire_recipient,
        "subject": probe.mail.subject if probe.mail else None,
        "stage": "data" if probe.mail else "rcpt",
        "verdict": {"action": verdict.action, "code": verdict.code, "line": verdict.line} if verdict else None,
        "reply": str(seen.last) if seen and seen.last else None,
        "score": seen.score if seen else None,
        "arrived": [a.mailbox for a in seen.arrived] if seen else [],
        "quarantined": bool(seen and seen.quarantined),
        "transcript": list(seen.transcript) if seen else [],
    }


def _line(line: Line) -> dict[str, Any]:
    agreed = sum(result.outcome == "ok" for result in line.results)
    return {"path": line.name, "line": line.line, "standing": line.standing, "proofs": agreed, "reason": line.reason}

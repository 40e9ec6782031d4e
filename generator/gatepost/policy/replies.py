"""The words that a refused sender reads. Render puts them into configuration, decide expects them in the reply.

They are ASCII (RFC 5321 §4.2) and name no host, table or rule of the inside.
"""

from __future__ import annotations

from gatepost.policy.model import Model

# A refusal by the block list says the same whichever entry it was: the list is nobody's business.
_REFUSED = "Refused by our mail policy"


def help_for_refused(model: Model) -> str:
    """Where a sender finds help: the help page, or else the postmaster."""
    organisation = model.policy.organisation
    return organisation.help_url or f"ask {organisation.postmaster}"


def refused_text(model: Model) -> str:
    """The text behind the code when the block list refuses."""
    return f"{_REFUSED}; {help_for_refused(model)}"


def locked_out_text(model: Model) -> str:
    """The text behind `421 4.7.0` for a client that is locked out."""
    return f"You are locked out: too many unknown addresses; {help_for_refused(model)}"


def repeated(recipient: str) -> str:
    """A recipient as a reply repeats it. Postfix would read more into `$` and a backslash than stands there."""
    return "the address" if "$" in recipient or "\\" in recipient else recipient


def unknown_text(model: Model, recipient: str) -> str:
    """The helping text behind `550 5.1.1`, for one recipient (or for whatever stands in for one in a daemon)."""
    organisation = model.policy.organisation
    return model.policy.unknown_recipients.text.format(
        help_url=organisation.help_url or "", postmaster=str(organisation.postmaster), recipient=recipient
    )

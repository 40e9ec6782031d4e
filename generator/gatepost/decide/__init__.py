"""decide: the reference decision, a pure function of the model and an attempt. It never reads rendered files.

docs/how-mail-is-decided.md is the list of its steps; `gate` and `behind` have a small function for each.
"""

from gatepost.decide.attempt import Action, Attempt, Step, Verdict
from gatepost.decide.decision import decide

__all__ = ["Action", "Attempt", "Step", "Verdict", "decide"]

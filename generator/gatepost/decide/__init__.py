"""decide: the reference decision, a pure function of the model and an attempt. It never reads rendered files."""

from gatepost.decide.attempt import Action, Attempt, Step, Verdict

__all__ = ["Action", "Attempt", "Step", "Verdict"]

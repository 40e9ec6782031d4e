"""Gatepost, on the control node: one policy becomes configuration, verdicts and proofs."""

__version__ = "0.1.0"

"""prove: probes made from the policy, sent to running servers, and each answer beside the verdict.

In: the model and the inventory. Out: a `Report`. The pure parts are `probes`, `judge`, `lines` and `report`; only
`hosts` reaches out.
"""

from gatepost.prove.judge import Result, judge
from gatepost.prove.lines import Line, leaves, lines
from gatepost.prove.probe import Origin, Probe
from gatepost.prove.probes import probes
from gatepost.prove.run import Report, prove

__all__ = ["Line", "Origin", "Probe", "Report", "Result", "judge", "leaves", "lines", "probes", "prove"]

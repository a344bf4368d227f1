"""What the robot sees, and what it therefore believes.

`envs.kernels.sense` is the only door from truth to belief: once a tick it turns the true floor into
a look, with misses and false alarms, which is learned one tick later. `Belief` turns what was
learned into what a planner needs: a map without the nodes believed blocked, and a `CostField` in
seconds per metre.
"""

from __future__ import annotations

from .belief import Belief, Track
from .model import BeliefModel, SensorModel

__all__ = ["Belief", "BeliefModel", "SensorModel", "Track"]

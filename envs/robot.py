"""The controlled robot's body: its place among the agents of the floor, its battery, its work."""

from __future__ import annotations

from collections import deque

from .battery import MARGIN_TASKS, SPARED_SHARE, Battery, task_margin
from .kernels.state import Agents


class Robot:
    """The last of the agents, with what only the controlled robot has.

    Attributes:
        battery: its charge.
        margin: what energies are multiplied with before the battery rule: the largest that any of
            the last `MARGIN_TASKS` tasks would have needed (see `task_margin`), the first guess
            counting as one. It rises at once and falls only when a bad task is that long ago.
        heading_rad: where it points (None before its first move).
        busy_until: tick at which a turn, work at a stop, or the wait for a charged pack ends.
        turn_carry_mm: what the last tick of a turn leaves for driving.
        stranded, charging, serving, turning, moving: as they say; moving: in the tick just past.
        payload_kg, stop: on board, and the index of the order's next stop.
    """

    def __init__(self, agents: Agents, battery: Battery, margin: float) -> None:
        self._agents = agents
        self.battery, self.margin = battery, margin
        self._needed: deque[float] = deque([margin], maxlen=MARGIN_TASKS)
        self.heading_rad: float | None = None
        self.turn_carry_mm = 0
        self.stranded = self.charging = self.serving = False
        self.turning = self.moving = False
        self.payload_kg = 0.0
        self.stop = 0

    @property
    def node(self) -> int:
        """The node it stands on or has left last."""
        return int(self._agents.node[-1])

    @property
    def to(self) -> int:
        """The node that it is under way to, -1 while it stands."""
        return int(self._agents.to[-1])

    @property
    def done_mm(self) -> int:
        """Millimetres along its edge."""
        return int(self._agents.done_mm[-1])

    @property
    def length_mm(self) -> int:
        """Length of the edge it is or was last on."""
        return int(self._agents.length_mm[-1])

    @property
    def carry_mm(self) -> int:
        """What the last tick left over."""
        return int(self._agents.carry_mm[-1])

    @carry_mm.setter
    def carry_mm(self, value: int) -> None:
        self._agents.carry_mm[-1] = value

    @property
    def speed_mm(self) -> int:
        """Millimetres a tick at most."""
        return int(self._agents.speed_mm[-1])

    @property
    def busy_until(self) -> int:
        """The tick at which it is free again."""
        return int(self._agents.busy_until[-1])

    @busy_until.setter
    def busy_until(self, tick: int) -> None:
        self._agents.busy_until[-1] = tick

    @property
    def position_m(self) -> tuple[float, float]:
        """Where it is, its part of the edge included."""
        return float(self._agents.x_m[-1]), float(self._agents.y_m[-1])

    def learn_margin(self, predicted_wh: float, actual_wh: float) -> None:
        """Take in a finished task: what was predicted for all of it, and what it took."""
        if predicted_wh > 0:
            spared_wh = SPARED_SHARE * self.battery.profile.capacity_wh
            self._needed.append(task_margin(predicted_wh, actual_wh, spared_wh))
            self.margin = max(self._needed)

"""The controlled robot's body: its place among the agents of the floor, its battery, its work."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from planners.tasks.snapshot import MOST_DELAY

from .battery import MARGIN_TASKS, SPARED_SHARE, Battery, energy_rates, task_margin
from .floor import Floor
from .kernels.state import Agents
from .power import NJ_PER_MJ, departure_nj

START_DELAY = 1.25  # (a) actual over predicted driving time, before anything is known
DELAY_SHARE = 0.9  # (a) of the legs take no longer than planned
DELAY_LEGS = 64  # (a) that are remembered
DELAY_LEAST_S = 10.0  # (a) shorter legs say little


class Robot:
    """The last of the agents, with what only the controlled robot has.

    Attributes:
        profile, battery: its constants and its charge.
        margin: what energies are multiplied with before the battery rule: the largest that any of
            the last `MARGIN_TASKS` tasks would have needed (see `task_margin`), the first guess
            counting as one. It rises at once and falls only when a bad task is that long ago.
        delay: actual over predicted driving time that `DELAY_SHARE` of the last `DELAY_LEGS` legs
            stayed below, the first guess among them; at least 1.
        heading_rad: where it points (None before its first move).
        busy_until: tick at which a turn, work at a stop, or the wait for a charged pack ends.
        stranded, charging, serving, turning, moving: as they say; moving: in the tick just past.
        payload_kg, stop: on board, and the index of the taken order's next stop.
    """

    def __init__(
        self, agents: Agents, floor: Floor, battery: Battery, margin: float, tick_s: float
    ) -> None:
        self._agents, self._floor, self.battery = agents, floor, battery
        self.profile, self.margin = battery.profile, margin
        self._needed: deque[float] = deque([margin], maxlen=MARGIN_TASKS)
        self._delays: deque[float] = deque([START_DELAY], maxlen=DELAY_LEGS)
        self.delay = START_DELAY
        self._tick_ms = round(1000 * tick_s)
        self._rates = energy_rates(self.profile, tick_s)
        self.heading_rad: float | None = None
        self._turn_carry_mm = 0
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

    # Moving, and what it costs.

    def stand(self) -> None:
        """What the last tick of driving left over is lost."""
        self._agents.carry_mm[-1] = 0

    def faces(self, node: int, tick: int) -> bool:
        """Turn towards a neighbour; False while that takes this tick and some after it."""
        heading, before = self._heading(self.node, node), self.heading_rad
        if heading == before:
            if self._turn_carry_mm:
                self._agents.carry_mm[-1], self._turn_carry_mm = self._turn_carry_mm, 0
            return True
        self.heading_rad, self._turn_carry_mm = heading, 0
        angle = self._angle(before, heading)
        return True if angle <= 1e-6 else self._turn(angle, tick)

    @property
    def axis(self) -> int | None:
        """Along a row (2) or a column (0) of a grid; None before its first move."""
        if self.heading_rad is None:
            return None
        return 0 if abs(math.sin(self.heading_rad)) > 0.5 else 2

    def _heading(self, start: int, node: int) -> float:
        (x0, y0), (x1, y1) = self._floor.xy(start), self._floor.xy(node)
        return math.atan2(y1 - y0, x1 - x0)

    def _angle(self, before: float | None, heading: float) -> float:
        """How far it turns, an angle in [0, pi]; the first heading of all is free."""
        if before is None:
            return 0.0
        angle = abs(math.remainder(heading - before, math.tau))
        return min(angle, math.pi - angle) if self.profile.reversible else angle

    def _turn(self, angle: float, tick: int) -> bool:
        self.battery.drain_nj(self._rates.turn_nj)
        turn_ms = self.profile.turn_ms(angle)
        ticks = max(1, -(-turn_ms // self._tick_ms))
        spare_ms = ticks * self._tick_ms - turn_ms
        # The last tick of the turn drives with what time it leaves: so much is carried into it,
        # less that tick's own advance.
        speed_mm = int(self._agents.speed_mm[-1])
        carry_mm = speed_mm * spare_ms // self._tick_ms - speed_mm
        if ticks == 1:
            self._agents.carry_mm[-1] = carry_mm
            return True
        self._agents.carry_mm[-1], self._turn_carry_mm = 0, carry_mm
        self.turning, self.busy_until = True, tick + ticks - 1
        return False

    def pay_departure(self, start: int, node: int, *, pushed: bool) -> None:
        """Onto the edge from `start` to `node`: starting (unless it drove already) and driving.

        Who goes by choice has turned and paid for it before (`faces`); who is pushed turns now.
        """
        turns = False
        if pushed:
            heading = self._heading(start, node)
            turns = self._angle(self.heading_rad, heading) > 1e-6
            self.heading_rad, self._turn_carry_mm = heading, 0
        grams = round(1000 * self.payload_kg)
        cost_nj = departure_nj(self._rates, grams, self.length_mm, not self.moving, turns)
        self.battery.drain_nj(cost_nj)

    def pay_tick(self, charger_w: float | None) -> None:
        """What a tick draws, whatever is done; and what a charger gives back in it."""
        self.battery.drain_nj(self._rates.ambient_nj)
        if charger_w is not None:
            self.battery.charge(self._tick_ms, charger_w)

    @property
    def ticks_of_charge(self) -> int:
        """How many ticks the charge lasts at least while it only stands."""
        return self.battery.charge_mj * NJ_PER_MJ // max(1, self._rates.ambient_nj)

    # Learning.

    def learn_margin(self, predicted_wh: float, actual_wh: float) -> None:
        """Take in a finished task: what was predicted for all of it, and what it took."""
        if predicted_wh > 0:
            spared_wh = SPARED_SHARE * self.battery.profile.capacity_wh
            self._needed.append(task_margin(predicted_wh, actual_wh, spared_wh))
            self.margin = max(self._needed)

    def learn_delay(self, predicted_s: float, actual_s: float) -> None:
        """Take in a leg that was driven to its end."""
        if predicted_s >= DELAY_LEAST_S:
            self._delays.append(actual_s / predicted_s)
            share = float(np.quantile(self._delays, DELAY_SHARE))
            self.delay = min(MOST_DELAY, max(1.0, share))

"""What runs the ticks: compiled kernels, or the readable rules; tick for tick the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .crowd import Crowd
from .kernels import kernel
from .kernels.resolve import start_move
from .kernels.state import MOVED, TICK
from .kernels.tick import BROKEN, note
from .kernels.walk import is_sound, meet, place_all
from .metrics import CONTACT_M, NEAR_M

MOST_TICKS = 128  # of one call

Trace = npt.NDArray[np.int64]


class Engine:
    """Ticks by the kernels."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self._met = np.zeros((2, max(1, crowd.n)), dtype=np.uint8)
        most = max(1, min(MOST_TICKS, 200_000 // (crowd.n + 1)))
        self._trace = np.zeros((most, 2 + 3 * (crowd.n + 1)), dtype=np.int64)

    @property
    def robot_moved(self) -> bool:
        """Whether the controlled robot drove in the tick just past."""
        return bool(self.crowd.clock[MOVED])

    def decide(self) -> int:
        """Steps 2 to 4 of a tick; the node to which the controlled robot is pushed, or -1."""
        return int(self._call(0, False)[0])

    def depart(self, node: int) -> None:
        """Step 5: the controlled robot starts towards a free neighbour."""
        crowd = self.crowd
        start_move(crowd.floor.arrays, crowd.agents, crowd.holder, crowd.clock, crowd.n, node)

    def run(self, ticks: int, goes_on: bool) -> tuple[int, Trace]:
        """Finish this tick and run whole ones, up to `ticks`; how many, and their trace.

        Raises:
            AssertionError: somebody shares a node: the rules of the floor are broken.
        """
        done, why = self._call(max(1, min(ticks, len(self._trace))), goes_on)
        if why == BROKEN:
            raise AssertionError(f"tick {self.crowd.clock[TICK] - 1}: two agents share a node")
        return int(done), self._trace[:done]

    def _call(self, ticks: int, goes_on: bool) -> Any:
        return kernel("run_ticks")(
            *self.crowd.arguments(), self._met, NEAR_M, CONTACT_M, self._trace, ticks, goes_on
        )


class ReadableEngine(Engine):
    """Ticks by `envs.rules`, one at a time; what only counts runs as plain Python too."""

    def decide(self) -> int:
        """As `Engine.decide`."""
        from .rules import decide_all

        return decide_all(self.crowd)

    def run(self, ticks: int, goes_on: bool) -> tuple[int, Trace]:
        """One tick."""
        from .rules import walk_all

        crowd = self.crowd
        walk_all(crowd)
        place_all(crowd.floor.arrays, crowd.agents)
        meet(crowd.agents, crowd.clock, self._met[0], self._met[1], NEAR_M, CONTACT_M)
        note(crowd.agents, crowd.clock, self._trace, 0)
        crowd.clock[TICK] += 1
        if not is_sound(crowd.agents, crowd.holder, crowd.clock):
            raise AssertionError(f"tick {crowd.clock[TICK] - 1}: two agents share a node")
        return 1, self._trace[:1]

"""What runs the ticks: compiled kernels, or the readable rules; tick for tick the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .crowd import Crowd
from .kernels import kernel
from .kernels.sense_state import Senses
from .kernels.state import ASKS, DEPARTED, MOVED, OFFERED, PUSHED, TICK, WANTED
from .kernels.tick import BROKEN, asked, depart, note
from .kernels.walk import is_sound, meet, place_all
from .metrics import CONTACT_M, NEAR_M

MOST_TICKS = 128  # of one call

Trace = npt.NDArray[np.int64]


class Engine:
    """Ticks by the kernels."""

    def __init__(self, crowd: Crowd, senses: Senses) -> None:
        self.crowd, self._senses = crowd, senses
        self._kernel = kernel("run_ticks")
        self._met = np.zeros((2, max(1, crowd.n)), dtype=np.uint8)
        most = max(1, min(MOST_TICKS, 200_000 // (crowd.n + 1)))
        self._trace = np.zeros((most, 2 + 3 * (crowd.n + 1)), dtype=np.int64)

    @property
    def robot_moved(self) -> bool:
        """Whether the controlled robot drove in the tick just past."""
        return bool(self.crowd.clock[MOVED])

    @property
    def pushed_to(self) -> int:
        """The node to which the controlled robot was pushed in the first tick of the run, or -1."""
        return int(self.crowd.clock[PUSHED])

    @property
    def left_for(self) -> int:
        """The node for which it left in the first tick of the run, or -1."""
        return int(self.crowd.clock[DEPARTED])

    def run(self, ticks: int, *, goes_on: bool, wanted: int = -1, offers: bool = False) -> Trace:
        """Run up to so many whole ticks; their trace, one row each.

        Ends early where a walker needs an answer, or where the robot's next action counts (unless
        what it does `goes_on`). In the first tick the robot enters the node `wanted` if it is
        free, or is pushed aside if it `offers` its place.

        Raises:
            AssertionError: somebody shares a node: the rules of the floor are broken.
        """
        clock = self.crowd.clock
        clock[WANTED], clock[OFFERED] = wanted, offers
        done = self._ticks(max(1, min(ticks, len(self._trace))), goes_on)
        if done == BROKEN:
            raise AssertionError(f"tick {clock[TICK] - 1}: two agents share a node")
        if clock[ASKS]:
            self.crowd.answer()
        return self._trace[:done]

    def _ticks(self, ticks: int, goes_on: bool) -> int:
        return int(
            self._kernel(
                *self.crowd.arguments(),
                self._met,
                NEAR_M,
                CONTACT_M,
                self._senses,
                self._trace,
                ticks,
                goes_on,
            )
        )


class ReadableEngine(Engine):
    """Ticks by `envs.rules`, one at a time; what only counts runs as plain Python too."""

    def _ticks(self, ticks: int, goes_on: bool) -> int:
        from .rules import decide_all, walk_all

        crowd, met = self.crowd, self._met
        agents, clock, floor = crowd.agents, crowd.clock, crowd.floor.arrays
        pushed = decide_all(crowd)
        depart(floor, agents, crowd.holder, crowd.floor.closed, clock, pushed)
        clock[OFFERED] = 0
        walk_all(crowd)
        place_all(floor, agents)
        meet(agents, clock, met[0], met[1], NEAR_M, CONTACT_M)
        note(agents, clock, self._trace, 0)
        clock[TICK] += 1
        clock[ASKS] = asked(agents)
        kernel("sense_tick")(int(clock[TICK]), agents, crowd.floor.closed, self._senses)
        return 1 if is_sound(agents, crowd.holder, clock) else BROKEN


ENGINES: dict[str, type[Engine]] = {"compiled": Engine, "readable": ReadableEngine}


def engine_named(name: str) -> type[Engine]:
    """The engine of that name; ValueError names the known ones."""
    if name not in list(ENGINES):
        raise ValueError(f"unknown engine {name!r}: choose one of {', '.join(ENGINES)}")
    return ENGINES[name]

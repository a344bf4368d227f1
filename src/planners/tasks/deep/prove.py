"""A lower bound on every plan of a batch, and the best plan, where there is time for that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..plans import Plan
from .evaluate import evaluate
from .instance import Floats, Instance, Ints
from .kernels import kernel
from .kernels.bound import Bound
from .kernels.prove import BEST, BUDGET, EXPANDED, GROW, WAITING, Open
from .ties import settle

MOST_ENTRIES = 8_000_000  # (a) of the additive table, 64 MB; beyond it a spanning tree bounds
MOST_STATES = 2**53  # beyond it states are not told apart: only the bound at the start is given
FIRST_LABELS = 4096
FIRST_HASH = 16384


@dataclass(frozen=True)
class Solution:
    """The best plan known and what is proven about it.

    ``plan`` is None and ``cost_s`` infinite where none is known; with ``proven`` there is none.
    No plan of the batch costs less than ``lower_bound_s`` (to one part in 10^9), whatever was
    proposed: proposals only prune what cannot cost less than they do.
    """

    plan: Plan | None
    points: tuple[int, ...]
    cost_s: float
    lower_bound_s: float
    proven: bool
    expansions: int

    @property
    def gap(self) -> float:
        """The share by which the plan may exceed the best one; infinite where nothing is known."""
        if self.cost_s <= self.lower_bound_s:
            return 0.0
        if self.lower_bound_s <= 0.0 or math.isinf(self.cost_s):
            return math.inf
        return (self.cost_s - self.lower_bound_s) / self.lower_bound_s


def make_bound(instance: Instance, most_entries: int = MOST_ENTRIES) -> Bound:
    """The bound of an instance, with its table where that has at most so many entries."""
    batch, count = instance.batch, len(instance.orders)
    radix = np.ones(count + 1, dtype=np.int64)
    states = 1
    for k in range(count):
        states = min(states * (len(instance.points(k)) + 1), MOST_STATES)
        radix[k + 1] = states
    cost_s, time_s = instance.closed
    table = np.empty(states * count if states * count <= most_entries else 0)
    points = len(instance.nodes)
    tree, done = np.empty(points), np.zeros(count, dtype=np.int64)
    bound = Bound(cost_s, time_s, _rest(instance, time_s), radix, table, tree, done)
    if table.size:
        kernel("tabulate_legs")(batch, bound)
    return bound


def _rest(instance: Instance, time_s: Floats) -> Floats:
    """Least seconds from each stop along the rest of its order."""
    rest = np.zeros(len(instance.nodes))
    for k in range(len(instance.orders)):
        for point in reversed(instance.points(k)[:-1]):
            rest[point] = time_s[point, point + 1] + rest[point + 1]
    return rest


def prove(
    instance: Instance,
    *,
    expansions: int,
    incumbent: Sequence[int] | None = None,
    bound: Bound | None = None,
) -> Solution:
    """Search all plans of the batch, best bound first, for so many expansions at most.

    The search is exact for the instance's levels: with enough expansions the plan is optimal and
    the bound meets it. It costs no more than the incumbent's best charging. Ties are broken by the
    natural order of ids, see `ties.settle`; that may cost one part in 10^9.

    Args:
        incumbent: a tour (see `evaluate`) whose cost prunes from the start.
        bound: one that was made before; None makes it.

    Raises ValueError for a number of expansions below 0 and for an incumbent that is no tour.
    """
    if expansions < 0:
        raise ValueError(f"expansions is {expansions!r}: 0 or more")
    held = None if incumbent is None else evaluate(instance, incumbent)
    best_s = math.inf if held is None else held.cost_s
    points = () if incumbent is None or held is None else tuple(int(p) for p in incumbent)
    bound = make_bound(instance) if bound is None else bound
    small = bound.radix[-1] < MOST_STATES
    space, proven = _run(instance, bound, best_s, expansions if small else 0)
    waiting_s = float(space.key[0]) if space.ints[WAITING] else math.inf
    lower_s = float(space.best[0]) if proven else min(float(space.best[0]), waiting_s)
    if space.ints[BEST] >= 0:
        points = _read(space)
        best_s = evaluate(instance, points).cost_s
    if points and math.isfinite(best_s):
        points = settle(instance, points, best_s)
        held = evaluate(instance, points)
        best_s = held.cost_s
    plan = None if held is None else held.plan
    return Solution(plan, points, best_s, min(best_s, lower_s), proven, int(space.ints[EXPANDED]))


def _run(instance: Instance, bound: Bound, best_s: float, expansions: int) -> tuple[Open, bool]:
    chargers, levels = len(instance.chargers), len(instance.batch.levels)
    room = len(instance.orders) * (1 + chargers * levels) + 1
    space = _space(max(FIRST_LABELS, 2 * room), FIRST_HASH, best_s)
    while True:
        code = kernel("search")(instance.batch, bound, space, room, expansions)
        if code != GROW:
            return space, code != BUDGET
        space = _grown(instance, space)


def _space(labels: int, places: int, best_s: float) -> Open:
    floats = np.empty((4, labels))
    ints: Ints = np.empty((5, labels), dtype=np.int64)
    cost, time, wh, key = floats
    state, here, before, link, label = ints
    numbers = np.zeros(4, dtype=np.int64)
    numbers[BEST] = -1
    return Open(
        cost, time, wh, state, here, before, link, np.zeros(labels, dtype=np.uint8), key,
        label, np.full(places, -1, dtype=np.int64), np.zeros(places, dtype=np.int64), numbers,
        np.array([best_s]),
    )  # fmt: skip


def _grown(instance: Instance, old: Open) -> Open:
    """Twice the room."""
    size = old.cost.size
    new = _space(2 * size, max(FIRST_HASH, 8 * size), float(old.best[0]))
    for name in Open._fields[: Open._fields.index("hash_key")]:
        getattr(new, name)[:size] = getattr(old, name)
    new.ints[:] = old.ints
    kernel("rehash")(instance.batch, new)
    return new


def _read(space: Open) -> tuple[int, ...]:
    """The stops of the best label, from the robot on."""
    points = []
    label = int(space.ints[BEST])
    while space.before[label] >= 0:
        points.append(int(space.here[label]))
        label = int(space.before[label])
    return tuple(points[::-1])

"""Of plans that cost the same, the one that takes orders by the natural order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from ..snapshot import natural_key
from .evaluate import evaluate
from .instance import Instance
from .kernels.batch import NEAR


def settle(instance: Instance, points: Sequence[int], cost_s: float) -> tuple[int, ...]:
    """The same tour, or one of the same cost (to `NEAR`) in which fewer orders are out of turn.

    Pairs of orders of which the later id is begun first change places, wherever that costs nothing:
    of two orders that ask for the same thing the one with the smaller id comes first, whatever the
    search came upon.
    """
    tour = [int(point) for point in points]
    most_s = cost_s + NEAR * max(1.0, cost_s)
    ids = [natural_key(order.id) for order in instance.orders]
    ranked = sorted(range(len(ids)), key=ids.__getitem__)
    changed = True
    while changed:  # ends, as every change leaves fewer pairs out of turn
        changed = False
        for early, late in combinations(ranked, 2):
            swapped = _exchanged(tour, instance.points(early), instance.points(late))
            if swapped and evaluate(instance, swapped).cost_s <= most_s:
                tour, changed = swapped, True
    return tuple(tour)


def _exchanged(tour: list[int], early: range, late: range) -> list[int]:
    """The tour with the places of two orders exchanged, where they are alike and out of turn."""
    if len(early) != len(late) or tour.index(early[0]) < tour.index(late[0]):
        return []
    places = dict(zip((*early, *late), (*late, *early), strict=True))
    return [places.get(point, point) for point in tour]

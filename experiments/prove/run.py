"""Worlds by number: each is drawn from the seed and its number alone, so any can be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from planners import point_to_point

from ..pool import open_pool
from .judge import Verdict
from .kinds import KINDS, Kind
from .tally import Tally
from .worlds import LARGE_EVERY, World

PER_WORLD = 40  # instances: half of them before its costs and blocked nodes change
BATCH = 50  # worlds
# On large maps re-opening can take for ever, and what does not need them is not asked.
ON_LARGE = tuple(kind for kind in KINDS if kind.learns)


def worlds_for(instances: int) -> int:
    """How many worlds hold so many instances."""
    return -(-instances // PER_WORLD)


def run_worlds(seed: int, first: int, count: int) -> Tally:
    """The worlds with the numbers first, first + 1, .."""
    tally = Tally()
    for number in range(first, first + count):
        with _engines_on_tiny_graphs(number % 2 == 1):
            _run_world(seed, number, tally)
    return tally


def _run_world(seed: int, number: int, tally: Tally) -> None:
    rng = np.random.default_rng([seed, number])
    world = World(rng, large=number % LARGE_EVERY == LARGE_EVERY - 1)
    tally.worlds += 1
    kinds = ON_LARGE if world.large else KINDS
    shares = np.array([float(kind.share) for kind in kinds])
    shares /= shares.sum()
    for instance in range(PER_WORLD):
        if instance == PER_WORLD // 2:
            world.change()
        kind = kinds[rng.choice(len(kinds), p=shares)]
        tally.take(kind, _verdict(kind, world), (seed, number, instance))


def _verdict(kind: Kind, world: World) -> Verdict:
    try:
        return kind.run(world)
    except Exception as error:  # whatever a planner raises here, it should not have
        return Verdict(f"{type(error).__name__}: {error}")


@contextmanager
def _engines_on_tiny_graphs(wanted: bool) -> Iterator[None]:
    """Have the engines for graphs answer on those that are too small to be worth it."""
    before = point_to_point.SMALL
    point_to_point.SMALL = 0 if wanted else before
    try:
        yield
    finally:
        point_to_point.SMALL = before


def run_all(
    seed: int, worlds: int, workers: int, advanced: Callable[[int], None] = lambda _: None
) -> Tally:
    """Worlds 0, 1, .. on so many processes; the same tally for any number of them.

    Args:
        advanced: told how many instances are done, batch by batch.
    """
    batches = [(first, min(BATCH, worlds - first)) for first in range(0, worlds, BATCH)]
    tally = Tally()
    for (_, count), part in zip(batches, _parts(seed, batches, workers), strict=True):
        tally.add(part)
        advanced(count * PER_WORLD)
    return tally


def _parts(seed: int, batches: list[tuple[int, int]], workers: int) -> Iterator[Tally]:
    """The tally of each batch, in order."""
    if workers == 1:
        yield from (run_worlds(seed, *batch) for batch in batches)
        return
    with open_pool("processes", workers) as pool:
        yield from pool.map(run_worlds, *zip(*((seed, *batch) for batch in batches), strict=True))

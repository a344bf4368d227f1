"""How doubles of a language model propose plans: the best, the worst, any, and what is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, permutations

import numpy as np

from planners.tasks import Snapshot
from planners.tasks.deep import Instance, evaluate, improve, make_instance, prove, repair
from planners.tasks.goals.prompts import plan_of

from .replies import INJECTION, Turn, broken, completion, good_reply, proposed, refusing

ROUNDS, EXPANSIONS = 2_000, 200_000  # of the best plan
MOST_TRIED = 720  # sequences of whole orders among which the worst is looked for: all of six


def _instance(snapshot: Snapshot, ids: Sequence[str]) -> Instance:
    return make_instance(snapshot, [order for order in snapshot.orders if order.id in ids])


class _Once:
    """A snapshot as a key: the same object is the same question."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once) and other.snapshot is self.snapshot

    def __hash__(self) -> int:
        return id(self.snapshot)


@lru_cache(maxsize=64)
def _best(snapshot: _Once, ids: tuple[str, ...]) -> tuple[str, ...]:
    instance = _instance(snapshot.snapshot, ids)
    better = improve(instance, rounds=ROUNDS)
    found = prove(instance, expansions=EXPANSIONS, incumbent=better.points)
    orders = instance.batch.order_of
    return tuple(instance.orders[int(orders[point])].id for point in found.points)


@lru_cache(maxsize=64)
def _worst(snapshot: _Once, ids: tuple[str, ...]) -> tuple[str, ...]:
    instance = _instance(snapshot.snapshot, ids)
    tried: Iterator[tuple[str, ...]] = islice(permutations(ids), MOST_TRIED)
    costs = {
        sequence: evaluate(
            instance, repair(instance, plan_of(sequence, instance.orders)).points
        ).cost_s
        for sequence in (*tried, _reversed(_best(snapshot, ids)))
    }
    valid = {sequence: cost for sequence, cost in costs.items() if cost < float("inf")}
    return max(valid, key=lambda sequence: valid[sequence]) if valid else tuple(ids)


def _reversed(sequence: Sequence[str]) -> tuple[str, ...]:
    """The orders of a plan, each once, the last one first."""
    return tuple(dict.fromkeys(reversed(sequence)))


def best_plan(snapshot: Snapshot, ids: Sequence[str]) -> list[str]:
    """The best plan as a model would write it: an id for every order, or for every stop."""
    best = _best(_Once(snapshot), tuple(ids))
    return list(dict.fromkeys(best) if snapshot.capacity == 1 else best)


def worst_plan(snapshot: Snapshot, ids: Sequence[str]) -> list[str]:
    """The most expensive sequence of whole orders that can be carried out."""
    return list(_worst(_Once(snapshot), tuple(ids)))


def _perfect(turn: Turn) -> bytes:
    return proposed(best_plan(turn.snapshot, turn.prompt.ids))


def _adversarial(turn: Turn) -> bytes:
    return proposed(worst_plan(turn.snapshot, turn.prompt.ids))


def _random(turn: Turn) -> bytes:
    rng = np.random.default_rng(int(turn.prompt.hash[:16], 16))
    return proposed(*(rng.permutation(turn.prompt.ids).tolist() for _ in range(2)))


def _malformed(turn: Turn) -> bytes:
    bodies = broken(good_reply(turn), '{"plans": "O1, O2"}', '{"plans": [[1, 2]]}', '{"plans": []}')
    return turn.one_of(bodies)


def _injecting(turn: Turn) -> bytes:
    ids = list(turn.prompt.ids)
    bodies = (
        proposed(["O99", *ids]),
        proposed(["charger-1", *ids]),
        proposed(ids, reserve_wh=0, capacity_wh=1e9),
        completion(f"{INJECTION}\n{json.dumps({'plans': [ids]})}"),
        completion('{"plans": [["O99"]], "plans": []}'),
        proposed([f"{ids[0]}; O99", *ids[1:]]),
        proposed(ids[:1] * 3),
        proposed(ids[:1]),
        proposed([*ids, ids[0]]),
    )
    return turn.one_of(bodies)


PROPOSE: Mapping[str, Callable[[Turn], bytes]] = {
    "perfect": _perfect,
    "random": _random,
    "adversarial": _adversarial,
    "malformed": _malformed,
    "refusing": refusing,
    "injecting": _injecting,
}
"""Replies to a question for plans, by character."""

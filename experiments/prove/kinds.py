"""The kinds of instances: a row per theorem and way to ask."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planners import (
    RIVALS,
    Guidance,
    KeptFields,
    Landmarks,
    LearnedBound,
    Reward,
    plan_many,
    waypoint_guidance,
)
from planners.heuristics import default_bound, tabulate

from .judge import ABSOLUTE, RELATIVE, Ask, Verdict, judged
from .worlds import Array, World

WEIGHTS = (1.0, 1.05, 1.2, 1.5, 2.0, 3.0)
TRACED = 0.25  # of the instances have the expansions of each node counted

Run = Callable[[World], Verdict]


@dataclass(frozen=True)
class Kind:
    """A row: what is judged, how often it is drawn, how it is run.

    `learns`: something may happen in it only after some hundred expansions.
    """

    theorem: str
    name: str
    share: float
    run: Run
    learns: bool = False


def lead_values(rng: np.random.Generator, size: int) -> Array:
    """A lead of one of several characters: mild, signed and huge, spikes, constant, noise."""
    kind = rng.integers(5)
    if kind == 0:
        return rng.normal(0, 2, size)
    if kind == 1:
        return rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-3, 9, size)
    if kind == 2:
        return np.where(rng.random(size) < 0.2, rng.choice([-1e3, 1e3]), 0.0)
    if kind == 3:
        return np.full(size, float(rng.normal(0, 50)))
    return rng.uniform(0, 1000, size)


def some_weight(world: World) -> float:
    """A random w."""
    return float(world.rng.choice(WEIGHTS))


def some_strategy(world: World) -> tuple[str, float, dict[str, Any]]:
    """A strategy with a bound: its name, its w, and how to ask for it."""
    name = ("ucs", "astar", "wastar", "wastar")[world.rng.integers(4)]
    w = some_weight(world) if name == "wastar" else 1.0
    return name, w, {"weight": w} if name == "wastar" else {}


def one(make: Callable[[World, int, int], Ask]) -> Run:
    """A kind that asks one question, sometimes with a trace or a budget."""

    def run(world: World) -> Verdict:
        start, goal = world.ends_of_query()
        ask, chance = make(world, start, goal), world.rng.random()
        if chance < TRACED:
            ask = Ask(ask.strategy, ask.bound, ask.options | {"trace": True}, ask.most)
        elif chance > 0.95:
            budget = {"max_expansions": int(world.rng.integers(0, 2 * world.size))}
            ask = Ask(ask.strategy, ask.bound, ask.options | budget, ask.most)
        try:
            result = ask.of(world, start, goal)
        except ValueError as error:
            if "has no bound here" in str(error):
                return Verdict(refused=True)
            raise
        return judged(world, ask, start, goal, result)

    return run


# --- one question each


def plain(name: str) -> Run:
    """A strategy with a bound by itself, on the engine that fits."""

    def make(world: World, start: int, goal: int) -> Ask:
        if name == "wastar":
            w = some_weight(world)
            return Ask(name, w, {"weight": w}, 2)
        return Ask(name, 1.0)  # buckets and re-opening: no limit a node

    return one(make)


def uninformed(name: str) -> Run:
    """A strategy without a bound: its certificate still has to be true."""

    def run(world: World) -> Verdict:
        start, goal = world.ends_of_query()
        result = Ask(name, math.inf).of(world, start, goal)
        return judged(world, Ask(name, result.bound), start, goal, result)

    return run


def guided(guidance: Callable[[World, int, int], Guidance]) -> Run:
    """ucs, astar or wastar, led by guidance."""

    def make(world: World, start: int, goal: int) -> Ask:
        name, w, options = some_strategy(world)
        return Ask(name, w, options | {"guidance": guidance(world, start, goal)}, 2)

    return one(make)


def rewards(trusted: bool) -> Callable[[World, int, int], Guidance]:
    """Any rewards, of any sign and size, and any lead weight."""

    def make(world: World, start: int, goal: int) -> Guidance:
        rng = world.rng
        given = [Reward(f"r{k}", lead_values(rng, world.size)) for k in range(rng.integers(1, 3))]
        lead = float(rng.choice([0.0, 1.0, 7.0])) if rng.random() < 0.5 else None
        return Guidance(given, lead_weight=lead, trusted=trusted)

    return make


def adaptive(world: World, start: int, goal: int) -> Guidance:
    """The reward law on the costs' own layers, with its betas that learn."""
    return Guidance("auto", soc=float(world.rng.random()), trusted=bool(world.rng.random() < 0.7))


def expecting(world: World, start: int, goal: int) -> Guidance:
    """An estimate E: tiles of the goal, of this query, or any array."""
    chance = world.rng.random()
    if chance < 0.6:
        return Guidance(estimate="tiles" if chance < 0.4 else "auto")
    return Guidance(estimate=lead_values(world.rng, world.size))


def waypoints(world: World, start: int, goal: int) -> Guidance:
    """Any nodes to pass."""
    stops = [world.map.label(int(v)) for v in world.rng.integers(0, world.size, 3)]
    ends = world.map.label(start), world.map.label(goal)
    return waypoint_guidance(world.map, *ends, stops, world.costs)


def undeclared(world: World, start: int, goal: int) -> Ask:
    """An array in place of h, of any sign and size: it only leads."""
    w = some_weight(world)
    return Ask("wastar", w, {"weight": w, "heuristic": lead_values(world.rng, world.size)}, 2)


def declared(consistent: bool) -> Run:
    """An array that is a lower bound and said to be one; consistent, or scaled node by node."""

    def make(world: World, start: int, goal: int) -> Ask:
        name, w, options = some_strategy(world)
        factor = world.rng.uniform(0, 1 - 1e-6, None if consistent else world.size)
        h = world.exact_to(goal) * factor
        if world.rng.random() < 0.4:
            options["guidance"] = rewards(True)(world, start, goal)
        options |= {"heuristic": h, "lower_bound": True}
        return Ask(name, w, options, 2 if consistent and "guidance" in options else 0)

    return one(make)


def kept(world: World, start: int, goal: int) -> Ask:
    """A field that is served, lowered or built anew as the costs change."""
    held = world.kept = world.kept or KeptFields(world.map, world.costs)
    name, w, options = some_strategy(world)
    return Ask(name, w, options | {"heuristic": held})


def landmarks(world: World, start: int, goal: int) -> Ask:
    """Landmarks; those that no longer hold are made anew."""
    held = world.marks
    if (~world.blocked).any() and (held is None or not held.valid_for(world.costs, world.map)):
        count = int(world.rng.integers(1, 4))
        held = world.marks = Landmarks.build(world.map, world.costs, count)
    name, w, options = some_strategy(world)
    if held is None or world.blocked.all():
        return Ask(name, w, options)
    return Ask(name, w, options | {"heuristic": held})


def learned(world: World) -> Verdict:
    """A bound that earlier searches to the goal have raised."""
    start = world.ends_of_query()[0]
    goal = world.map.label(world.goals[0])
    bound = world.learned = world.learned or LearnedBound(world.map, world.costs, goal)
    name, w, options = some_strategy(world)
    label = world.map.label(start)
    result = bound.plan(label, map=world.map, strategy=name, **options)
    return judged(world, Ask(name, w), start, world.goals[0], result)


def rival(name: str) -> Run:
    """A rival with its guidance, with its own h or with an inconsistent one."""
    row = RIVALS[name]

    def make(world: World, start: int, goal: int) -> Ask:
        rng, w = world.rng, some_weight(world)
        options: dict[str, Any] = {"weight": w}
        inconsistent = rng.random() < 0.2
        if inconsistent:
            h = world.exact_to(goal) * rng.uniform(0, 1 - 1e-6, world.size)
            options |= {"heuristic": h, "lower_bound": True}
        if row.guide == "waypoints":
            options["guidance"] = waypoints(world, start, goal)
        elif row.guide == "rewards" and rng.random() < 0.8:
            options["guidance"] = Guidance([Reward("r", lead_values(rng, world.size))])
        elif row.guide == "estimate" and rng.random() < 0.5:
            options["guidance"] = Guidance(estimate=lead_values(rng, world.size))
        once = row.repair != "reopen" and row.phases == "one" and not inconsistent
        return Ask(name, w if row.bounded else math.inf, options, 2 if once else 0)

    return one(make)


def unproved(world: World, start: int, goal: int) -> Ask:
    """A reward that passes the edge test as often as not, and is then followed without a proof.

    phi = (w - e) h + e d with d the exact cost to some node falls along no edge by more than w c.
    """
    rng, w = world.rng, some_weight(world)
    part = float(rng.uniform(0, w if rng.random() < 0.7 else 3 * w))
    away = world.exact_to(int(rng.integers(world.size)))
    guidance = Guidance([Reward("r", -part * away)], lead_weight=max(w - part, 0.0))
    return Ask("additive-reward-unproved", w, {"weight": w, "guidance": guidance}, 2)


# --- several questions each


def engines(world: World) -> Verdict:
    """The engine that fits, the generic loop and the plain Python loop agree."""
    rng, (start, goal) = world.rng, world.ends_of_query()
    name, w, options = some_strategy(world)
    ask = Ask(name, w, options)
    fast, slow = ask.of(world, start, goal), ask.of(world, start, goal, engine="generic")
    verdict = judged(world, ask, start, goal, fast)
    if verdict.problem:
        return verdict
    same = fast.status == slow.status and fast.bound == slow.bound
    if not same or (w == 1 and not math.isclose(fast.cost, slow.cost, rel_tol=1e-9)):
        return Verdict(f"{fast.engine} {fast.status} {fast.cost!r}, generic {slow.cost!r}")
    if rng.random() < 0.03 and not world.large:
        plainly = ask.of(world, start, goal, engine="textbook")
        one, two = ((r.status, r.cost, r.certificate, r.stats) for r in (slow, plainly))
        if one != two:
            return Verdict(f"generic {one!r}, textbook {two!r}")
    return judged(world, ask, start, goal, slow)


def many(world: World) -> Verdict:
    """`plan_many`: a field for those that share a goal, else as one by one."""
    queries = [world.ends_of_query() for _ in range(8)]
    labels = [(world.map.label(a), world.map.label(b)) for a, b in queries]
    name, w, options = some_strategy(world)
    asked = plan_many(world.map, labels, costs=world.costs, workers=1, strategy=name, **options)
    verdicts = [
        judged(world, Ask(name, w), *query, result)
        for query, result in zip(queries, asked, strict=True)
    ]
    return max(verdicts, key=lambda verdict: (bool(verdict.problem), verdict.of_bound))


def layers(world: World) -> Verdict:
    """The free-flow bound of a goal is consistent under the costs of the moment, and 0 there."""
    goal = world.goals[world.rng.integers(len(world.goals))]
    h = tabulate(default_bound(world.map, goal, world.costs), world.size)
    excess = float((h[:, None] - h[None, :] - world.prices * (1 + RELATIVE)).max())
    if excess > ABSOLUTE or h[goal] != 0:
        return Verdict(f"h falls along an edge by {excess!r} more than it costs, h(goal) {h[goal]}")
    to_go = world.optima[:, goal]
    away = np.isfinite(to_go) & (to_go > 0)
    return Verdict(found=True, of_optimum=float((h[away] / to_go[away]).max(initial=0.0)))


def legs(world: World) -> Verdict:
    """Legs w1-bounded, their order w2-bounded on them: the tour is w1 w2-bounded."""
    rng, start, stops = world.rng, *_tour(world)
    w1, w2 = some_weight(world), some_weight(world)
    ids = [start, *stops]
    ask, cost = Ask("wastar", w1, {"weight": w1}), np.full((len(ids), len(ids)), np.inf)
    for i, j in itertools.permutations(range(len(ids)), 2):
        if j > 0:
            cost[i, j] = ask.of(world, ids[i], ids[j]).cost
    orders = list(itertools.permutations(range(1, len(ids))))

    def total(costs: Array, order: tuple[int, ...]) -> float:
        return float(sum(costs[i, j] for i, j in itertools.pairwise((0, *order))))

    planned = [total(cost, order) for order in orders]
    optimum = min(total(world.optima[np.ix_(ids, ids)], order) for order in orders)
    blocked = world.blocked.reshape(-1)[ids].any()
    if blocked or not math.isfinite(optimum):
        wrong = not blocked and math.isfinite(min(planned))
        return Verdict("a tour where there is none" if wrong else "")
    within = [paid for paid in planned if paid <= w2 * min(planned) * (1 + 1e-12)]
    paid = within[rng.integers(len(within))]
    beyond = paid > w1 * w2 * optimum * (1 + RELATIVE) + ABSOLUTE
    problem = f"a tour of {paid!r} is beyond {w1} x {w2} x {optimum!r}" if beyond else ""
    return Verdict(problem, True, of_bound=paid / (w1 * w2 * optimum) if optimum else 0.0)


def _tour(world: World) -> tuple[int, list[int]]:
    start, stops = world.ends_of_query()[0], list(dict.fromkeys(world.goals))
    return start, stops[:3]


SAFE_RIVALS = [name for name in RIVALS if not name.endswith("-unproved")]
THEOREM_OF = {
    "wastar-reopen": "T2", "additive-reward-reopen": "T2", "multiplicative-reward-reopen": "T2",
    "xdp": "T3", "xup": "T3", "pwxdp": "T3", "focal-reopen": "T4", "ees-reopen": "T4",
    "llm-astar": "T6",
}  # fmt: skip

KINDS = (
    Kind("T1", "any rewards", 6, guided(rewards(trusted=True))),
    Kind("T1", "any rewards, untrusted", 4, guided(rewards(trusted=False)), True),
    Kind("T1", "reward law that learns", 4, guided(adaptive), True),
    Kind("T1", "estimate or tiles", 4, guided(expecting), True),
    Kind("T1", "waypoints", 2, guided(waypoints)),
    Kind("T1", "undeclared heuristic", 6, one(undeclared)),
    Kind("T1", "declared bound", 4, declared(consistent=True)),
    Kind("T1", "declared bound, inconsistent", 4, declared(consistent=False)),
    Kind("T1", "kept field", 4, one(kept)),
    Kind("T1", "landmarks", 4, one(landmarks)),
    Kind("T1", "learned bound", 2, learned),
    *(Kind(THEOREM_OF.get(name, "T1"), name, 2, rival(name)) for name in SAFE_RIVALS),
    Kind("T2", "ucs", 1, plain("ucs")),
    Kind("T2", "astar", 4, plain("astar")),
    Kind("T3", "wastar", 8, plain("wastar"), True),
    Kind("T3", "additive-reward-unproved", 3, one(unproved)),
    Kind("T5", "free-flow bound", 4, layers),
    Kind("T6", "greedy", 1, uninformed("greedy")),
    Kind("T6", "bfs", 1, uninformed("bfs")),
    Kind("T6", "dfs", 1, uninformed("dfs")),
    Kind("T8", "tours", 2, legs),
    Kind("engines", "fast, generic, textbook", 6, engines),
    Kind("engines", "plan_many", 1, many),
)

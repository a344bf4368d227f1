"""Guidance: where to look first. It leads the search and can never change its bound.

The idea that rewards and conditions may steer the order of a search is inspired by adaptive-weight
A* with heuristic reward values; the lead is followed by a proof, so any guidance is safe.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .clusters import cluster_cost_to_go
from .coarse import LEAD_WEIGHT, coarse_between, coarse_cost_to_go, is_kept, tabulate, tiles_fit
from .costs import CostField
from .errors import expect, expect_all
from .graphs import GraphMap, Map
from .heuristics import NO_TABLE, closed_form, table_bound, tabulate_at
from .kernels.lead import LEARN_EVERY, ROWS, Lead
from .kernels.loop import ZERO, Key
from .kernels.tiles import Tiles
from .maps import GridMap, read_only
from .question import Request
from .spaces import edge_costs
from .walks import as_per_node

SOC_REFERENCE = 0.5  # assumption: below half a charge the energy layer is rewarded more
# Without an E, `g + (2 w - 1) h` takes 1.19, 1.07, .79, .62 times the expansions of weighted
# A* at w = 1.1, 1.25, 1.5, 2 (192 queries on layered maps; 1.18, 1.13, 1.02, .85 on 40 held out).
PLAIN_BELOW = 1.5
LEAD_WITH_ESTIMATE = 1.5  # W for an array of unknown origin

Log = tuple[dict[str, Any], ...]


@dataclass(frozen=True, eq=False)
class Reward:
    """A reward field in cost units: positive attracts, negative repels; any finite values.

    Args:
        name: for the log.
        values: one per node, (rows, cols) or (size,).
    """

    name: str
    values: npt.ArrayLike


@dataclass(frozen=True, eq=False)
class Guidance:
    """What leads a search: key `g + W * max(h, E) - r`, proven afterwards.

    Args:
        rewards: reward fields r, summed; or `"auto"`, the reward law on the costs' own layers:
            `r(n) = cell_size_m * sum_k beta_k * weight_k * clip(ref_k - layer_k(n), -ref_k, ref_k)`
            with `ref_k` the mean of layer k over free nodes. `beta_k` begins at 1, for the layer
            `energy` at `max(1, 0.5 / max(soc, 0.01))`; every 256 expansions it becomes that times
            the cost paid in the layer over the mean, at most 4. On graphs the median edge length
            stands for the cell size. Layers per edge take no part.
        soc: state of charge in [0, 1].
        lead_weight: W >= 0; None takes 1.1 with tiles or clusters, 1.5 with an array E, else
            `2 w - 1` (where `"auto"` finds no E and w < 1.5: no lead, plain weighted A*).
        estimate: E, the expectation of what is left to pay. `"auto"`: on grids coarse tiles of the
            current layers, 4 x 4 cells where those of the goal are kept, else 8 x 8 for this query
            only, and none in mazes or without layers; on graphs the quotient graph of clusters.
            `"tiles"`: the same always, and the tiles of the goal are kept. `"none"`. Or an array,
            one finite value per node.
        trusted: False clamps the lead to `g <= key <= g + w h` and abandons it, for weighted A*,
            after 8 times the expansions of a straight way.

    Raises:
        ValueError: soc outside [0, 1], a negative weight, or values that are not finite.
    """

    rewards: Sequence[Reward] | Literal["auto"] = ()
    soc: float = 1.0
    lead_weight: float | None = None
    estimate: str | npt.ArrayLike = "auto"
    trusted: bool = True

    def __post_init__(self) -> None:
        expect(self.soc, (int, float, np.number), "soc")
        if not isinstance(self.rewards, str):
            rewards = tuple(expect_all(self.rewards, Reward, "rewards"))
            object.__setattr__(self, "rewards", rewards)  # an iterator serves every plan
        if not 0 <= self.soc <= 1:
            raise ValueError(f"soc must lie in [0, 1], not {self.soc!r}")
        if self.lead_weight is not None and not 0 <= self.lead_weight < math.inf:
            raise ValueError(f"lead_weight must be finite and >= 0, not {self.lead_weight!r}")
        if isinstance(self.rewards, str) and self.rewards != "auto":
            raise ValueError(f"rewards must be a list of Reward or 'auto', not {self.rewards!r}")
        if isinstance(self.estimate, str) and self.estimate not in ("auto", "tiles", "none"):
            raise ValueError(
                f"estimate must be 'auto', 'tiles', 'none' or an array, not {self.estimate!r}"
            )

    def expecting(self, map: Map, values: npt.NDArray[np.float64]) -> Guidance:
        """The same with an expectation of what is left to pay, or the greater of it and E."""
        if isinstance(self.estimate, str):
            return replace(self, estimate=values)
        estimate = as_per_node(map, self.estimate, "estimate")
        return replace(self, estimate=np.maximum(values, estimate))


class Expected(NamedTuple):
    """E as the loop takes it, what it is called, its lead weight, and what it took."""

    values: Any
    name: str
    lead_weight: float
    expanded: int = 0


def lead_key(
    request: Request, guidance: Guidance, plain: Key, exact: bool
) -> tuple[Lead | Key, tuple[str, ...], Log]:
    """The key `g_weight * g + W max(h, E) - r`, the name of its E, and the log of what made it.

    Args:
        plain: the key without guidance.
        exact: h is (nearly) the exact cost-to-go, so that an E could only mislead.
    """
    map, costs, weight = request.map, request.costs, request.weight
    expected = _expected(request, guidance, exact)
    if expected.name == "none" and _leaves_it_plain(guidance, exact or weight < PLAIN_BELOW):
        return plain, (), (_entry(guidance, plain.h_weight, expected),)
    lead_weight = expected.lead_weight if guidance.lead_weight is None else guidance.lead_weight
    reward, log = _fixed(map, guidance)
    names, layers, mean, base = _learned(map, costs, guidance)
    rows = -(-map.size // LEARN_EVERY) if names else 0
    key = Lead(
        plain.discipline, plain.g_weight, float(lead_weight),
        math.inf if guidance.trusted else weight,
        expected.values, reward, layers, _metres(map), mean, base, base.copy(),
        np.zeros(mean.size), np.zeros(3, dtype=np.int64), np.empty((rows, 1 + mean.size)),
    )  # fmt: skip
    if not math.isfinite(key.weight * _most(expected) + float(np.abs(reward).max(initial=0.0))):
        raise ValueError("the guidance adds up beyond float64: scale its weight and rewards down")
    for name, beta, ref in zip(names, base.tolist(), mean.tolist(), strict=True):
        log += ({"event": "reward", "reward": name, "beta": beta, "ref": ref},)
    if not guidance.trusted:
        log += ({"event": "clamp", "most": "w * h"},)
    return (
        key,
        () if expected.name == "none" else (expected.name,),
        (_entry(guidance, key.weight, expected), *log),
    )


def _leaves_it_plain(guidance: Guidance, plain_is_better: bool) -> bool:
    """Whether nothing was asked for but an E, and without one the plain key does better."""
    asked = not isinstance(guidance.estimate, str) or guidance.estimate != "auto"
    asked = asked or guidance.lead_weight is not None
    return plain_is_better and not asked and not len(guidance.rewards)


def _entry(guidance: Guidance, lead_weight: float, expected: Expected) -> dict[str, Any]:
    return {"event": "lead", "lead_weight": lead_weight, "estimate": expected.name,
            "estimate_expanded": expected.expanded, "soc": guidance.soc}  # fmt: skip


def learned(key: Lead, costs: CostField | None) -> Log:
    """The changes of the betas during a search, for the log."""
    names = [] if costs is None else _rewarded(costs)
    rows = key.history[: int(key.ints[ROWS])].tolist()
    return tuple(
        {"event": "beta", "expanded": int(row[0]), **dict(zip(names, row[1:], strict=True))}
        for row in rows
    )


def led(
    key: Lead,
    nodes: npt.NDArray[np.int64],
    g: npt.NDArray[np.float64],
    h: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """(k,) keys of k nodes, with the betas as they are now."""
    if isinstance(key.expected, Tiles):
        expected = tabulate(key.expected, int(nodes.max(initial=0)) + 1)[nodes]
    else:
        expected = tabulate_at(key.expected, nodes)
    lead = key.weight * np.maximum(h, expected)
    if key.reward.size:
        lead -= key.reward[nodes]
    for mean, beta, layer in zip(key.mean, key.beta, key.layer, strict=True):
        lead -= key.metres * beta * np.clip(mean - layer[nodes].astype(np.float64), -mean, mean)
    if math.isfinite(key.ceiling):
        lead = np.clip(lead, 0.0, key.ceiling * h)
    return np.asarray(key.g_weight * g + lead)


def estimate_table(request: Request, guidance: Guidance) -> npt.NDArray[np.float64]:
    """(size,) E of every node."""
    values, size = _expected(request, guidance, exact=False).values, request.map.size
    if isinstance(values, Tiles):
        return tabulate(values, size)
    return tabulate_at(values, np.arange(size))


def _expected(request: Request, guidance: Guidance, exact: bool) -> Expected:
    map, costs, start, goal = request.map, request.costs, request.start, request.goal
    if not isinstance(guidance.estimate, str):
        table = per_node(map, guidance.estimate, "estimate")
        return Expected(table_bound(map, table), "array", LEAD_WITH_ESTIMATE)
    nothing = closed_form(map, goal, costs, ZERO)
    none = Expected(nothing, "none", 2 * request.weight - 1)
    if guidance.estimate == "none":
        return none
    if guidance.estimate == "auto" and exact:
        return Expected(nothing, "none", request.weight)
    if guidance.estimate == "auto" and _is_flat(costs):
        return none
    if isinstance(map, GraphMap):
        return Expected(cluster_cost_to_go(map, goal, costs), "clusters", LEAD_WEIGHT)
    if guidance.estimate == "auto" and not tiles_fit(map):
        return none
    anew = request.options.engine != "auto"  # then counts do not depend on what is kept
    if guidance.estimate == "tiles" or (is_kept(map, goal, costs) and not anew):
        return Expected(coarse_cost_to_go(map, goal, costs), "tiles", LEAD_WEIGHT)
    tiles, expanded = coarse_between(map, start, goal, costs)
    return Expected(tiles, "coarse", LEAD_WEIGHT, expanded)


def _is_flat(costs: CostField | None) -> bool:
    """Whether no layer changes the costs: an estimate then sees little that h does not."""
    return costs is None or not any(costs.weights[name] > 0 for name in costs.layers)


def _most(expected: Expected) -> float:
    """The greatest size that max(h, E) may have."""
    table = getattr(expected.values, "table", NO_TABLE)
    return max(1e150, float(np.abs(table).max(initial=0.0)))


def _fixed(map: Map, guidance: Guidance) -> tuple[npt.NDArray[np.float64], Log]:
    """The sum of the rewards that a user gave; an empty array without any."""
    if isinstance(guidance.rewards, str) or not guidance.rewards:
        return NO_TABLE, ()
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(per_node(map, reward.values, reward.name) for reward in guidance.rewards)
    log = tuple({"event": "reward", "reward": reward.name} for reward in guidance.rewards)
    total = np.where(np.isnan(total), np.inf, total)  # infinities of both signs
    return read_only(np.asarray(total, dtype=np.float64)), log


def reward_total(map: Map, costs: CostField | None, guidance: Guidance) -> npt.NDArray[np.float64]:
    """(size,) the sum of all rewards; of the reward law with its first betas."""
    reward, _ = _fixed(map, guidance)
    if reward.size:
        return reward
    total = np.zeros(map.size)
    _, layers, means, base = _learned(map, costs, guidance)
    for layer, mean, beta in zip(layers, means.tolist(), base.tolist(), strict=True):
        total += _metres(map) * beta * np.clip(mean - layer.astype(np.float64), -mean, mean)
    return total


# The layers of the reward law, weighted: by cost field, (version, blocked, layers, means).
_Stacked = tuple[int, npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.float64]]
_STACKED: weakref.WeakKeyDictionary[CostField, _Stacked] = weakref.WeakKeyDictionary()


def _rewarded(costs: CostField) -> list[str]:
    """The layers that take part in the reward law."""
    return [name for name in costs.layers if costs.is_per_node(name) and costs.weights[name] > 0]


def _learned(
    map: Map, costs: CostField | None, guidance: Guidance
) -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Names, weighted layers, means and first betas of the reward law."""
    if costs is None or guidance.rewards != "auto":
        return [], np.empty((0, 0), dtype=np.float32), np.empty(0), np.empty(0)
    names = _rewarded(costs)
    layers, means = _stacked(map, costs, names)
    low = max(1.0, SOC_REFERENCE / max(float(guidance.soc), 0.01))
    base = np.array([low if name == "energy" else 1.0 for name in names])
    return names, layers, means, base


def _stacked(
    map: Map, costs: CostField, names: list[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    held = _STACKED.get(costs)
    if held is None or held[0] != costs.version or held[1] is not map.blocked:
        free = ~map.blocked.reshape(-1)
        layers = np.empty((len(names), map.size), dtype=np.float32)
        for k, name in enumerate(names):
            layers[k] = costs.weights[name] * costs.layer(name)
        sums = [float(layer.sum(dtype=np.float64, where=free)) for layer in layers]
        means = read_only(np.array(sums) / max(int(free.sum()), 1))
        held = _STACKED[costs] = (costs.version, map.blocked, read_only(layers), means)
    return held[2:]


def _metres(map: Map) -> float:
    return map.cell_size_m if isinstance(map, GridMap) else _median_length(map)


def _median_length(graph: GraphMap) -> float:
    return edge_costs(graph, None)[2] if graph.length_m.size else 0.0


def per_node(map: Map, values: Any, name: str) -> npt.NDArray[np.float64]:
    """(size,) finite values of a user's array, zero on blocked nodes."""
    flat = as_per_node(map, values, name)
    flat[map.blocked.reshape(-1)] = 0.0
    if not np.isfinite(flat).all():
        node = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise ValueError(f"{name} is {flat[node]} at {map.label(node)!r}: it must be finite")
    return flat

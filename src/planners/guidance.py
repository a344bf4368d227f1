"""Guidance: where to look first. It leads the search and can never change its bound.

The idea that rewards and conditions may steer the order of a search is inspired by adaptive-weight
A* with heuristic reward values; the lead is followed by a proof, so any guidance is safe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .errors import expect, expect_all
from .graphs import GraphMap, Map
from .maps import GridMap, read_only
from .walks import as_per_node

SOC_REFERENCE = 0.5  # assumption: below half a charge the energy layer is rewarded more
LEAD_WITH_ESTIMATE = 1.5


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
            with `ref_k` the mean of layer k over free nodes, `beta_k` = 1, and for the layer
            `energy` `beta = max(1, 0.5 / max(soc, 0.01))`. On graphs the median edge length stands
            for the cell size. Layers per edge take no part.
        soc: state of charge in [0, 1].
        lead_weight: W >= 0; None takes 1.5 with an estimate E, else `2 w - 1`.
        estimate: `"none"`, or an array E of any finite expectation of the remaining cost, one value
            per node. `"auto"` is `"none"`.
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
            expect_all(self.rewards, Reward, "rewards")
        if not 0 <= self.soc <= 1:
            raise ValueError(f"soc must lie in [0, 1], not {self.soc!r}")
        if self.lead_weight is not None and not 0 <= self.lead_weight < math.inf:
            raise ValueError(f"lead_weight must be finite and >= 0, not {self.lead_weight!r}")
        if isinstance(self.rewards, str) and self.rewards != "auto":
            raise ValueError(f"rewards must be a list of Reward or 'auto', not {self.rewards!r}")
        if isinstance(self.estimate, str) and self.estimate not in ("auto", "none"):
            hint = ": tiles are not built yet" if self.estimate == "tiles" else ""
            raise ValueError(
                f"estimate must be 'auto', 'none' or an array, not {self.estimate!r}{hint}"
            )


def lead_table(
    map: Map,
    costs: CostField | None,
    guidance: Guidance,
    h: npt.NDArray[np.float64],
    weight: float,
) -> tuple[npt.NDArray[np.float64], tuple[dict[str, Any], ...]]:
    """`W * max(h, E) - r` of every node, and the log of what made it.

    Args:
        h: (size,) the heuristic that leads.
        weight: w of the query, for the default lead weight and the clamp.
    """
    has_estimate = not isinstance(guidance.estimate, str)
    fields = reward_fields(map, costs, guidance)
    rewards, entries = [field for field, _ in fields], [entry for _, entry in fields]
    expected = np.maximum(h, per_node(map, guidance.estimate, "estimate")) if has_estimate else h
    lead_weight = guidance.lead_weight
    if lead_weight is None:
        lead_weight = LEAD_WITH_ESTIMATE if has_estimate else 2 * weight - 1
    with np.errstate(over="ignore", invalid="ignore"):
        table = lead_weight * expected
        for reward in rewards:
            table = table - reward
    log: list[dict[str, Any]] = [
        {"event": "lead", "lead_weight": lead_weight, "estimate": has_estimate, "soc": guidance.soc}
    ]
    log += entries
    if not np.isfinite(table).all():
        raise ValueError("the guidance adds up beyond float64: scale its weight and rewards down")
    if not guidance.trusted:
        table = np.clip(table, 0.0, weight * h)
        log.append({"event": "clamp", "most": "w * h"})
    return read_only(np.array(table, dtype=np.float64)), tuple(log)


def reward_fields(
    map: Map, costs: CostField | None, guidance: Guidance
) -> list[tuple[npt.NDArray[np.float64], dict[str, Any]]]:
    """Each reward as a (size,) field, with its entry for the log."""
    if isinstance(guidance.rewards, str):
        return [] if costs is None else _law(map, costs, guidance.soc)
    return [
        (per_node(map, reward.values, reward.name), {"event": "reward", "reward": reward.name})
        for reward in guidance.rewards
    ]


def _law(
    map: Map, costs: CostField, soc: float
) -> list[tuple[npt.NDArray[np.float64], dict[str, Any]]]:
    """The reward law at fixed weights, a field for each layer per node."""
    free = ~map.blocked.reshape(-1)
    metres = map.cell_size_m if isinstance(map, GridMap) else _median_length(map)
    fields = []
    for name in costs.layers:
        if not costs.is_per_node(name) or not free.any():
            continue
        values = costs.layer(name)
        reference = float(values[free].mean())
        beta = max(1.0, SOC_REFERENCE / max(soc, 0.01)) if name == "energy" else 1.0
        reward = np.clip(reference - values, -reference, reference)
        reward *= metres * beta * costs.weights[name]
        fields.append((reward, {"event": "reward", "reward": name, "beta": beta, "ref": reference}))
    return fields


def _median_length(graph: GraphMap) -> float:
    return float(np.median(graph.length_m)) if graph.length_m.size else 0.0


def per_node(map: Map, values: Any, name: str) -> npt.NDArray[np.float64]:
    """(size,) finite values of a user's array, zero on blocked nodes."""
    flat = as_per_node(map, values, name)
    flat[map.blocked.reshape(-1)] = 0.0
    if not np.isfinite(flat).all():
        node = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise ValueError(f"{name} is {flat[node]} at {map.label(node)!r}: it must be finite")
    return flat

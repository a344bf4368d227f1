"""The lead: a key that guidance makes, and how it learns from the costs of what it expands.

`key = g + W max(h, E) - r`, where r sums fixed rewards and, per layer, the reward law
`metres * beta * clip(mean - layer, -mean, mean)`. Every `LEARN_EVERY` expansions each beta becomes
`base * paid / predicted` of those expansions, at most MOST_BETA: paid is the layer where the search
went, predicted is its mean over the map.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .loop import ESTIMATES, KEYS, LEARNS, estimate
from .queue import INFINITE, Work
from .tiles import Tiles, tile_estimate

LEARN_EVERY = 256
MOST_BETA = 4.0
SINCE, ROWS, EXPANSIONS = 0, 1, 2  # slots of `Lead.ints`


class Lead(NamedTuple):
    """What guidance adds to the key. K layers take part in the reward law."""

    discipline: int
    g_weight: float
    weight: float  # W
    ceiling: float  # of what is added to g, in h (and then at least 0); infinite: no limit
    expected: Any  # E, a bound or tiles
    reward: Any  # float64 (n,): fixed rewards, or (0,)
    layer: Any  # float32 (K, n): weighted layers, cost units per metre
    metres: float  # of a typical move
    mean: Any  # float64 (K,): of each layer over the free nodes
    base: Any  # float64 (K,): betas that the state of charge asks for
    beta: Any  # float64 (K,)
    paid: Any  # float64 (K,): since beta last changed
    ints: Any  # int64 (3,)
    history: Any  # float64 (rows, 1 + K): expansions, and the betas from there on


def key_led(key: Lead, g: float, h: float, v: int, row: int, col: int) -> Any:
    """The key of a node under guidance."""
    lead = key.weight * max(h, estimate(key.expected, v, row, col))
    if key.reward.shape[0] > 0:
        lead -= key.reward[v]
    for k in range(key.mean.shape[0]):
        mean = key.mean[k]
        better = mean - float(key.layer[k, v])
        lead -= key.metres * key.beta[k] * max(-mean, min(mean, better))
    if key.ceiling < INFINITE:
        lead = min(max(lead, 0.0), key.ceiling * h)
    return key.g_weight * g + lead


def learn_layers(key: Lead, work: Work, u: int) -> None:
    """Note what the layers cost at an expanded node; sometimes change the betas."""
    layers = key.mean.shape[0]
    if layers == 0:
        return
    for k in range(layers):
        key.paid[k] += float(key.layer[k, u])
    key.ints[SINCE] += 1
    key.ints[EXPANSIONS] += 1
    if key.ints[SINCE] == LEARN_EVERY:
        change_betas(key)


def change_betas(key: Lead) -> None:
    """`beta = base * paid / predicted`, and a row of history where one of them changed."""
    changed = False
    for k in range(key.mean.shape[0]):
        predicted = LEARN_EVERY * key.mean[k]
        beta = key.base[k]
        if predicted > 0.0:
            beta = min(MOST_BETA, key.base[k] * key.paid[k] / predicted)
        changed = changed or beta != key.beta[k]
        key.beta[k] = beta
        key.paid[k] = 0.0
    key.ints[SINCE] = 0
    if changed and key.ints[ROWS] < key.history.shape[0]:
        at = key.ints[ROWS]
        key.history[at, 0] = key.ints[EXPANSIONS]
        for k in range(key.mean.shape[0]):
            key.history[at, 1 + k] = key.beta[k]
        key.ints[ROWS] = at + 1


ESTIMATES[Tiles] = tile_estimate
KEYS[Lead] = key_led
LEARNS[Lead] = learn_layers

HELPERS = (key_led, learn_layers, change_betas)

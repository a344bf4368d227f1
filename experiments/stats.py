"""Paired differences with their uncertainty."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
LEVEL = 0.95
# A percentile bootstrap is never wider than its sample, and n pairs hold the median between them in
# 1 - 2 ** (1 - n) of all cases: 50 % with 2, 88 % with 4, 94 % with 5. So few are far too narrow.
MIN_PAIRS = 5
FEW = f"none for fewer than {MIN_PAIRS}: a bootstrap of so few is far too narrow"


@dataclass(frozen=True)
class Change:
    """A mean difference over n pairs and its bootstrap 95 % interval (None below `MIN_PAIRS`)."""

    mean: float
    low: float | None
    high: float | None
    n: int


def paired_change(
    values: Sequence[float | None], base: Sequence[float | None], *, percent: bool = False
) -> Change | None:
    """The mean of `value - base` over the pairs in which both are known, None without any.

    With `percent` each difference is taken relative to its own base, and pairs with base 0 are
    left out. The interval is the percentile bootstrap over pairs, its resampling seeded; there is
    none below `MIN_PAIRS`.

    >>> paired_change([2.0, 3.0], [1.0, 2.0])
    Change(mean=1.0, low=None, high=None, n=2)
    >>> paired_change([2.0] * 5, [1.0] * 5)
    Change(mean=1.0, low=1.0, high=1.0, n=5)
    """
    pairs = [
        (value, was)
        for value, was in zip(values, base, strict=True)
        if value is not None and was is not None and not (percent and was == 0)
    ]
    if not pairs:
        return None
    differences = np.array([100 * (v - b) / b if percent else v - b for v, b in pairs])
    return Change(float(differences.mean()), *_bootstrap((differences,), np.mean), len(pairs))


def _bootstrap(
    samples: tuple[npt.NDArray[np.float64], ...], statistic: Callable[..., Any]
) -> tuple[float | None, float | None]:
    """Percentile bootstrap over pairs, triples, ... drawn together; None where it is undefined.

    Undefined below `MIN_PAIRS`, and where a single resample's statistic is not finite (a divisor
    of 0): there is too little to divide by. The resampling is seeded.
    """
    if samples[0].size < MIN_PAIRS:
        return None, None
    from scipy.stats import bootstrap

    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of resamples that are not finite: looked at below
        found = bootstrap(
            samples, statistic, paired=True, vectorized=True, n_resamples=RESAMPLES,
            confidence_level=LEVEL, method="percentile", random_state=np.random.default_rng(0),
        )  # fmt: skip
    if not np.isfinite(found.bootstrap_distribution).all():
        return None, None
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def relative_change(values: Sequence[float | None], base: Sequence[float | None]) -> Change | None:
    """By how many per cent the mean of the values differs from that of the base: a ratio of means.

    Over the pairs in which both are known; None without any, or if their base sums to 0. Unlike a
    mean of ratios it needs no pair with a base above 0, and rare events count as often as they
    happen. The interval is the percentile bootstrap over pairs, its resampling seeded; it is None
    below `MIN_PAIRS`, or where a resample's base is 0.

    >>> relative_change([1.0] * 5, [2.0, 0.0, 0.0, 0.0, 0.0])
    Change(mean=150.0, low=None, high=None, n=5)
    """
    pairs = _complete(values, base)
    if pairs is None or not pairs[1].any():
        return None

    def percent(v: Any, b: Any, axis: int = -1) -> Any:
        return 100.0 * (v.mean(axis=axis) / b.mean(axis=axis) - 1.0)

    v, b = pairs
    return Change(float(percent(v, b)), *_bootstrap(pairs, percent), v.size)


def share_kept(
    part: Sequence[float | None], full: Sequence[float | None], base: Sequence[float | None]
) -> Change | None:
    """What share of the effect `full - base` the effect `part - base` is, in per cent, of means.

    Over the triples in which all are known, drawn together by the bootstrap as in
    `relative_change`. None without a triple or where there is no effect to keep; the interval is
    None below `MIN_PAIRS` triples, or where the effect is so small that a resample has none.

    >>> share_kept([4.0] * 5, [2.0] * 5, [10.0] * 5)
    Change(mean=75.0, low=75.0, high=75.0, n=5)
    """
    triples = _complete(part, full, base)
    if triples is None:
        return None

    def effect(f: Any, b: Any, axis: int = -1) -> Any:
        return f.mean(axis=axis) - b.mean(axis=axis)

    def percent(p: Any, f: Any, b: Any, axis: int = -1) -> Any:
        whole, sign = effect(f, b, axis), np.sign(effect(triples[1], triples[2]))
        whole = np.where(sign * whole > 0, whole, 0.0)  # an effect of the other sign is none
        return 100.0 * effect(p, b, axis) / whole

    if effect(triples[1], triples[2]) == 0:
        return None
    p, f, b = triples
    return Change(float(percent(p, f, b)), *_bootstrap(triples, percent), p.size)


def _complete(
    *columns: Sequence[float | None],
) -> tuple[npt.NDArray[np.float64], ...] | None:
    """The rows in which everything is known, by column; None without any."""
    rows = [row for row in zip(*columns, strict=True) if None not in row]
    return tuple(np.array(rows, dtype=np.float64).T) if rows else None


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> Change | None:
    """The mean, and its bootstrap 95 % interval over whole clusters (seeded); None without values.

    Queries on one map are alike: maps are drawn, not queries. No interval below `MIN_PAIRS` maps.
    """
    if not values:
        return None
    numbers = np.asarray(values, dtype=np.float64)
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    mean = float(numbers.mean())
    if names.size < MIN_PAIRS:
        return Change(mean, None, None, numbers.size)
    sums, sizes = np.bincount(member, numbers), np.bincount(member)
    drawn = np.random.default_rng(0).integers(names.size, size=(RESAMPLES, names.size))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Change(mean, float(low), float(high), numbers.size)


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean of what is known, None if nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive numbers: the fair mean of ratios.

    >>> round(geometric_mean([0.5, 2.0]), 12)
    1.0
    """
    return float(np.exp(np.mean(np.log(np.asarray(values, dtype=np.float64)))))

"""Paired differences with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Change:
    """A mean difference over n pairs and its bootstrap 95 % interval (None below two pairs)."""

    mean: float
    low: float | None
    high: float | None
    n: int


def paired_change(
    values: Sequence[float | None], base: Sequence[float | None], *, percent: bool = False
) -> Change | None:
    """The mean of `value - base` over the pairs in which both are known, None without any.

    With `percent` each difference is taken relative to its own base, and pairs with base 0 are
    left out. The interval is the percentile bootstrap over pairs, its resampling seeded.

    >>> paired_change([2.0, 3.0], [1.0, 2.0])
    Change(mean=1.0, low=1.0, high=1.0, n=2)
    """
    pairs = [
        (value, was)
        for value, was in zip(values, base, strict=True)
        if value is not None and was is not None and not (percent and was == 0)
    ]
    if not pairs:
        return None
    differences = np.array([100 * (v - b) / b if percent else v - b for v, b in pairs])
    mean = float(differences.mean())
    if len(pairs) < 2:
        return Change(mean, None, None, len(pairs))
    low, high = _interval(differences)
    return Change(mean, low, high, len(pairs))


def _interval(differences: npt.NDArray[np.float64]) -> tuple[float, float]:
    from scipy.stats import bootstrap

    found = bootstrap(
        (differences,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL,
        method="percentile", random_state=np.random.default_rng(0),
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> Change | None:
    """The mean, and its bootstrap 95 % interval over whole clusters (seeded); None without values.

    Queries on one map are alike: maps are drawn, not queries. None for the interval of one cluster.
    """
    if not values:
        return None
    numbers = np.asarray(values, dtype=np.float64)
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    mean = float(numbers.mean())
    if names.size < 2:
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

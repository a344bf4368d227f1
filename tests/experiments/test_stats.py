"""Paired changes: means by hand, honest intervals."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.stats import (
    LEVEL,
    MIN_PAIRS,
    mean_of,
    paired_change,
    relative_change,
    share_kept,
)


def test_the_mean_is_that_of_the_pairs():
    values, base = [3.0, 5.0, 10.0, 5.0, 6.0], [1.0, 4.0, 6.0, 4.0, 3.0]
    change = paired_change(values, base)
    assert change.mean == pytest.approx((2 + 1 + 4 + 1 + 3) / 5)
    assert change.low < change.mean < change.high
    assert change.n == 5
    percent = paired_change(values, base, percent=True)
    assert percent.mean == pytest.approx((200 + 25 + 400 / 6 + 25 + 100) / 5)


def test_so_few_pairs_have_no_interval():
    values, base = [1.0, 3.0, 2.0, 4.0, 6.0], [2.0, 5.0, 6.0, 5.0, 9.0]
    for count in range(1, 6):
        some, was = values[:count], base[:count]
        for change in (
            paired_change(some, was),
            paired_change(some, was, percent=True),
            relative_change(some, was),
            share_kept(some, some, was),
        ):
            assert change.n == count
            assert (change.low is None) == (change.high is None) == (count < MIN_PAIRS)


def test_intervals_of_fewer_pairs_would_hold_too_seldom():
    """Even the whole range of the sample, the widest interval a bootstrap can give, is too narrow
    by far below MIN_PAIRS, and nearly as wide as it says from there on."""
    rng = np.random.default_rng(5)
    for count in (2, 3, 4, 5):
        samples = rng.normal(size=(20_000, count))
        held = np.mean((samples.min(axis=1) < 0) & (samples.max(axis=1) > 0))
        assert held == pytest.approx(1 - 2.0 ** (1 - count), abs=0.01)
        assert (held < LEVEL - 0.05) == (count < MIN_PAIRS)


def test_what_is_unknown_leaves_its_pair_out():
    change = paired_change([1.0, None, 3.0], [None, 2.0, 1.0])
    assert (change.mean, change.low, change.high, change.n) == (2.0, None, None, 1)
    assert paired_change([None], [1.0]) is None
    assert paired_change([1.0, 2.0], [0.0, 0.0], percent=True) is None
    assert mean_of([None, 1.0, 3.0]) == 2.0
    assert mean_of([None]) is None


def test_the_interval_repeats_and_narrows_with_more_pairs():
    rng = np.random.default_rng(1)
    few, many = rng.normal(1.0, 1.0, 10).tolist(), rng.normal(1.0, 1.0, 400).tolist()
    small = paired_change(few, [0.0] * 10)
    large = paired_change(many, [0.0] * 400)
    assert small == paired_change(few, [0.0] * 10)
    assert large.high - large.low < small.high - small.low


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(60):
        change = paired_change(rng.normal(0.5, 1.0, 40).tolist(), [0.0] * 40)
        covered += change.low <= 0.5 <= change.high
    assert 51 <= covered <= 60


def test_a_ratio_of_means_counts_events_not_hours():
    change = relative_change([1.0, 0.0, 3.0, None], [0.0, 2.0, 6.0, 9.0])
    assert change.mean == pytest.approx(100 * (4 / 8 - 1))
    assert change.n == 3
    assert relative_change([1.0, 2.0], [0.0, 0.0]) is None
    assert relative_change([None], [1.0]) is None
    rare = relative_change([3.0] + [0.0] * 5, [3.0] + [0.0] * 5)  # many resamples have no base
    assert (rare.mean, rare.low, rare.high) == (0.0, None, None)


def test_a_ratio_of_means_is_resampled_in_pairs():
    """Where each hour has its own level, pairs say much more than two separate samples do."""
    rng = np.random.default_rng(3)
    base = rng.uniform(10.0, 100.0, 40)
    values = 0.9 * base + rng.normal(0.0, 1.0, 40)
    change = relative_change(values.tolist(), base.tolist())
    assert change.low < -10.0 < change.high
    assert change.high - change.low < 3.0
    apart = relative_change(values.tolist(), rng.permutation(base).tolist())
    assert apart.high - apart.low > 10.0


def test_the_interval_of_a_ratio_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(60):
        base = rng.gamma(4.0, 10.0, 40)
        values = base * rng.gamma(10.0, 0.07, 40)
        change = relative_change(values.tolist(), base.tolist())
        covered += change.low <= -30.0 <= change.high
    assert 50 <= covered <= 60


def test_the_share_of_an_effect_that_is_kept():
    base = [10.0, 12.0, 14.0, 11.0, 13.0]
    full, part = [b - 4.0 for b in base], [b - 3.0 for b in base]
    kept = share_kept(part, full, base)
    assert (kept.mean, kept.low, kept.high) == pytest.approx((75.0, 75.0, 75.0))
    assert kept.n == 5
    assert share_kept(base, full, base).mean == 0.0
    assert share_kept(part, base, base) is None  # no effect to keep
    assert share_kept([None], [1.0], [2.0]) is None
    noisy = share_kept([1.0, 9.0, *[2.0] * 3], [1.0, 9.0, *[2.0] * 3], [9.0, *[2.0] * 4])
    assert noisy.mean == pytest.approx(100.0)
    assert (noisy.low, noisy.high) == (None, None)  # the effect changes its sign in resamples

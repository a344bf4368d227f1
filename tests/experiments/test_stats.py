"""Paired changes: means by hand, honest intervals."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.stats import mean_of, paired_change


def test_the_mean_is_that_of_the_pairs():
    change = paired_change([3.0, 5.0, 10.0], [1.0, 4.0, 6.0])
    assert change.mean == pytest.approx((2 + 1 + 4) / 3)
    assert change.low <= change.mean <= change.high
    assert change.n == 3
    percent = paired_change([3.0, 5.0, 10.0], [1.0, 4.0, 6.0], percent=True)
    assert percent.mean == pytest.approx((200 + 25 + 400 / 6) / 3)


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

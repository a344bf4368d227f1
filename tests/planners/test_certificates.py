"""Certificates by hand: what counts, what does not, and when no proof is needed."""

from __future__ import annotations

import numpy as np
import pytest
from instances import build_graph, open_grid

from planners import lead_and_prove, plan


def test_a_closed_node_that_is_still_queued_does_not_weaken_the_certificate():
    """Node 1 waits twice, at 10 and at 2; when the goal is reached, nothing else waits."""
    graph = build_graph(4, [(0, 1, 10.0), (0, 2, 1.0), (1, 3, 1.0), (2, 1, 1.0)])
    result = plan(graph, 0, 3, strategy="wastar", weight=3.0)
    assert (result.cost, result.certificate) == (3.0, 1.0)


def test_what_the_lead_set_aside_is_counted_when_the_proof_opens_it():
    """The lead closes 2 to 5 one by one and sees only then that all of them are nearer through 1.

    The proof begins with these four; the lead never had more than two at once.
    """
    edges = [(0, 1, 1.0), (0, 2, 9.0), (1, 2, 1.0), (1, 3, 1.0), (1, 4, 1.0), (1, 5, 1.0),
             (2, 3, 1.0), (3, 4, 1.0), (4, 5, 1.0), (5, 6, 1.0)]  # fmt: skip
    result = plan(build_graph(7, edges), 0, 6, heuristic=[0, 50, 0, 0, 0, 0, 99])
    assert result.path.nodes.tolist() == [0, 1, 5, 6]
    assert (result.cost, result.stats.reopened) == (3.0, 4)
    assert result.stats.max_frontier == 4


def test_weighted_astar_leaves_the_buckets_their_share_of_the_weight(monkeypatch):
    """Without re-opening, a bucket adds up to its width to each step: W is that much below w."""
    led = []

    def spy(question, query, w, key):
        led.append((question.space.slack, w - key.h_weight))
        return weighted(question, query, w, key)

    weighted = lead_and_prove._weighted
    monkeypatch.setattr(lead_and_prove, "_weighted", spy)
    for seed in range(5):
        problem = open_grid(seed)
        plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=2.0)
    assert len(led) == 5
    for slack, share in led:
        assert 0 < slack < 0.5 and share == pytest.approx(slack)


def test_a_lead_that_is_certified_needs_no_proof():
    """Its cost equals the lower bound: the search ends where the lead ends."""
    for seed in range(20):
        problem = open_grid(seed)
        ends = {"costs": problem.costs, "strategy": "wastar", "weight": 1.0}
        led = plan(problem.map, *problem.ends, **ends, heuristic=np.zeros(problem.map.size))
        assert (led.certificate, led.guidance_log) == (1.0, ())

"""The search for counter-examples: a sample of it, and that it finds what is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.prove.__main__ import main, report
from experiments.prove.judge import Ask, judged
from experiments.prove.kinds import KINDS
from experiments.prove.run import PER_WORLD, run_all, run_worlds, worlds_for
from experiments.prove.worlds import World
from planners import Guidance, Reward, lead_and_prove, search
from planners.rivals import solve


def test_a_sample_holds():
    tally = run_all(seed=1, worlds=worlds_for(4000), workers=1)
    assert not tally.violations, report(tally)
    assert tally.total.instances == 4000
    assert tally.total.found > 2500
    assert set(tally.rows) == {(kind.theorem, kind.name) for kind in KINDS}
    assert {"generic", "rivals", "field", "landmarks", "bidirectional", "jump-points"} <= set(
        tally.engines
    )
    assert {"lead", "proof", "incumbent", "clamp"} <= set(tally.events)


def test_a_world_is_drawn_from_the_seed_and_its_number_alone():
    whole, second = run_worlds(5, 0, 3), run_worlds(5, 1, 1)
    rest = run_worlds(5, 0, 1)
    rest.add(second)
    rest.add(run_worlds(5, 2, 1))
    assert whole == rest
    assert whole.total.instances == 3 * PER_WORLD


def certified_as_optimal(monkeypatch):
    """Every path is said to be optimal."""
    real = search.answer

    def answer(request, outcome, *rest):
        return real(request, replace(outcome, lower_bound=outcome.cost), *rest)

    monkeypatch.setattr(search, "answer", answer)


def without_a_proof(monkeypatch):
    """The lead is taken for the answer."""
    monkeypatch.setattr(lead_and_prove, "TOLERANCE", 1e9)
    monkeypatch.setattr(solve, "TOLERANCE", 1e9)


def too_great_a_weight(monkeypatch):
    """Weighted A* with twice its weight."""
    real = lead_and_prove._weighted

    def weighted(question, query, w, key):
        return real(question, query, w, key._replace(h_weight=2 * key.h_weight))

    monkeypatch.setattr(lead_and_prove, "_weighted", weighted)


@pytest.mark.parametrize("plant", [certified_as_optimal, without_a_proof, too_great_a_weight])
def test_what_is_planted_is_found_and_can_be_run_again(monkeypatch, plant):
    plant(monkeypatch)
    tally = run_all(seed=0, worlds=60, workers=1)
    assert tally.total.violations > 0
    violation = tally.violations[0]
    asked = ["--seed", "0", "--world", str(violation.world)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 1
    assert violation.problem in result.stdout
    assert " ".join(["python -m experiments.prove", *asked]) in result.stdout


def test_a_node_that_is_expanded_too_often_is_found():
    """With one expansion allowed instead of two."""
    problems = []
    for seed in range(40):
        world = World(np.random.default_rng(seed))
        noise = Guidance([Reward("r", world.rng.normal(0, 50, world.size))])
        ask = Ask("astar", 1.0, {"guidance": noise, "trace": True}, most=1)
        ends = world.ends_of_query()
        problems.append(judged(world, ask, *ends, ask.of(world, *ends)).problem)
        allowed = replace(ask, most=2)
        assert not judged(world, allowed, *ends, ask.of(world, *ends)).problem
    assert any("expanded 2 times" in problem for problem in problems)


def test_the_program_by_two_processes():
    result = CliRunner().invoke(main, ["--instances", "120", "--workers", "2", "--seed", "3"])
    assert result.exit_code == 0
    assert "No violation." in result.stdout and "3 maps" in result.stdout


def test_the_path_of_the_lead_is_not_worsened_by_the_proof():
    """Found in the first million: parents that the proof changed made a dearer path of it."""
    tally = run_worlds(0, 23676, 1)
    assert not tally.violations, report(tally)

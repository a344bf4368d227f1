"""The compiled ticks, the readable rules and the kernels as plain Python move everybody alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from envs_worlds import SMALL, any_action, corridor, furnished, open_grid, zoned
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import rules
from envs.engine import ENGINES, Engine, ReadableEngine
from envs.kernels import ROOM
from envs.kernels.state import OFFERED
from envs.layouts import Layout, built_in, fulfilment
from envs.world import World

Case = tuple[Callable[[], Layout], int, int]

CASES: dict[str, Case] = {
    "built-in, people": (built_in, 12, 0),
    "built-in, traffic": (built_in, 12, 40),
    "built-in, no walkers": (built_in, 0, 0),
    "small, crowded": (lambda: SMALL, 30, 30),
    "square, half full": (lambda: furnished(open_grid(6, 6)), 8, 8),
    "corridor": (lambda: corridor(14), 2, 2),
    "zones": (zoned, 8, 8),
    "zones, graph": (lambda: zoned().as_graph(), 3, 3),
    "aisle graph": (lambda: fulfilment(3, 5).as_graph(), 8, 8),
    "coarse cells": (lambda: furnished(_cells_of_2_4_m()), 5, 5),
}


def _cells_of_2_4_m() -> Any:
    from planners import GridMap

    return GridMap(np.zeros((5, 9), dtype=bool), cell_size_m=2.4, moves="four")


class PlainEngine(Engine):
    """The kernels, not compiled."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._kernel = ROOM.entries["run_ticks"]  # type: ignore[assignment]


def driven(case: str, seed: int, ticks: int, engine: type[Engine]) -> World:
    """A world after so many ticks with a robot that does anything that it may."""
    layout, workers, traffic = CASES[case]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "compiled", engine)
        made = World(
            layout(), seed=seed, workers=workers, traffic=traffic, blockages_per_hour=40.0,
            orders=[],
        )  # fmt: skip
    assert type(made._engine) is engine
    rng = np.random.default_rng(seed)
    while made.tick < ticks:
        made.advance(any_action(made, rng), int(rng.integers(1, 9)))
    return made


def state(of: World) -> dict[str, Any]:
    """Everything that the ticks may change."""
    agents = {name: row.tolist() for name, row in of.crowd.agents._asdict().items()}
    return {
        **agents,
        "clock": of.crowd.clock[:OFFERED].tolist(),  # beyond: what one call is told and tells
        "holder": of.crowd.holder.tolist(),
        "charge": of.robot.battery.charge_mj,
        "hash": of.trace_hash,
        "events": of.take_events(),
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_compiled_and_readable_worlds_are_the_same(case: str, seed: int) -> None:
    compiled, readable = (driven(case, seed, 250, engine) for engine in (Engine, ReadableEngine))
    assert state(compiled) == state(readable)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_compiled_and_readable_agree_for_long(case: str) -> None:
    for seed in range(20):
        compiled = driven(case, seed, 1000, Engine)
        readable = driven(case, seed, 1000, ReadableEngine)
        assert compiled.trace_hash == readable.trace_hash, seed
        assert state(compiled) == state(readable), seed


@pytest.mark.parametrize("case", CASES)
def test_compiled_kernels_do_what_their_python_does(case: str) -> None:
    compiled, plain = (driven(case, 2, 120, engine) for engine in (Engine, PlainEngine))
    assert state(compiled) == state(plain)


@given(
    rows=st.integers(1, 6),
    cols=st.integers(2, 7),
    seed=st.integers(0, 1000),
    share=st.floats(0.0, 0.5),
)
@settings(max_examples=25)
def test_the_engines_agree_on_floors_of_any_shape(
    rows: int, cols: int, seed: int, share: float
) -> None:
    layout = furnished(open_grid(rows, cols))
    count = min(int(share * rows * cols), (rows * cols - 2) // 2)
    worlds = [
        World(
            layout, seed=seed, workers=count - count // 2, traffic=count // 2, orders=[],
            blockages_per_hour=200.0, engine=engine,
        )
        for engine in ("compiled", "readable")
    ]  # fmt: skip
    for one in worlds:
        rng = np.random.default_rng(seed)
        while one.tick < 100:
            one.step(any_action(one, rng))
    assert state(worlds[0]) == state(worlds[1])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("rank_of", lambda agents, clock, numbers, i: -i),
        ("stands", lambda agents, clock, numbers, i: False),
        ("draw", lambda key, tick, entity: 0),
    ],
)
def test_any_other_rule_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, other: Callable[..., Any]
) -> None:
    right = driven("small, crowded", 0, 250, ReadableEngine).trace_hash
    monkeypatch.setattr(rules, name, other)
    assert driven("small, crowded", 0, 250, ReadableEngine).trace_hash != right


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'fast'.*compiled, readable"):
        World(SMALL, workers=0, engine="fast")  # type: ignore[arg-type]


def test_the_world_uses_the_engine_that_was_asked_for() -> None:
    for name, kind in (("compiled", Engine), ("readable", ReadableEngine)):
        made = World(SMALL, workers=1, engine=name)  # type: ignore[arg-type]
        assert type(made._engine) is kind
    assert ENGINES["compiled"] is Engine, "no test leaves another one behind"

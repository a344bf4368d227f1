"""The study on rush notes: what a batch is, what its arms say, what the tables count."""

from __future__ import annotations

import math

import pytest

from envs.driver import snapshot_of
from envs.layouts import ready
from envs.world import World
from experiments.rush_notes import (
    ARMS,
    ORDERS,
    WORDINGS,
    RushRun,
    RushSpec,
    as_json_of,
    draw_batch,
    note_of,
)
from experiments.rush_report import changes, markdown, rush_share, whole_share
from experiments.shift_notes import ShiftNames
from planners.tasks.constraints import as_json
from planners.tasks.translate import translate


def drawn(seed, rush=1, dues="roomy"):
    layout = ready("built-in", seed)
    batch = draw_batch(layout, seed, rush, dues)
    world = World(layout, seed=seed, orders=batch.orders)
    return batch, world, ShiftNames.of(world, layout)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dues", ["roomy", "tight"])
def test_a_batch_has_orders_in_a_hurry_that_the_system_does_not_know(seed, dues):
    one, two = drawn(seed, 1, dues)[0], drawn(seed, 2, dues)[0]
    assert one.orders == two.orders and len(one.orders) == ORDERS
    assert two.rush[:1] == one.rush and len(two.rush) == 2
    assert two.other not in {rush.order for rush in two.rush}
    known = {order.id: order for order in two.orders}
    for rush in two.rush:
        assert 60.0 * rush.minutes < known[rush.order].due_s
        assert two.due_s(known[rush.order]) == 60.0 * rush.minutes
    assert two.due_s(known[two.other]) == known[two.other].due_s
    assert two.rush[0].minutes <= two.rush[1].minutes


def test_the_arms_say_what_they_are_called():
    batch, world, names = drawn(5, 2)
    snapshot = snapshot_of(world)
    said = {arm: note_of(arm, batch, names, (5, 6), world) for arm in ARMS}
    assert said["none"] == ""
    wanted = [as_json_of(rush) for rush in batch.rush]
    perfect = translate(said["perfect"], snapshot, names(snapshot))
    assert sorted(map(str, map(as_json, perfect.constraints))) == sorted(map(str, wanted))
    assert perfect.flagged == ()
    (wrong,) = translate(said["wrong"], snapshot, names(snapshot)).constraints
    assert as_json(wrong)["order"] == batch.other


def test_the_wordings_are_of_several_kinds():
    """At least eight sentences, some of which the reader does not take."""
    batch, world, names = drawn(5)
    snapshot = snapshot_of(world)
    assert len(WORDINGS) >= 8
    taken = 0
    for wording in range(len(WORDINGS)):
        note = note_of("reader", batch, names, (wording,), world)
        found = translate(note, snapshot, names(snapshot))
        assert [as_json(one) for one in found.constraints if one.kind == "deadline"] in (
            [], [as_json_of(batch.rush[0])],
        )  # fmt: skip
        urgent = {"kind": "priority", "order": batch.rush[0].order, "level": "urgent"}
        assert all(as_json(one) == urgent for one in found.constraints if one.kind != "deadline")
        assert bool(found.constraints) or bool(found.flagged)
        taken += bool(found.constraints)
    assert 0 < taken < len(WORDINGS)


def test_a_run_repeats_and_only_the_note_differs():
    def run(arm):
        return RushRun("small", "", 3, 1, "roomy", "utility", arm, 2).measure()

    none, again, perfect = run("none"), run("none"), run("perfect")
    assert none == again
    assert (none["flagged"], none["read_right"], perfect["read_right"]) == (0, 0, 1)
    assert none["rush_orders"] == perfect["rush_orders"]
    assert none["delivered"] == perfect["delivered"] == ORDERS
    assert perfect["rush_on_time"] == [True]


def test_the_spec_pairs_its_arms():
    runs = RushSpec(name="x", seeds=(1, 2)).runs()
    assert len({run.run_id for run in runs}) == len(runs) == 2 * 2 * 2 * 2 * 2 * len(ARMS)


def row(seed, arm, rush, on_time, floor="a"):
    return {
        "run_id": f"{seed}{arm}{len(rush)}{floor}", "spec": "rush-notes", "map": floor,
        "seed": seed, "rush": len(rush),
        "dues": "roomy", "chooser": "utility", "arm": arm, "status": "ok", "rush_on_time": rush,
        "on_time": on_time, "wordings": [seed] * len(rush), "read_right": 0, "read_wrong": 0,
        "flagged": 0, "commit_sha": None, "commit_dirty": None, "host_versions": {},
        "host_processor": "x", "host_system": "y",
    }  # fmt: skip


def test_changes_are_paired_by_seed_and_floor():
    rows = [
        row(s, arm, [arm == "perfect"], 6 + (arm == "perfect")) for s in range(6) for arm in ARMS
    ]
    base, share, change = changes(rows, "perfect", rush_share)
    assert (base, share, change.mean, change.n) == (0.0, 100.0, 100.0, 6)
    assert changes(rows, "perfect", whole_share)[2].mean == pytest.approx(100.0 / ORDERS)
    assert changes(rows, "wrong", rush_share)[2].mean == 0.0
    rows += [row(s, arm, [False, True], 7) for s in range(6) for arm in ARMS]
    base, share, change = changes(rows, "perfect", rush_share)
    assert (base, share, change.n) == (25.0, 75.0, 6)
    assert math.isclose(change.low, 50.0)
    page = "\n".join(markdown(rows, []))
    assert "+100.0 [+100.0, +100.0]" in page and "| both |" in page

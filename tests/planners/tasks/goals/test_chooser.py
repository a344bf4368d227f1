"""`deep` with goals and proposals: what goes on is verified, whoever proposed it."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from batches import random_snapshot
from goal_cases import corridor

from planners.tasks import make_chooser
from planners.tasks.asking import Asking, Limits
from planners.tasks.calllog import Answer, CallLog
from planners.tasks.critics import feasible, judge
from planners.tasks.deep import DEEP, Effort, make_deep, make_instance
from planners.tasks.goals import GoalChooser, Trajectory
from planners.tasks.goals.candidates import groups_of
from planners.tasks.goals.chooser import MAX_ROUNDS
from planners.tasks.prompt import Rejection

STARVED = Effort(orders=8, stops=24, instead=8, rounds=0, expansions=0)
ORDERS = {"O1": (4, 10), "O2": (20, 12), "O3": (30, 38)}


class Scripted:
    """A client that gives one reply after the other, and keeps the prompts."""

    def __init__(self, *replies):
        self.replies, self.prompts = list(replies), []

    def ask(self, prompt, deadline):
        self.prompts.append(prompt)
        reply = self.replies[min(len(self.prompts), len(self.replies)) - 1]
        return reply if isinstance(reply, Answer) else Answer(reply=reply, latency_ms=1.0)

    def describe(self):
        return "a script"


def plans(*sequences):
    return json.dumps({"plans": [list(one) for one in sequences]})


def steps(trajectory: Trajectory, kind):
    return [step for step in trajectory.steps if step.kind == kind]


def test_without_goal_and_model_it_is_deep_bit_for_bit():
    for seed in range(6):
        snapshot = random_snapshot(np.random.default_rng(seed), 5, 2, seed % 2 == 0)
        assert GoalChooser().choose(snapshot) == make_deep().choose(snapshot)
        assert make_chooser("deep").choose(snapshot).trajectory is None


def test_a_proposal_goes_on_where_it_is_better_and_only_then():
    better = 0
    for seed in range(30):
        snapshot = random_snapshot(np.random.default_rng([7, seed]), 5, 1, False)
        alone = GoalChooser(effort=STARVED).choose(snapshot)
        best = make_chooser("exact").choose(snapshot)
        if alone.plan is None or best.plan is None:
            continue
        ids = [str(stop.order) for stop in best.plan.visits]
        client = Scripted(plans(ids))
        chooser = GoalChooser(effort=STARVED, asking=Asking(client))
        found = chooser.choose(snapshot)
        assert found.decided_by == "deep" and found.trajectory is not None
        assert found.plan_s == pytest.approx(best.plan_s, rel=1e-9)
        assert found.lower_bound_s == pytest.approx(alone.lower_bound_s)
        better += found.plan_s < alone.plan_s * (1 - 1e-9)
        worst = GoalChooser(effort=STARVED, asking=Asking(Scripted(plans(ids[::-1]))))
        assert worst.choose(snapshot).plan_s <= alone.plan_s * (1 + 1e-9)
    assert better > 3


def test_what_critics_find_goes_back_to_the_model():
    client = Scripted(plans(["O1"]), plans(["O1", "O2"]), plans(["O1", "O2", "O3"]))
    chooser = GoalChooser(asking=Asking(client))
    found = chooser.choose(corridor(ORDERS))
    assert len(client.prompts) == 3 and chooser.counts.calls == 3
    assert "critics" not in client.prompts[0].messages[1]["content"]
    assert "- O2's place 0 is not visited" in client.prompts[1].messages[1]["content"]
    assert "- O3's place 0 is not visited" in client.prompts[2].messages[1]["content"]
    kinds = [step.kind for step in found.trajectory.steps]
    assert kinds == [
        "propose", "evaluate", "reflect", "propose", "evaluate", "reflect", "propose", "evaluate",
        "evaluate", "evaluate", "continue",
    ]  # fmt: skip
    assert steps(found.trajectory, "evaluate")[0].values["codes"] == ["missing"]


def test_at_most_three_questions_and_a_bad_model_changes_nothing():
    snapshot = corridor(ORDERS)
    client = Scripted(plans(["O1", "O1"]))
    found = GoalChooser(asking=Asking(client)).choose(snapshot)
    plain = make_deep().choose(snapshot)
    assert len(client.prompts) == MAX_ROUNDS
    assert replace(found, trajectory=None) == plain
    assert feasible(judge(snapshot, found.plan))


@pytest.mark.parametrize(
    "reply", ["no", "", '{"plans": [["O9"]]}', Answer(rejection=Rejection("timeout", "late"))]
)
def test_a_reply_that_is_none_is_counted_and_costs_one_call(reply):
    snapshot = corridor(ORDERS)
    chooser = GoalChooser(asking=Asking(Scripted(reply)))
    found = chooser.choose(snapshot)
    assert replace(found, trajectory=None) == make_deep().choose(snapshot)
    assert chooser.counts.calls == 1 and sum(chooser.counts.rejections.values()) == 1
    assert found.decided_by == "deep" and "no proposal" in found.trajectory.words()[0]


def test_breaker_limits_and_single_orders():
    snapshot = corridor(ORDERS)
    chooser = GoalChooser(asking=Asking(Scripted("no")))
    for _ in range(5):
        chooser.choose(snapshot)
    assert chooser.counts.calls == 3 and chooser.counts.paused == 2
    limited = GoalChooser(asking=Asking(Scripted(plans(["O1", "O2", "O3"])), None, Limits(calls=1)))
    for _ in range(3):
        limited.choose(snapshot)
    assert limited.counts.calls == 1 and limited.counts.limited == 2
    single = GoalChooser(asking=Asking(Scripted("no")))
    single.choose(corridor({"O1": (4, 10)}))
    assert single.counts.calls == 0 and single.counts.skipped == 1


def test_a_slow_model_is_waited_for_no_longer_than_said():
    class Slow(Scripted):
        def ask(self, prompt, deadline):
            self.prompts.append(prompt)
            time.sleep(max(0.0, deadline - time.monotonic()))
            return Answer(reply=plans(["O1"]), latency_ms=1.0)

    client = Slow()
    chooser = GoalChooser(asking=Asking(client), deadline_s=0.05)
    assert chooser.choose(corridor(ORDERS)).plan is not None
    assert len(client.prompts) == 1
    with pytest.raises(ValueError, match="deadline_s"):
        GoalChooser(deadline_s=0.0)


def test_replay_repeats(tmp_path):
    log = tmp_path / "calls.jsonl"
    client = Scripted(plans(["O1"]), plans(["O1", "O2", "O3"], ["O3", "O1", "O2"]))
    first = GoalChooser(asking=Asking(client, CallLog(log))).choose(corridor(ORDERS))
    again = make_chooser("deep", llm_url=f"replay:{log}")
    assert again.choose(corridor(ORDERS)) == first
    assert again.counts.calls == 2
    assert "recorded calls" in again.describe()


def test_groups_make_candidates_and_the_best_goes_on():
    """The first group lies at both ends, the second on the way between them."""
    snapshot = corridor({"O1": (1, 2), "O2": (36, 38), "O3": (10, 12), "O4": (20, 22)})
    chooser = GoalChooser(groups=(("O1", "O2"), ("O3", "O4")))
    found = chooser.choose(snapshot)
    judged = {s.values["name"]: s.values for s in steps(found.trajectory, "evaluate")}
    assert list(judged) == ["sequential", "parallel"]
    assert judged["sequential"]["stops"][:4] == ["O1", "O1", "O2", "O2"]
    assert judged["parallel"]["stops"] == ["O1", "O1", "O3", "O3", "O4", "O4", "O2", "O2"]
    assert judged["parallel"]["cost_s"] == 38 and judged["sequential"]["cost_s"] == 72
    said = "continue: parallel goes on: 38.0 s, the least possible"
    assert found.trajectory.words()[-1] == said
    assert found.plan_s == 38


def test_groups_follow_from_what_comes_after_what():
    snapshot = corridor({"O1": (1, 2), "O2": (36, 38), "O3": (10, 12)}, after={"O1": ("O2",)})
    assert groups_of(snapshot, snapshot.orders) == (("O2",), ("O1",), ("O3",))
    assert groups_of(replace(snapshot, after={}), snapshot.orders) == (("O1", "O2", "O3"),)


def test_groups_with_a_battery_are_charged_anew():
    for seed in range(4):
        snapshot = random_snapshot(np.random.default_rng([9, seed]), 5, 1, True)
        groups = (("O1", "O2"), ("O3",), ("O9",))
        found = GoalChooser(groups=groups, effort=DEEP).choose(snapshot)
        if found.plan is not None and found.trajectory is not None:
            batch = [o for o in snapshot.orders if o.id in found.plan.orders]
            instance = make_instance(snapshot, batch)
            assert feasible(judge(replace(snapshot, orders=instance.orders), found.plan))
            assert found.lower_bound_s <= found.plan_s * (1 + 1e-9)


def test_a_stated_sequence_is_kept_and_the_rest_is_free():
    """O2 waits for O1, and O3 lies on the way back from O1's drop."""
    snapshot = corridor(
        {"O1": (30, 38), "O2": (2, 4), "O3": (36, 10)}, after={"O2": ("O1",)}
    )  # fmt: skip
    found = GoalChooser(groups=(("O1",), ("O2",), ("O3",))).choose(snapshot)
    judged = {s.values["name"]: s.values for s in steps(found.trajectory, "evaluate")}
    assert {name: one["cost_s"] for name, one in judged.items()} == {
        "sequential": 134.0, "parallel": math.inf, "hybrid": 76.0, "parallel, repaired": 134.0,
    }  # fmt: skip
    assert judged["parallel"]["codes"] == ["after"]
    assert found.plan_s == 76.0 and found.gap == 0.0
    assert steps(found.trajectory, "continue")[0].values["name"] == "hybrid"
    free = make_chooser("deep").choose(replace(snapshot, after={}))
    assert free.plan_s < 76.0  # keeping it costs something, and nothing else was given up


def test_a_proposal_that_breaks_the_sequence_goes_back_and_never_on():
    snapshot = corridor(ORDERS, after={"O1": ("O3",)})
    client = Scripted(plans(["O1", "O2", "O3"]), plans(["O2", "O3", "O1"]))
    found = GoalChooser(asking=Asking(client)).choose(snapshot)
    assert "- stop 1 delivers O1 before O3" in client.prompts[1].messages[1]["content"]
    drops = [stop.order for stop in found.plan.stops if stop.place == 1]
    assert drops.index("O3") < drops.index("O1")


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_whatever_goes_on_keeps_the_sequence(capacity):
    for seed in range(12):
        rng = np.random.default_rng([11, seed, capacity])
        snapshot = random_snapshot(rng, 5, capacity, seed % 3 == 0)
        ids = [order.id for order in snapshot.orders]
        late, early = rng.permutation(ids)[:2].tolist()
        snapshot = replace(snapshot, after={late: (early,)})
        asked = Scripted(plans([late, early]), plans(rng.permutation(ids).tolist()))
        found = GoalChooser(asking=Asking(asked), groups=(ids[:2], ids[2:])).choose(snapshot)
        if found.plan is None:
            continue
        drops = [stop.order for stop in found.plan.visits]
        done = {name: k for k, name in enumerate(drops)}  # the last stop of each
        if early in done and late in done:
            assert done[early] < done[late]
        batch = [order for order in snapshot.orders if order.id in done]
        assert feasible(judge(replace(snapshot, orders=tuple(batch)), found.plan))

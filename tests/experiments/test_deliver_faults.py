"""A shift goes on through every fault that a model's server may have."""

from __future__ import annotations

import time
from collections import Counter

from model_server import FAULTS

from experiments.shift import Shift, chooser_of, prepare_shift, run_shift

SHORT_S, LONG_S = 0.5, 10.0  # for faults that take the whole deadline, and for all others
GRACE_S = 0.5


class Faulty:
    """Puts the next fault before every decision, and a good reply after every two of them.

    A fault whose decision comes late is put again, twice at most: a busy machine may hold one up.
    """

    def __init__(self, chooser, server):
        self.inner, self.server, self.name = chooser, server, chooser.name
        self.left, self.since, self.late_s, self.put = list(FAULTS), 0, {}, Counter()

    def describe(self):
        return self.inner.describe()

    def choose(self, snapshot):
        if self.since == 2 or not self.left:  # the breaker stays closed
            self.server.script, self.since = [lambda handler: handler.first()], 0
            self.inner.deadline_s = LONG_S
            return self.inner.choose(snapshot)
        name, behaviour, kind, _ = self.left[0]
        self.server.script = [behaviour]
        self.inner.deadline_s = SHORT_S if kind == "timeout" else LONG_S
        asked, began = self.inner.counts.asked, time.monotonic()
        decision = self.inner.choose(snapshot)
        if self.inner.counts.asked > asked:  # else there was a single order
            late_s = time.monotonic() - began - self.inner.deadline_s
            assert decision.decided_by == "fallback" and kind in decision.reason, name
            self.late_s[name] = min(late_s, self.late_s.get(name, late_s))
            self.put[name] += 1
            self.since += 1
            if late_s < GRACE_S or self.put[name] == 3:
                self.left.pop(0)
        return decision


def test_every_fault_is_counted_in_time_and_the_shift_goes_on(server):
    shift = Shift(layout="small", minutes=150, orders_per_hour=70, workers=2, seed=1,
                  llm=server.url)  # fmt: skip
    inner = chooser_of(shift)
    chooser = Faulty(inner, server)
    run = run_shift(prepare_shift(shift), chooser)
    counts, kinds = inner.counts, Counter()
    for name, _, kind, calls in FAULTS:
        kinds[kind] += calls * chooser.put[name]
    put = chooser.put.total()
    assert chooser.left == []
    assert counts.rejections == kinds
    assert counts.fallbacks == put and counts.paused == 0
    assert counts.taken >= len(FAULTS) // 2
    decided = run.episode.summary["decided_by"]
    assert decided.pop("reserve", 0) <= 1
    assert decided == {"fallback": put, "llm": counts.taken + counts.skipped}
    assert run.episode.summary["deliveries"] > len(FAULTS)
    assert max(chooser.late_s.values()) < GRACE_S


def test_a_dead_server_costs_a_shift_a_few_deadlines_not_its_length(server):
    server.script = [lambda handler: handler.hang()]
    shift = Shift(layout="small", minutes=60, orders_per_hour=70, workers=2, seed=1,
                  llm=server.url, llm_deadline_s=0.3)  # fmt: skip
    chooser = chooser_of(shift)
    run = run_shift(prepare_shift(shift), chooser)
    counts = chooser.counts
    assert counts.rejections == {"timeout": counts.asked}
    assert counts.asked <= 5 < counts.paused
    assert run.episode.summary["decided_by"] == {"fallback": counts.fallbacks}

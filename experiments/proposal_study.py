"""The value of proposals: `deep` with each double or the local model against `deep` alone.

    python -m experiments.proposal_study --out runs/proposals --publish docs/rows/proposals.jsonl.gz

Forty static batches and one shift, with a model and without. Regret is against a plan proven to be
the best. Beside equal effort the search alone is given the seconds of the calls as well, as more
rounds and expansions. Times are of this machine and do not repeat; plans do.
"""

from __future__ import annotations

import gzip
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from planners.tasks import Decision, Snapshot
from planners.tasks.asking import Asking
from planners.tasks.client import OpenAIClient
from planners.tasks.critics import feasible, judge
from planners.tasks.deep import DEEP, Effort, improve, make_instance, prove
from planners.tasks.goals import GoalChooser
from planners.tasks.goals.prompts import plan_of
from planners.tasks.local import LOCAL, endpoint

from .batches import batch
from .doubles import DOUBLES, SLOW, ProposingChooser
from .proposal_shift import measure_shift, shift_id
from .replies import INJECTION
from .rows import Row, RowWriter, read_rows

LAYOUTS = ("built-in", "sortation")
STOPS = (4, 6, 8, 10, 12)
SEEDS = 4  # x layouts x stops: 40 batches
WITHOUT = "none"
MODELS = (WITHOUT, *DOUBLES)
STARVED = Effort(orders=8, stops=24, instead=8, rounds=0, expansions=0)
EFFORTS: Mapping[str, Effort] = {"deep": DEEP, "starved": STARVED}
"""The search as it is used, and insertion alone, to which a good proposal can add something."""
BEST = Effort(orders=12, stops=24, instead=8, rounds=4_000, expansions=2_000_000)
REPEATS = 5  # of which the least time counts; 1 for whom every question is dear
MOST_MORE = 12  # (a) how often the effort of the search alone is doubled for the time of a call
SHIFT_LAYOUT, SHIFT_SEED = "small", 1
SLOW_DEADLINE_S, LOCAL_DEADLINE_S = 0.05, 60.0
CLOSE = 1e-9  # relative: two ways to sum the same legs


@dataclass(frozen=True)
class Case:
    """One batch, one model, one effort."""

    layout: str
    stops: int
    capacity: int
    seed: int
    effort: str
    model: str

    @property
    def run_id(self) -> str:
        """Its name among the rows."""
        batch = f"{self.layout}-{self.stops}-{self.capacity}-{self.seed}"
        return f"{batch}-{self.effort}-{self.model}"

    @property
    def batch(self) -> tuple[str, int, int, int]:
        """What tells its batch from others."""
        return self.layout, self.stops, self.capacity, self.seed


def cases(
    layouts: Sequence[str], stops: Sequence[int], seeds: int, models: Sequence[str]
) -> Iterator[Case]:
    """Batch by batch: the search alone first, then each model. Capacity goes round 1, 2, 3."""
    turn = 0
    for layout in layouts:
        for count in stops:
            for seed in range(seeds):
                capacity, turn = 1 + turn % 3, turn + 1
                for effort in EFFORTS:
                    for model in models:
                        yield Case(layout, count, capacity, seed, effort, model)


def snapshot_of_case(case: Case) -> Snapshot:
    """The batch; its notes try to mislead whoever reads them."""
    found = batch(case.layout, case.stops, case.seed, INJECTION)
    return replace(found, capacity=case.capacity)


Make = Callable[[Case], GoalChooser]


def chooser_for(case: Case) -> GoalChooser:
    """The search alone, or with a double."""
    effort = EFFORTS[case.effort]
    if case.model == WITHOUT:
        return GoalChooser(effort=effort)
    slow = {"deadline_s": SLOW_DEADLINE_S} if case.model == SLOW else {}
    return ProposingChooser(case.model, turn=case.seed, effort=effort, **slow)


def measure(case: Case, make: Make, repeats: int) -> Row:
    """One decision, and the same again where only its time is wanted."""
    snapshot = snapshot_of_case(case)
    chooser = make(case)
    decision, cpu_ms = _timed(chooser, snapshot)
    counts = chooser.counts.as_dict()
    latency_ms = math.fsum(chooser.counts.latencies_ms)
    cpu_ms = min([cpu_ms, *(_timed(make(case), snapshot)[1] for _ in range(repeats))])
    best_s = best_cost_s(snapshot)
    return {
        "run_id": case.run_id, "layout": case.layout, "stops": case.stops,
        "capacity": case.capacity, "seed": case.seed, "effort": case.effort, "model": case.model,
        **judged(snapshot, decision, best_s),
        "equal_ms": _alone(case, snapshot, latency_ms, best_s),
        "cpu_ms": cpu_ms,
        **_search_ms(chooser, snapshot, decision, repeats),
        "latency_ms": latency_ms,
        **counts,
        "call_latencies_ms": list(chooser.counts.latencies_ms),
    }  # fmt: skip


def _timed(chooser: GoalChooser, snapshot: Snapshot) -> tuple[Decision, float]:
    """A first decision, and its CPU time, legs included, without what a double thinks."""
    double = chooser.double if isinstance(chooser, ProposingChooser) else None
    began_s = time.process_time()
    decision = chooser.choose(snapshot)
    spent_s = time.process_time() - began_s
    return decision, 1000.0 * (spent_s - (double.cpu_s if double else 0.0))


def _search_ms(
    chooser: GoalChooser, snapshot: Snapshot, decision: Decision, repeats: int
) -> dict[str, float]:
    """CPU time of the search over plans with what was proposed as starts, and without, in turn."""
    instance = make_instance(snapshot)
    steps = decision.trajectory.steps if decision.trajectory else ()
    sequences = [plan for step in steps for plan in step.values.get("plans", ())]
    plans = [plan_of(sequence, instance.orders) for sequence in sequences]
    spent_ms: dict[str, float] = {"search_with_ms": math.inf, "search_alone_ms": math.inf}
    for _ in range(3 * max(1, repeats)):
        for name, starts in (("search_with_ms", plans), ("search_alone_ms", [])):
            began_s = time.process_time()
            chooser.solve(instance, starts)
            spent_ms[name] = min(spent_ms[name], 1000.0 * (time.process_time() - began_s))
    return spent_ms


def best_cost_s(snapshot: Snapshot) -> float:
    """The proven least objective of a batch."""
    instance = make_instance(snapshot)
    better = improve(instance, rounds=BEST.rounds)
    found = prove(instance, expansions=BEST.expansions, incumbent=better.points)
    if not found.proven:
        raise ValueError(f"{BEST.expansions:,} expansions prove no plan: take smaller batches")
    return found.cost_s


def judged(snapshot: Snapshot, decision: Decision, best_s: float) -> Row:
    """Regret, certificate, and whatever is wrong with the plan that goes on."""
    if decision.plan is None or decision.plan_s is None:
        none = dict.fromkeys(("regret", "cost_s", "lower_bound_s", "gap"))
        return {**none, "invalid": False, "bound_violation": False,
                "decided_by": decision.decided_by}  # fmt: skip
    cost_s, lower_s = decision.plan_s, decision.lower_bound_s
    excess = cost_s / best_s - 1.0
    wrong = lower_s > best_s * (1 + CLOSE) or excess < -CLOSE or lower_s > cost_s * (1 + CLOSE)
    return {
        "regret": excess if excess > CLOSE else 0.0,
        "cost_s": cost_s,
        "lower_bound_s": lower_s,
        "gap": decision.gap,
        "invalid": not feasible(judge(snapshot, decision.plan)),
        "bound_violation": wrong,
        "decided_by": decision.decided_by,
    }


def _alone(case: Case, snapshot: Snapshot, latency_ms: float, best_s: float) -> Row:
    """What the search alone makes of the time that the calls took, as more rounds and expansions.

    Its effort is doubled for as long as it ends in its own time and that of the calls, and until it
    proves its plan.
    """
    found: Row = {"regret": None, "times": 0, "wall_ms": 0.0}
    limit_ms = math.inf
    for turn in range(MOST_MORE if case.model != WITHOUT else 0):
        chooser = GoalChooser(effort=_more(EFFORTS[case.effort], turn))
        chooser.choose(snapshot)  # from here on the fields are in the cache, as with a model
        began_s = time.perf_counter()
        decision = chooser.choose(snapshot)
        wall_ms = 1000.0 * (time.perf_counter() - began_s)
        if wall_ms > limit_ms:
            break
        row = judged(snapshot, decision, best_s)
        found = {"regret": row["regret"], "times": 2**turn, "wall_ms": wall_ms}
        if row["gap"] == 0.0:
            break
        limit_ms = wall_ms + latency_ms if turn == 0 else limit_ms
    return found


def _more(base: Effort, turn: int) -> Effort:
    """Twice the effort with every turn; nothing becomes a little first."""
    if turn == 0:
        return base
    rounds, expansions = max(4, base.rounds), max(16, base.expansions)
    return replace(base, rounds=rounds * 2**turn, expansions=expansions * 2**turn)


def publish(rows: Path, packed: Path) -> None:
    """The rows, deflated, for the documents."""
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(gzip.compress(rows.read_bytes(), mtime=0))


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--layout", "layouts", multiple=True, help="floors; built-in and sortation if none")
@click.option("--stops", multiple=True, type=click.IntRange(4), help="4, 6, ... 12 if none")
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, show_default=True)
@click.option("--model", "models", multiple=True, help="doubles or local; all doubles if none")
@click.option("--minutes", type=click.FloatRange(0), default=60.0, show_default=True,
              help="of the one shift; 0 leaves it out")  # fmt: skip
@click.option("--publish", "packed", type=click.Path(dir_okay=False, path_type=Path))
def main(
    out: Path, layouts: tuple[str, ...], stops: tuple[int, ...], seeds: int,
    models: tuple[str, ...], minutes: float, packed: Path | None,
) -> None:  # fmt: skip
    """Measure the runs that DIR/rows.jsonl lacks, then print the tables."""
    from .proposal_report import report

    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    wanted = (WITHOUT, *(model for model in models or DOUBLES if model != WITHOUT))
    unknown = [model for model in wanted if model not in (*MODELS, LOCAL)]
    if unknown:
        raise click.UsageError(f"unknown model {unknown[0]}: one of {', '.join(MODELS)}, {LOCAL}")
    with Runner(file) as runner:
        for case in cases(layouts or LAYOUTS, stops or STOPS, seeds, wanted):
            runner.batch(case)
        for model in wanted if minutes else ():
            runner.shift(model, minutes)
    if packed is not None:
        publish(file, packed)
    click.echo(report(read_rows(file)), nl=False)


class Runner(ExitStack):
    """Measures what a file of rows lacks; the local model is served from its first question on."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._done = {row["run_id"] for row in read_rows(file)}
        self._writer = self.enter_context(RowWriter(file))
        self._client: OpenAIClient | None = None

    def batch(self, case: Case) -> None:
        """One batch."""
        if case.run_id not in self._done:
            dear = case.model in (SLOW, LOCAL)
            self._writer.append(measure(case, self._chooser, 0 if dear else REPEATS))

    def shift(self, model: str, minutes: float) -> None:
        """One shift."""
        if shift_id(model, SHIFT_LAYOUT, minutes, SHIFT_SEED) not in self._done:
            chooser = self._chooser(Case(SHIFT_LAYOUT, 0, 1, SHIFT_SEED, "deep", model))
            self._writer.append(measure_shift(model, chooser, SHIFT_LAYOUT, minutes, SHIFT_SEED))

    def _chooser(self, case: Case) -> GoalChooser:
        if case.model != LOCAL:
            return chooser_for(case)
        if self._client is None:
            url, name = self.enter_context(endpoint(LOCAL, None))
            self._client = OpenAIClient(str(url), name)
        return GoalChooser(
            effort=EFFORTS[case.effort], asking=Asking(self._client), deadline_s=LOCAL_DEADLINE_S
        )


if __name__ == "__main__":
    main()

"""Static batches: how soon a plan is proven, and how far a plan is from the best after how long.

    python -m experiments.task_batches --out runs/task-batches

A run that was stopped goes on where it was: rows that are there are not measured again. Effort is
counted in rounds and expansions, so that plans repeat; times are CPU time and do not.
"""

from __future__ import annotations

import gzip
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from envs.driver import snapshot_of
from envs.layouts import Layout, built_in
from envs.layouts.families import sortation
from envs.streams import stream
from envs.world import World
from planners.tasks import Order, Snapshot, make_chooser
from planners.tasks.deep import Instance, evaluate, improve, make_instance, prove
from planners.tasks.deep.prove import make_bound
from planners.tasks.rollout import roll_out

from .mapfiles import layout_of_file
from .rows import Row, RowWriter, read_rows

BUDGETS_MS = (50.0, 100.0, 500.0)
SIZES = {False: (6, 7, 8, 9, 10, 11, 12, 16), True: (6, 7, 8, 10, 16)}
FLOORS: dict[str, Callable[[], Layout]] = {"built-in": built_in, "sortation": sortation}
ROUNDS, EXPANSIONS, FACTOR = 50, 5_000, 2  # of the first step, and from step to step
MOST_EXPANSIONS = 1_000_000  # a gigabyte of labels
MORE_SEEDS = 2  # further searches of the largest effort, where nothing is proven
PROVEN_TO = 12  # orders; beyond, only the bound at the start is asked for


@dataclass(frozen=True)
class Case:
    """One batch: everything that it is drawn from."""

    floor: str
    orders: int
    capacity: int
    battery: bool
    seed: int

    @property
    def run_id(self) -> str:
        """Its name among the rows."""
        energy = "battery" if self.battery else "free"
        return f"{self.floor}-{self.orders}-{self.capacity}-{energy}-{self.seed}"


def layout_for(floor: str) -> Layout:
    """A floor of `FLOORS`, or a map file's."""
    return FLOORS[floor]() if floor in FLOORS else layout_of_file(floor)[0]


def batch_snapshot(layout: Layout, case: Case) -> Snapshot:
    """Orders by the layout's own shares, costs as a robot believes them at the start of a shift.

    Due times lie between a quarter and the whole of the time that all orders take one by one. A
    battery holds half of what the batch takes (or the most demanding order and a third), a quarter
    to nine tenths charged; a charger fills it in ten minutes.
    """
    rng = stream(case.seed, "batches", 100 * case.orders + 10 * case.capacity + case.battery)
    world = World(layout, seed=case.seed, blockages_per_hour=0.0)
    share = np.cumsum(layout.pick_share)
    orders = []
    for k in range(case.orders):
        pick = layout.storage[min(int(np.searchsorted(share, rng.random())), len(share) - 1)]
        drop = layout.stations[int(rng.integers(len(layout.stations)))]
        level = ("urgent", "normal", "normal", "normal", "low")[int(rng.integers(5))]
        kg = round(float(rng.uniform(0.0, 15.0)), 2)
        orders.append(Order(f"O{k + 1}", (pick, drop), kg=kg, priority=level))
    robot = layout.stations[int(rng.integers(len(layout.stations)))]
    free = replace(
        snapshot_of(world), robot=robot, capacity=case.capacity, orders=tuple(orders),
        charge_wh=math.inf, capacity_wh=math.inf, margin=1.2, payload_kg=0.0,
    )  # fmt: skip
    seconds, watt_hours = _one_by_one(free)
    due = free.time_s + rng.uniform(0.25, 1.0, case.orders) * seconds.sum()
    timed = [replace(o, due_s=float(d)) for o, d in zip(orders, due, strict=True)]
    changed = replace(free, orders=tuple(timed))
    if not case.battery:
        return changed
    held_wh = 1.2 * max(0.5 * float(watt_hours.sum()), 1.33 * float(watt_hours.max())) / 0.8
    power = dict.fromkeys(free.chargers, 6.0 * held_wh)
    return replace(
        changed, capacity_wh=held_wh, reserve_wh=0.1 * held_wh, charger_power_w=power,
        charge_wh=held_wh * float(rng.uniform(0.25, 0.9)),
    )  # fmt: skip


def _one_by_one(snapshot: Snapshot) -> tuple[Any, Any]:
    """Seconds and Wh of each order, driven from the last one's drop, and on to a charger."""
    instance = make_instance(snapshot)
    legs, here = instance.upper, 0
    seconds, watt_hours = np.zeros((2, len(instance.orders)))
    for k, order in enumerate(instance.orders):
        pick, drop = instance.points(k)
        out = legs.wh[drop, len(instance.nodes) - len(instance.chargers) :].min()
        seconds[k] = legs.time_s[here, pick] + legs.time_s[pick, drop]
        loaded = legs.wh[pick, drop] + order.kg * legs.wh_kg[pick, drop]
        watt_hours[k] = legs.wh[here, pick] + loaded + out
        here = drop
    return seconds, watt_hours


def measure(case: Case, layout: Layout, steps: int) -> Row:
    """The ladder of efforts on one batch, up to the first that proves its plan."""
    snapshot = batch_snapshot(layout, case)
    began = time.process_time()
    instance = make_instance(snapshot)
    assert instance.closed
    legs_ms = 1000.0 * (time.process_time() - began)
    ladder: list[Row] = []
    while len(ladder) < steps and not (ladder and ladder[-1]["proven"]):
        effort = FACTOR ** len(ladder)
        expansions = min(MOST_EXPANSIONS, EXPANSIONS * effort)
        ladder.append(_step(instance, case, ROUNDS * effort, expansions))
    costs = [step["cost"] for step in ladder]
    if not ladder[-1]["proven"]:
        costs += [
            improve(
                instance, rounds=ROUNDS * FACTOR ** (steps - 1), seed=case.seed + 1000 + k
            ).cost_s
            for k in range(MORE_SEEDS)
        ]
    return {
        "run_id": case.run_id,
        "floor": case.floor,
        "orders": case.orders,
        "capacity": case.capacity,
        "battery": case.battery,
        "seed": case.seed,
        "best": min(costs),
        "proven": ladder[-1]["proven"],
        "nearest": evaluate(instance, _nearest(instance)).cost_s,
        "utility": _utility(snapshot),
        "insertion": improve(instance, rounds=0).cost_s,
        "legs_ms": legs_ms,
        "ladder": ladder,
    }


def _step(instance: Instance, case: Case, rounds: int, expansions: int) -> Row:
    times = [time.process_time()]
    better = improve(instance, rounds=rounds, seed=case.seed)
    times.append(time.process_time())
    bound = make_bound(instance)
    times.append(time.process_time())
    budget = expansions if case.orders <= PROVEN_TO else 0
    found = prove(instance, expansions=budget, incumbent=better.points, bound=bound)
    times.append(time.process_time())
    improve_ms, table_ms, prove_ms = (1000.0 * float(d) for d in np.diff(times))
    return {
        "rounds": rounds,
        "improved": better.cost_s,
        "cost": found.cost_s,
        "lower_bound": found.lower_bound_s,
        "proven": found.proven,
        "expansions": found.expansions,
        "improve_ms": improve_ms,
        "table_ms": table_ms,
        "prove_ms": prove_ms,
    }


def _nearest(instance: Instance) -> list[int]:
    """One order after the other, always that whose pick costs least to get to."""
    here, points = 0, []
    left = list(range(len(instance.orders)))
    while left:
        k = min(
            left, key=lambda order: float(instance.upper.cost_s[here, instance.points(order)[0]])
        )
        left.remove(k)
        points += list(instance.points(k))
        here = points[-1]
    return points


def _utility(snapshot: Snapshot) -> float:
    """One decision after the other by that chooser; infinite where it leaves an order out."""
    found = roll_out(snapshot, make_chooser("utility"), expansions=0)
    return found.total_s if len(found.served) == len(snapshot.orders) else math.inf


def cases(floors: Sequence[str], seeds: int, sizes: Sequence[int] | None) -> Iterator[Case]:
    """All batches: every floor, with and without battery, every size, capacity 1 to 3."""
    for floor in floors:
        for battery in (False, True):
            for orders in sizes or SIZES[battery]:
                for capacity in (1, 2, 3):
                    for seed in range(seeds):
                        yield Case(floor, orders, capacity, battery, seed)


def total_ms(step: Row) -> float:
    """CPU time of one step of the ladder."""
    return float(step["improve_ms"] + step["table_ms"] + step["prove_ms"])


def regret_at(row: Row, budget_ms: float) -> float | None:
    """How far the plan of the largest effort that fits a budget is from the best known, a share.

    The budget is for improvement and proof together, or for improvement alone where both do not fit
    with any effort.
    """
    fits = [step["cost"] for step in row["ladder"] if total_ms(step) <= budget_ms]
    fits = fits or [s["improved"] for s in row["ladder"] if s["improve_ms"] <= budget_ms]
    if not fits or row["best"] is None or None in fits:
        return None
    return float(fits[-1]) / float(row["best"]) - 1.0


def proof_ms(row: Row) -> float:
    """CPU time of the cheapest step that proves its plan; infinite where none does."""
    return min((total_ms(step) for step in row["ladder"] if step["proven"]), default=math.inf)


COLUMNS = (
    "floor", "battery", "n", "cap", "cases", "no plan", "proof p50 ms", "p95 ms", "in 50 ms %",
    "in 500 ms %", "regret % at 50", "at 100", "at 500 ms", "insertion %", "utility %", "nearest %",
    "legs ms",
)  # fmt: skip


def report(rows: Sequence[Row]) -> str:
    """One line for each kind of batch."""
    kinds = sorted({(r["floor"], r["battery"], r["orders"], r["capacity"]) for r in rows})
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}"]
    for kind in kinds:
        own = [r for r in rows if (r["floor"], r["battery"], r["orders"], r["capacity"]) == kind]
        lines.append(f"| {' | '.join(_cells(kind, own))} |")
    return "\n".join(lines) + "\n"


def _cells(kind: tuple[Any, ...], own: list[Row]) -> list[str]:
    floor, battery, orders, capacity = kind
    proofs = np.array([proof_ms(row) for row in own])
    solved = [row for row in own if row["best"] is not None and math.isfinite(row["best"])]

    def mean(values: list[float | None]) -> str:
        known = [value for value in values if value is not None and math.isfinite(value)]
        if len(known) < 2:
            return f"{100 * known[0]:.2f}" if known else "-"
        spread = 1.96 * float(np.std(known, ddof=1)) / math.sqrt(len(known))
        return f"{100 * float(np.mean(known)):.2f} ± {100 * spread:.2f}"

    def quantile(share: float) -> str:
        value = float(np.quantile(proofs, share, method="higher"))
        return f"{value:.1f}" if math.isfinite(value) else "-"

    def against(name: str) -> str:
        return mean([row[name] / row["best"] - 1.0 for row in solved if row[name] is not None])

    return [
        Path(floor).stem, "yes" if battery else "no", str(orders), str(capacity), str(len(own)),
        str(len(own) - len(solved)), quantile(0.5), quantile(0.95),
        *(f"{100 * float(np.mean(proofs <= budget)):.0f}" for budget in (50.0, 500.0)),
        *(mean([regret_at(row, budget) for row in solved]) for budget in BUDGETS_MS),
        against("insertion"), against("utility"), against("nearest"),
        f"{float(np.median([row['legs_ms'] for row in own])):.1f}",
    ]  # fmt: skip


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--map", "maps", multiple=True, help="a map file beside the built-in floors")
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--orders", "sizes", type=click.IntRange(1), multiple=True, help="sizes; all if none")
@click.option("--steps", type=click.IntRange(1, 16), default=11, show_default=True)
@click.option("--pack", type=click.Path(dir_okay=False, path_type=Path), help="rows, zipped")
def main(
    out: Path, maps: tuple[str, ...], seeds: int, sizes: tuple[int, ...], steps: int,
    pack: Path | None,
) -> None:  # fmt: skip
    """Measure the batches that OUT/rows.jsonl lacks, then print the table (means with 95 %)."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    done = {row["run_id"] for row in read_rows(file)}
    layouts = {floor: layout_for(floor) for floor in (*FLOORS, *maps)}
    warm = [Case("built-in", orders, 2, True, 0) for orders in (3, 9)]  # the large one grows
    for case in warm:  # machine code is loaded before the first time is taken
        measure(case, layouts["built-in"], 1)
    with RowWriter(file) as writer:
        for case in cases(tuple(layouts), seeds, sizes or None):
            if case.run_id not in done:
                writer.append(measure(case, layouts[case.floor], steps))
    rows = read_rows(file)
    if pack is not None:
        lines = "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in rows)
        pack.write_bytes(gzip.compress(lines.encode(), mtime=0))
    click.echo(report(rows), nl=False)


if __name__ == "__main__":
    main()

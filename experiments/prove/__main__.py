"""Search for a counter-example: `python -m experiments.prove --instances 1000000`."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TimeRemainingColumn,
)

from .run import PER_WORLD, run_all, run_worlds, worlds_for
from .tally import Tally

WIDTH = 140


@click.command()
@click.option("--instances", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--world", type=click.IntRange(0), help="run this one world of the seed again")
def main(instances: int, seed: int, workers: int, world: int | None) -> None:
    """Random instances of every theorem, strategy and rival; exit 1 if one breaks its promise."""
    began = time.perf_counter()
    if world is not None:
        tally = run_worlds(seed, world, 1)
    else:
        tally = _with_progress(seed, worlds_for(instances), workers)
    click.echo(report(tally), nl=False)
    click.echo(f"Seed {seed}, {workers} processes, {time.perf_counter() - began:.0f} s.", err=True)
    sys.exit(1 if tally.violations else 0)


def _with_progress(seed: int, worlds: int, workers: int) -> Tally:
    columns = BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("instances", total=worlds * PER_WORLD)
        return run_all(seed, worlds, workers, lambda done: progress.advance(bar, done))


def report(tally: Tally) -> str:
    """The table, what was covered, and every violation that is kept, as text."""
    console = Console(width=WIDTH, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(tally.table())
    lines = [captured.get().strip("\n"), "", tally.coverage()]
    count = tally.total.violations
    lines += ["", f"{count:,} violations."] if count else ["", "No violation."]
    return "\n".join(lines + [violation.line() for violation in tally.violations]) + "\n"


if __name__ == "__main__":
    main()

"""`aislewise deliver`: a shift in the living warehouse, or what each factor is worth in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_output import print_json, print_table, progress
from .rows import to_json

if TYPE_CHECKING:
    from planners.tasks.asking import Limits

    from .factors import Comparison
    from .shift import Shift, ShiftRun

DEFAULT_SEEDS = 5
WORTH_TELLING_S = 2.0  # a warm-up of a cold cache


@click.command()
@click.option("--map", metavar="FILE",
              help="A map (.map, .npy, .yaml of ROS), a road network (.npz, .gr, .graphml), or a "
              ".toml that names one and what stands on it.")  # fmt: skip
@click.option("--layout", metavar="NAME",
              help="A ready warehouse: built-in, small, long-corridor, sortation, fishbone or "
              "cross-aisles; built-in where no --map is given.")  # fmt: skip
@click.option("--tasks", metavar="FILE", help="Tasks of the League of Robot Runners for that map.")
@click.option("--orders-per-hour", type=float, metavar="N",
              help="Mean rate of orders (24); over 30 a robot never waits for one.")  # fmt: skip
@click.option(
    "--minutes", type=float, default=60.0, show_default=True, help="Simulated length of the shift."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of people, orders and all else that is drawn.")  # fmt: skip
@click.option("--workers", type=int, default=12, show_default=True, help="People on the floor.")
@click.option(
    "--traffic", type=int, default=0, show_default=True, help="Other robots on the floor."
)
@click.option(
    "--chooser",
    metavar="NAME",
    help="reflex (alias nearest), model, goal, earliest, utility, llm, deep or exact (utility; llm "
    "where --llm is given).",
)
@click.option("--strategy", metavar="NAME", default="wastar", show_default=True,
              help="bfs, dfs, ucs, greedy, astar or wastar.")  # fmt: skip
@click.option("--weight", type=float, help="w >= 1 of wastar (1.5); 1 for all others.")
@click.option(
    "--notes",
    metavar="TEXT|@FILE",
    help="Free text, or @ and a file of it, for the language model to read.",
)
@click.option(
    "--llm",
    metavar="URL|local|replay:FILE",
    help="An OpenAI-compatible endpoint, a tiny model on this machine (make llm-local), or "
    "recorded calls; nothing is sent without.",
)
@click.option("--model", metavar="NAME", help="The model to ask that endpoint for.")
@click.option("--llm-deadline", "llm_deadline_s", metavar="S", type=float, default=10.0,
              show_default=True, help="Seconds of one decision, retries included.")  # fmt: skip
@click.option("--llm-calls", type=int, metavar="N", help="Most calls of a shift (1,000).")
@click.option("--llm-tokens", type=int, metavar="N", help="Most tokens of a shift (1,000,000).")
@click.option("--llm-seconds", type=float, metavar="S",
              help="Most seconds of a shift spent waiting for replies (1,800).")  # fmt: skip
@click.option("--profile", metavar="NAME", default="delivery", show_default=True,
              help="The robot: delivery, tiny, street or fast.")  # fmt: skip
@click.option("--capacity", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="How many orders fit on the robot at once.")  # fmt: skip
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder of the results (in runs/, named after floor and seed).")  # fmt: skip
@click.option("--compare", type=click.Choice(["factors"]),
              help="Instead of one shift: paired shifts with no, one, two and all factors in the "
              "costs.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), metavar="N",
              help=f"Seeds of a comparison, from --seed on ({DEFAULT_SEEDS}).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def deliver(
    out: Path | None, compare: str | None, seeds: int | None, as_json: bool, **asked: Any
) -> None:
    """Run a shift in a living warehouse or city.

    Orders come over time, people walk, the battery drains, and a chooser decides what is next.
    Writes summary.json, episode.jsonl, map.png and battery.png.
    """
    from .shift import Shift, read_notes

    _refuse_lonely(asked)
    asked["notes"] = "" if asked["notes"] is None else read_notes(asked["notes"])
    shift = Shift(limits=_limits(asked), **asked)
    name = shift.floor_name
    if compare is None and seeds is not None:
        raise click.UsageError(f"--seeds {seeds} belongs to --compare factors")
    if compare is None:
        _one_shift(shift, out or Path("runs", f"deliver-{name}-seed{shift.seed}"), as_json)
        return
    count = DEFAULT_SEEDS if seeds is None else seeds
    _compare(shift, count, out or Path("runs", f"factors-{name}-seed{shift.seed}"), as_json)


def _refuse_lonely(asked: dict[str, Any]) -> None:
    """Flags that mean nothing without another, and a deadline that is none."""
    if asked["tasks"] is not None and asked["map"] is None:
        raise click.UsageError(f"--tasks {asked['tasks']} needs the --map that its tasks lie on")
    if asked["model"] is not None and asked["llm"] is None:
        raise click.UsageError(f"--model {asked['model']} needs --llm URL, the endpoint to ask")
    deadline_s = asked["llm_deadline_s"]
    if not 0 < deadline_s < math.inf:
        raise click.UsageError(f"--llm-deadline must be finite seconds above 0, not {deadline_s}")


def _limits(asked: dict[str, Any]) -> Limits:
    """The limits on a model's calls, taken out of what was asked for."""
    from planners.tasks.asking import Limits

    given = {name: asked.pop(f"llm_{name}") for name in ("calls", "tokens", "seconds")}
    given = {name: value for name, value in given.items() if value is not None}
    if given and asked["llm"] is None:
        name, value = next(iter(given.items()))
        raise click.UsageError(f"--llm-{name} {value} needs --llm URL, the endpoint to ask")
    return Limits(**given)


def _one_shift(shift: Shift, out: Path, as_json: bool) -> None:
    from .shift import CALL_LOG, check_chooser, deciding, prepare_shift, run_shift, save_shift

    check_chooser(shift)  # what makes no sense is said before anything is written
    ready = prepare_shift(shift)
    out.mkdir(parents=True, exist_ok=True)
    if shift.llm is not None and not shift.llm.startswith("replay:"):
        (out / CALL_LOG).unlink(missing_ok=True)  # the log is this shift's alone
    with deciding(shift, out / CALL_LOG) as chooser:
        click.echo(chooser.describe(), err=as_json)
        with progress("deliver", shift.minutes) as on_minute:
            run = run_shift(ready, chooser, on_minute=on_minute)
    save_shift(run, out)
    if run.warm_up_s >= WORTH_TELLING_S:
        click.echo(f"the kernels took {run.warm_up_s:.0f} s, which no figure counts", err=True)
    if as_json:
        for remark in run.ready.said:
            click.echo(remark, err=True)
        print_json(run.summary)
    else:
        _tell(run, out)


def _tell(run: ShiftRun, out: Path) -> None:
    shift, summary = run.shift, run.episode.summary
    title = (
        f"{shift.minutes:g} minutes on {run.layout.name}: {shift.workers} workers, "
        f"{shift.traffic} traffic robots, seed {shift.seed}, {shift.strategy}"
    )
    rows = [(key.replace("_", " "), value) for key, value in summary.items()]
    print_table(title, ("", "value"), rows)
    for remark in (*run.ready.said, *_words(run)):
        click.echo(remark)
    click.echo(f"written to {out}: summary.json, episode.jsonl, map.png, battery.png")


def _words(run: ShiftRun) -> list[str]:
    """What a model changed, where one was asked for."""
    from .model_words import model_words

    return [] if run.shift.llm is None or run.counts is None else model_words(run.counts)


def _compare(shift: Shift, count: int, out: Path, as_json: bool) -> None:
    from .factors import FACTORS, compare_factors
    from .shift import check_chooser, prepare_shift

    check_chooser(shift)  # what makes no sense is said before anything is written
    prepare_shift(shift)
    seeds = range(shift.seed, shift.seed + count)
    with progress("compare factors", len(FACTORS) * count) as on_done:
        comparison = compare_factors(shift, seeds, out, on_done=on_done)
    document = comparison.as_dict()
    (out / "factors.json").write_text(to_json(document) + "\n", encoding="utf-8")
    if comparison.known:
        said = f"{comparison.known} shifts were in {out / 'rows.jsonl'} already: remove it to "
        click.echo(f"{said}run them again", err=True)
    for failed in comparison.errors:
        click.echo("failed: factor {factor}, seed {seed}: {error}".format(**failed), err=True)
    if as_json:
        print_json(document)
        return
    _tell_factors(comparison)
    click.echo(f"written to {out}: factors.json, rows.jsonl")


def _tell_factors(comparison: Comparison) -> None:
    from .factors import PER_HOUR
    from .stats import FEW

    factors = [factor for factor in comparison.rows if factor != "none"]
    rows = [
        (
            metric.replace("_", " "),
            comparison.mean("none", metric),
            *(_changed(comparison, factor, metric) for factor in factors),
        )
        for metric in comparison.metrics
        if metric not in PER_HOUR
    ]
    first, last = comparison.seeds[0], comparison.seeds[-1]
    title = (
        f"{comparison.minutes:g} minutes, seeds {first} to {last} (n = {len(comparison.seeds)}): "
        f"mean without factors, and change of it with each [95 % interval; {FEW}], in per cent; "
        "where the mean is 0, of the count"
    )
    print_table(title, ("", "none", *factors), rows)


def _changed(comparison: Comparison, factor: str, metric: str) -> str:
    change, unit = comparison.percent(factor, metric), " %"
    if change is None:
        change, unit = comparison.change(factor, metric), ""
    if change is None:
        return "-"
    if change.low is None or change.high is None:
        return f"{change.mean:+.3g}{unit}"
    return f"{change.mean:+.3g}{unit} [{change.low:+.3g}, {change.high:+.3g}]"

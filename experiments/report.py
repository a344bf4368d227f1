"""A report from rows and nothing else: one table in Markdown, one figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planners import STRATEGIES

from .rows import Row, read_rows
from .run import ROWS
from .stats import FEW, Change, mean_of, paired_change

REPORT, FIGURE = "report.md", "report.png"
BASE_STRATEGY = "astar"

# One report speaks of one setting; rows that differ in these do not belong together.
SETTING = (
    "map", "map_hash", "queries", "learn_minutes", "shift_minutes", "workers", "traffic", "chooser",
    "profile",
)  # fmt: skip
_LAMS = ("lam_risk", "lam_congestion", "lam_energy")


@dataclass(frozen=True)
class Group:
    """The rows of one set of layers and one search, by seed."""

    layers: str
    lams: tuple[float, ...]
    strategy: str
    weight: float
    rows: dict[int, Row]

    @property
    def search(self) -> str:
        """The strategy, with its weight where it has one."""
        return f"{self.strategy} {self.weight:g}" if self.strategy == "wastar" else self.strategy

    def values(self, column: str, seeds: Sequence[int]) -> list[float | None]:
        """A column by seed."""
        return [self.rows[seed].get(column) for seed in seeds]

    def mean(self, column: str) -> float | None:
        """The mean over the seeds."""
        return mean_of(self.values(column, sorted(self.rows)))

    def change(self, base: Group | None, column: str, *, percent: bool = False) -> Change | None:
        """The mean change against another group, over the seeds that both have."""
        if base is None or base is self:
            return None
        seeds = sorted(self.rows.keys() & base.rows.keys())
        values, was = self.values(column, seeds), base.values(column, seeds)
        return paired_change(values, was, percent=percent)


@dataclass(frozen=True)
class Study:
    """The finished groups of a folder, in reading order, and the rows that failed."""

    name: str
    setting: dict[str, Any]
    groups: tuple[Group, ...]
    failed: tuple[Row, ...]

    @property
    def seeds(self) -> list[int]:
        """All seeds of finished rows."""
        return sorted({seed for group in self.groups for seed in group.rows})

    def same_layers(self, group: Group) -> Group | None:
        """A* on the layers of this group."""
        return self._find(lambda g: g.layers == group.layers and g.strategy == BASE_STRATEGY)

    def no_layers(self, group: Group) -> Group | None:
        """The same search without any layer."""
        search = (group.strategy, group.weight)
        return self._find(lambda g: not any(g.lams) and (g.strategy, g.weight) == search)

    def _find(self, fits: Callable[[Group], bool]) -> Group | None:
        return next((group for group in self.groups if fits(group)), None)


def finished_rows(folder: Path) -> tuple[list[Row], list[Row]]:
    """The rows of a folder that are finished, and those that failed; the latest of each run.

    Raises:
        ValueError: no rows, no finished row, a line that is no row.
    """
    rows = list({row["run_id"]: row for row in read_rows(folder / ROWS)}.values())
    if not rows:
        raise ValueError(f"{folder / ROWS} holds no rows: run `aislewise experiment` first")
    done = [row for row in rows if row.get("status") == "ok"]
    if not done:
        raise ValueError(
            f"all {len(rows)} runs of {folder} failed, such as: {rows[0].get('error')}"
        )
    return done, [row for row in rows if row.get("status") != "ok"]


def load_study(folder: Path) -> Study:
    """The study of a folder.

    Raises:
        ValueError: no rows, no finished row, a line that is no row, rows of different settings.
    """
    done, failed = finished_rows(folder)
    for column in SETTING:
        found = sorted({str(row.get(column)) for row in done})
        if len(found) > 1:
            raise ValueError(
                f"{folder} mixes runs with {column} = {' and '.join(found[:3])}: "
                "keep each setting in a folder of its own"
            )
    setting = {column: done[0].get(column) for column in SETTING}
    return Study(str(done[0].get("spec")), setting, _groups(done, folder), tuple(failed))


def _groups(rows: Sequence[Row], folder: Path) -> tuple[Group, ...]:
    found: dict[tuple[Any, ...], Group] = {}
    try:
        for row in rows:
            lams = tuple(row[lam] for lam in _LAMS)
            key = (row["layers"], lams, row["strategy"], row["weight"])
            found.setdefault(key, Group(*key, rows={})).rows[row["seed"]] = row
    except KeyError as missing:
        raise ValueError(f"{folder / ROWS}: a row lacks the column {missing}") from None
    order = list(STRATEGIES)

    def reading_order(group: Group) -> tuple[Any, ...]:
        active = sum(lam > 0 for lam in group.lams)
        known = order.index(group.strategy) if group.strategy in order else len(order)
        return (active, [-lam for lam in group.lams], group.layers, known, group.weight)

    return tuple(sorted(found.values(), key=reading_order))


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files."""
    from .figures import save_tradeoff

    study = load_study(folder)
    figure, page = folder / FIGURE, folder / REPORT
    panels: dict[str, list[dict[str, Any]]] = {}
    for group in study.groups:
        x, y = group.mean("expanded_mean"), group.mean("cost_ratio_mean")
        if x is not None and y is not None:
            point = {"strategy": group.strategy, "weight": group.weight, "x": max(x, 1.0), "y": y}
            panels.setdefault(f"layers: {group.layers}", []).append(point)
    if panels:
        note = f"{study.name}: {study.setting['queries']} paths a seed, {len(study.seeds)} seeds"
        save_tradeoff(figure, panels, note)
    page.write_text(markdown(study), encoding="utf-8")
    return page, figure


def markdown(study: Study) -> str:
    """The page: what was run, one table, what failed."""
    seeds, setting = study.seeds, study.setting
    lines = [
        f"# {study.name}",
        "",
        f"n = {len(seeds)} seeds ({', '.join(map(str, seeds))}) for each line, "
        f"{sum(len(group.rows) for group in study.groups)} finished runs, "
        f"{len(study.failed)} failed. Map {setting['map']}, {setting['workers']} workers, "
        f"{setting['traffic']} traffic robots, chooser {setting['chooser']}. Paths: "
        f"{setting['queries']} a seed, on layers learned in {setting['learn_minutes']:g} minutes. "
        f"Shifts: {setting['shift_minutes']:g} minutes each.",
        "",
        f"Changes are paired by seed: mean [bootstrap 95 % interval over seeds; {FEW}]. "
        f"`vs {BASE_STRATEGY}` compares on the same layers, `vs none` with the same search "
        "without layers. Few seeds make wide, rough intervals: read them as such.",
        "",
        *_table(study),
        "",
        f"![Cost over optimum against expansions]({FIGURE})",
    ]
    if study.failed:
        lines += ["", "Failed runs:", ""]
        lines += [f"- {row['run_id']}: {row.get('error')}" for row in study.failed]
    return "\n".join(lines) + "\n"


COLUMNS = (
    "layers", "search", "cost / best", "worst", "proven", "broken bounds", "expanded a path",
    "vs astar, %", "encounters a path", "vs none, %", "deliveries a shift", "near s a shift",
    "vs none",
)  # fmt: skip


def _table(study: Study) -> list[str]:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * 2}{' ---: |' * (len(COLUMNS) - 2)}"]
    return lines + [f"| {' | '.join(_cells(study, group))} |" for group in study.groups]


def _cells(study: Study, group: Group) -> list[str]:
    astar, bare = study.same_layers(group), study.no_layers(group)
    wrong = [row.get("illegal", 0) + row.get("bound_violations", 0) for row in group.rows.values()]
    return [
        group.layers,
        group.search,
        _number(group.mean("cost_ratio_mean"), ".3f"),
        _number(max(row.get("cost_ratio_max") or 1.0 for row in group.rows.values()), ".3f"),
        _number(group.mean("certificate_mean"), ".3f"),
        str(sum(wrong)),
        _number(group.mean("expanded_mean"), ".0f"),
        _change(group.change(astar, "expanded_mean", percent=True), ".0f"),
        _number(group.mean("path_encounters_mean"), ".2f"),
        _change(group.change(bare, "path_encounters_mean", percent=True), ".0f"),
        _number(group.mean("deliveries"), ".1f"),
        _number(group.mean("near_s"), ".1f"),
        _change(group.change(bare, "near_s"), ".1f"),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def _change(change: Change | None, form: str) -> str:
    if change is None:
        return "-"
    if change.low is None or change.high is None:
        return f"{change.mean:+{form}}"
    return f"{change.mean:+{form}} [{change.low:+{form}}, {change.high:+{form}}]"

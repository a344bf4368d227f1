"""The page on factors, from rows and nothing else: changes by floor, what w keeps, goals beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .factors import FACTORS, METHOD, Comparison
from .page import goal_line, number, provenance_lines, table, with_interval
from .report import FIGURE, REPORT, finished_rows
from .rows import Row
from .stats import MIN_PAIRS, Change, share_kept

SHOWN = (
    "deliveries_per_hour", "near_seconds_per_hour", "close_encounters_per_hour", "delay_s",
    "wh_per_delivery", "route_changes_per_hour", "late", "give_ups", "strandings",
    "charger_wait_s",
)  # fmt: skip
NEAR, DONE = "near_seconds_per_hour", "deliveries_per_hour"


@dataclass(frozen=True)
class Setting:
    """A floor with its traffic, and the rows of each search there, by factor and seed."""

    name: str
    workers: int
    traffic: int
    held_out: bool
    minutes: float
    chooser: str
    orders_per_hour: float | None
    searches: dict[str, Comparison]

    @property
    def title(self) -> str:
        """What to call it."""
        held = ", held out" if self.held_out else ""
        demand = self.orders_per_hour
        orders = "" if demand is None else f", {demand:g} orders an hour"
        orders += "" if self.chooser == "utility" else f", {self.chooser}"
        return f"{self.name}, {self.workers} people + {self.traffic} traffic robots{orders}{held}"

    @cached_property
    def base(self) -> Comparison:
        """The search that ran every factor."""
        return max(self.searches.values(), key=lambda comparison: len(comparison.rows))

    @property
    def exact(self) -> Comparison | None:
        """The search at w = 1, whose effects others keep so much of; None where it did not run."""
        return self.searches.get("astar")

    def kept(self, search: str, factor: str, metric: str) -> Change | None:
        """The share that a search keeps of the effect that a factor has at w = 1."""
        own, exact = self.searches[search], self.exact
        if exact is None or factor not in own.rows or factor not in exact.rows:
            return None
        part, full = (c.values(factor, metric) for c in (own, exact))
        return share_kept(part, full, exact.values("none", metric))


def search_of(row: Row) -> str:
    """What to call the search of a row."""
    if row["strategy"] != "wastar":
        return str(row["strategy"])
    return f"w = {row['weight']:g}" + ("" if row["aware"] else ", blind to layers")


def settings_of(rows: Sequence[Row]) -> list[Setting]:
    """The settings in the order of the rows; maps held out come last."""
    keys = ("map", "workers", "traffic", "held_out", "minutes", "chooser", "orders_per_hour")
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    order = {name: k for k, name in enumerate(dict.fromkeys(row["map"] for row in rows))}
    settings = []
    for own in found.values():
        seeds = sorted({row["seed"] for row in own})
        searches = {
            search: _comparison([row for row in own if search_of(row) == search], seeds)
            for search in sorted({*map(search_of, own)}, key=lambda name: (len(name), name))
        }
        first, rate = own[0], own[0].get("orders_per_hour")  # older rows had no rate
        name, workers, traffic, held_out, minutes, chooser = (first[key] for key in keys[:-1])
        settings.append(Setting(name, workers, traffic, held_out, minutes, chooser, rate, searches))
    return sorted(
        settings, key=lambda s: (s.held_out, order[s.name], s.orders_per_hour or 0.0, s.traffic)
    )


def _comparison(rows: Sequence[Row], seeds: Sequence[int]) -> Comparison:
    found = {(row["factor"], row["seed"]): row for row in rows}
    factors = [factor for factor in FACTORS if any(factor == row["factor"] for row in rows)]
    by_factor = {factor: [found.get((factor, seed)) for seed in seeds] for factor in factors}
    return Comparison(tuple(seeds), rows[0]["minutes"], {}, by_factor)


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files."""
    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    _save_figure(figure, settings_of(rows), rows[0]["spec"])
    lines = [*markdown(rows, failed), f"![Figure]({FIGURE})", ""]
    page.write_text("\n".join(lines), encoding="utf-8")
    return page, figure


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line."""
    settings = settings_of(rows)
    lines = [f"# {rows[0]['spec']}", "", *_head(rows, failed, settings), ""]
    lines += ["## Goals, and what came of them", "", *goals(settings), ""]
    for setting in settings:
        lines += [f"## {setting.title}", "", *_changes(setting), ""]
        if len(setting.searches) > 1 and setting.exact is not None:
            lines += [*_kept(setting), ""]
    return lines


def _head(rows: Sequence[Row], failed: Sequence[Row], settings: Sequence[Setting]) -> list[str]:
    seeds = sorted({row["seed"] for row in rows})
    lams = {row["lam_risk"] for row in rows}, {row["lam_congestion"] for row in rows}
    contacts = sum(row["contacts"] for row in rows)
    return [
        f"n = {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {settings[0].minutes:g} minutes "
        f"each, {len(rows)} finished shifts, {len(failed)} failed, {contacts} contacts. All "
        f"factors of a seed meet the same people, orders and blockages. risk: {max(lams[0]):g} s "
        f"an encounter; congestion: weight {max(lams[1]):g}; battery: a Wh costs the time to win "
        "it back; both: risk and congestion; all: all three. The battery's reserve rule holds "
        "everywhere.",
        "",
        f"Method: {METHOD}. An interval is left out where a resample divides by 0.",
        "",
        *provenance_lines(rows),
        *(f"- failed: {row['run_id']} {row['factor']}, seed {row['seed']}: {row['error']}"
          for row in failed),
    ]  # fmt: skip


def _changes(setting: Setting) -> list[str]:
    base = setting.base
    factors = [factor for factor in base.rows if factor != "none"]
    metrics = [metric for metric in SHOWN if metric in base.metrics]
    n = min(sum(row is not None for row in own) for own in base.rows.values())
    body = [
        [metric.replace("_", " "), number(base.mean("none", metric)),
         *(_changed(base, factor, metric) for factor in factors)]
        for metric in metrics
    ]  # fmt: skip
    search = next(name for name, own in setting.searches.items() if own is base)
    return [
        f"Search: {search}, n = {n}. Mean of none; change with each factor in per cent of it (as a "
        "count where it is 0 or the interval needs it).",
        "",
        *table(["", "none", *factors], body),
    ]


def _changed(base: Comparison, factor: str, metric: str) -> str:
    percent = base.percent(factor, metric)
    if percent is not None and (percent.low is not None or percent.n < MIN_PAIRS):
        return with_interval(percent, unit=" %")
    return with_interval(base.change(factor, metric))


def _kept(setting: Setting) -> list[str]:
    """All searches: the change against none of the base search, and the share of effect kept."""
    exact, body = setting.exact, []
    assert exact is not None
    for name, own in setting.searches.items():
        for factor in [factor for factor in own.rows if factor in exact.rows]:
            changes = [_against_base(setting, own, factor, metric) for metric in (NEAR, DONE)]
            shares = ["-", "-"]
            if factor != "none" and own is not exact:
                shares = [with_interval(setting.kept(name, factor, m), unit=" %", sign=False)
                          for m in (NEAR, DONE)]  # fmt: skip
            body.append([name, factor, *changes, *shares])
    columns = ["search", "factor", "near seconds", "deliveries", "near kept", "deliveries kept"]
    return [
        "All searches: change against none of the search above, and the share kept of the effect "
        "at w = 1 (astar), against none there.",
        "",
        *table(columns, body),
    ]


def _against_base(setting: Setting, own: Comparison, factor: str, metric: str) -> str:
    joined = Comparison(
        own.seeds, own.minutes, {},
        {"none": setting.base.rows["none"], factor + " ": own.rows[factor]},
    )  # fmt: skip
    return with_interval(joined.percent(factor + " ", metric), unit=" %")


def goals(settings: Sequence[Setting]) -> list[str]:
    """The goals for 57 x 33 beside what the rows say; met means that the whole interval is."""
    body = []
    for setting in settings:
        body += [[setting.title, *line] for line in _goals_of(setting)]
    return (
        table(["floor", "goal", "found", "verdict"], body) if body else ["No floor of the goals."]
    )


def _goals_of(setting: Setting) -> list[list[str]]:
    base, crowded = setting.base, setting.traffic > 0
    if setting.workers != 12 or setting.traffic not in (0, 40) or setting.minutes < 60.0:
        return []
    asked = [
        (not crowded, "risk", NEAR, -25.0, "risk alone: near-seconds at least 25 % fewer"),
        (not crowded, "risk", DONE, -3.0, "risk alone: deliveries at most 3 % fewer"),
        (crowded, "congestion", DONE, 5.0, "congestion alone: deliveries at least 5 % more"),
        (crowded, "both", NEAR, -30.0, "both: near-seconds at least 30 % fewer"),
        (crowded, "both", DONE, 6.0, "both: deliveries at least 6 % more"),
    ]
    lines = [
        goal_line(text, base.percent(factor, metric), goal, below=metric == NEAR)
        for holds, factor, metric, goal, text in asked if holds
    ]  # fmt: skip
    search = "w = 2"
    if search in setting.searches and setting.exact is not None:
        effects = [("both", NEAR), ("congestion", DONE)] if crowded else [("risk", NEAR)]
        for factor, metric in effects:
            text = f"{search} keeps at least 80 % of the effect of {factor} on "
            text += metric.removesuffix("_per_hour").replace("_", "-")
            lines.append(_kept_goal(setting, search, factor, metric, text))
    return lines


def _kept_goal(setting: Setting, search: str, factor: str, metric: str, text: str) -> list[str]:
    """How much a search keeps, if w = 1 has an effect in the direction that is wanted."""
    exact = setting.exact
    at_one = exact.percent(factor, metric) if exact and factor in exact.rows else None
    if at_one is not None and (at_one.mean > 0) == (metric == NEAR):
        return [text, f"w = 1 itself: {with_interval(at_one, unit=' %')}", "nothing to keep"]
    return goal_line(text, setting.kept(search, factor, metric), 80.0, sign=False)


def _save_figure(file: Path, settings: Sequence[Setting], title: str) -> None:
    from .figures import save_intervals

    panels = {}
    for metric in (NEAR, DONE):
        points = {}
        for setting in settings:
            changes = {f: setting.base.percent(f, metric) for f in setting.base.rows if f != "none"}
            points[setting.title] = {
                factor: (c.mean, c.low, c.high) for factor, c in changes.items() if c is not None
            }
        panels[f"{metric.replace('_', ' ')}, change in %"] = points
    save_intervals(file, panels, title)

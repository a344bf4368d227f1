"""The report on layered fields, from rows and nothing else: tables by family, profile, losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import layered_budgets
from .layered import FAMILIES
from .policies import POLICIES
from .report import FIGURE, REPORT, finished_rows
from .rows import Row
from .stats import FEW, Change, clustered_mean, geometric_mean, mean_of

BASE = "wastar"
PROFILE_WEIGHT = 1.5
ALL = "all families"
LOSSES = 40  # that are listed
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Group:
    """The rows of one policy at one bound, by problem, and those of A* and weighted A* there."""

    policy: str
    weight: float
    rows: dict[Key, Row]
    base: dict[Key, Row]

    def values(self, value: Callable[[Row], float | None]) -> list[float]:
        """What is known of a value, row by row."""
        found = (value(row) for row in self.rows.values())
        return [one for one in found if one is not None]

    @cached_property
    def paired(self) -> list[tuple[Row, Row]]:
        """Own row and weighted A*'s at the same bound, on the problems that both have."""
        return [(row, self.base[key]) for key, row in self.rows.items() if key in self.base]

    def against_base(self, effort: Callable[[Row], float]) -> Change | None:
        """Geometric mean of the ratios to weighted A*, with its interval over maps."""
        logs = [math.log(effort(row) / effort(base)) for row, base in self.paired]
        found = clustered_mean(logs, [row["map"] for row, _ in self.paired])
        if found is None:
            return None
        low = None if found.low is None else math.exp(found.low)
        high = None if found.high is None else math.exp(found.high)
        return Change(math.exp(found.mean), low, high, found.n)


def total(row: Row) -> float:
    """Expansions with all set-up; at least one, so that ratios exist."""
    return max(1.0, float(row["expanded"] + row["setup_expanded"]))


def searched(row: Row) -> float:
    """Expansions of the search alone: what counts where the set-up is kept."""
    return max(1.0, float(row["expanded"]))


def all_ms(row: Row) -> float:
    """Time with all set-up."""
    return float(row["search_ms"] + row["setup_ms"])


def key_of(row: Row) -> Key:
    """Which problem a row is about."""
    return (row["map"], row["family"], row["seed"])


def groups_of(rows: Sequence[Row]) -> list[Group]:
    """Every policy at every bound, in the order of the table."""
    weights = sorted({row["weight"] for row in rows})
    found = []
    for weight in weights:
        at = [row for row in rows if row["weight"] == weight]
        base = {key_of(row): row for row in at if row["policy"] == BASE}
        for name in POLICIES:
            own = {key_of(row): row for row in at if row["policy"] == name}
            if own:
                found.append(Group(name, weight, own, base))
    return found


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files."""
    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    with_budget = any(row["budget"] is not None for row in rows)
    if with_budget:
        layered_budgets.save_figure(figure, rows)
    else:
        _save_profile(figure, rows)
    body = layered_budgets.tables(rows) if with_budget else _tables(rows)
    page.write_text("\n".join([*_head(rows, failed), *body, *_tail(failed)]), encoding="utf-8")
    return page, figure


def _head(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    maps = {held: sorted({r["map"] for r in rows if r["held_out"] == held}) for held in (0, 1)}
    problems = len({key_of(row) for row in rows})
    wrong = {name: sum(row[name] for row in rows)
             for name in ("illegal", "bound_broken", "false_certificate")}  # fmt: skip
    return [
        f"# {rows[0]['spec']}",
        "",
        f"n = {problems} queries, each at least half the longest way of its map; {len(rows)} "
        f"finished runs, {len(failed)} failed; {wrong['illegal']} illegal paths, "
        f"{wrong['bound_broken']} broken bounds, {wrong['false_certificate']} false certificates. "
        f"Maps: {', '.join(maps[0])}"
        + (f"; held out: {', '.join(maps[1])}." if maps[1] else ".")
        + " Base pace 1, layers up to 9.",
        "",
        *(f"- {p.name}: {p.says}" for p in POLICIES.values()),
        "",
    ]


def _tail(failed: Sequence[Row]) -> list[str]:
    lines = [f"![Figure]({FIGURE})", ""]
    if failed:
        lines += ["Failed runs:", ""]
        lines += [f"- {row['run_id']} {row['policy']}: {row.get('error')}" for row in failed]
    return [*lines, ""]


COLUMNS = (
    "policy", "w", "n", "of A*", "kept, of A*", f"of {BASE} [95 %]", f"kept, of {BASE} [95 %]",
    "sum", "re-opened, %", "ms of A*", "cost", "worst", "certificate", "of floor", "wash-out",
)  # fmt: skip


def _tables(rows: Sequence[Row]) -> list[str]:
    lines = [
        "Expansions are geometric means of ratios query by query, with all set-up counted; `kept` "
        "leaves the set-up out, as where it is cached for the map or goal. A*: nodes that it "
        f"expands, each once. `of {BASE}`: weighted A* with octile h at the same w; intervals by "
        f"bootstrap over maps ({FEW}), so with few maps rough. sum: all expansions of all "
        f"queries over {BASE}'s. cost: mean C / C*. of floor: search expansions over the nodes "
        "with g* + h < C* / w. wash-out: (layer cost - that of the optimum) / (layer cost of the "
        "path that ignores layers - that of the optimum), of the sums.",
        "",
    ]
    for held, title in ((False, "Maps tuned on"), (True, "Maps held out")):
        here = [row for row in rows if row["held_out"] == held]
        if not here:
            continue
        lines += [f"## {title}", ""]
        for family in (ALL, *FAMILIES):
            own = [row for row in here if family in (ALL, row["family"])]
            if own:
                lines += [f"### {family}", "", *table(groups_of(own)), ""]
    return [*lines, "## Where ours loses", "", *losses(rows), ""]


def table(groups: Sequence[Group]) -> list[str]:
    """One line for each policy and bound."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (len(COLUMNS) - 1)}"]
    astar = {key: row for g in groups if g.policy == "astar" for key, row in g.rows.items()}
    return lines + [f"| {' | '.join(_cells(group, astar))} |" for group in groups]


def _cells(group: Group, astar: dict[Key, Row]) -> list[str]:
    of_floor = [searched(r) / r["floor"] for r in group.rows.values() if r["floor"] > 0]
    slower = [all_ms(row) / all_ms(astar[k]) for k, row in group.rows.items() if k in astar]
    pairs = group.paired
    summed = sum(total(r) for r, _ in pairs) / max(1.0, sum(total(b) for _, b in pairs))
    reopened = sum(r["reopened"] for r in group.rows.values())
    expanded = sum(searched(r) for r in group.rows.values())
    ratios = group.values(lambda row: row["cost_ratio"])
    return [
        group.policy,
        f"{group.weight:g}",
        str(len(group.rows)),
        _mean(group.values(lambda row: total(row) / row["astar_expanded"])),
        _mean(group.values(lambda row: searched(row) / row["astar_expanded"])),
        _shown(group.against_base(total)),
        _shown(group.against_base(searched)),
        f"{summed:.2f}" if pairs else "-",
        f"{100 * reopened / expanded:.1f}",
        _mean(slower),
        "-" if not ratios else f"{sum(ratios) / len(ratios):.3f}",
        "-" if not ratios else f"{max(ratios):.3f}",
        _plain(mean_of(group.values(lambda row: row["certificate"]))),
        _mean(of_floor),
        _plain(wash_out(list(group.rows.values()))),
    ]


def wash_out(rows: Sequence[Row]) -> float | None:
    """Share of the avoidable layer cost that the paths incur, of the sums; None if none was."""
    known = [row for row in rows if row["layer_cost"] is not None]
    avoidable = sum(row["layer_cost_blind"] - row["layer_cost_best"] for row in known)
    incurred = sum(row["layer_cost"] - row["layer_cost_best"] for row in known)
    return float(incurred / avoidable) if avoidable > 0 else None


def losses(rows: Sequence[Row]) -> list[str]:
    """Map by map and family by family: where a policy of ours expands more than weighted A*.

    Without its set-up where that serves several queries, else with it; the greatest loss first.
    """
    found = []
    for where in sorted({(row["map"], row["family"]) for row in rows}):
        here = [row for row in rows if (row["map"], row["family"]) == where]
        for group in groups_of(here):
            policy = POLICIES[group.policy]
            ratio = group.against_base(searched if policy.kept else total) if policy.ours else None
            if ratio is not None and ratio.mean > 1:
                found.append((ratio.mean, where, group))
    found.sort(key=lambda loss: -loss[0])
    lines = [
        f"- {group.policy}, w = {group.weight:g}, {family} on {name} (n = {len(group.paired)}): "
        f"{ratio:.2f} of {BASE}'s expansions" + (", set-up kept" * POLICIES[group.policy].kept)
        for ratio, (name, family), group in found[:LOSSES]
    ]
    if len(found) > LOSSES:
        lines.append(f"- and {len(found) - LOSSES} smaller ones")
    return lines or ["Nowhere in these rows."]


def _save_profile(figure: Path, rows: Sequence[Row]) -> None:
    from .figures import save_profiles

    at = [r for r in rows if r["weight"] == PROFILE_WEIGHT or r["policy"] == "astar"]
    save_profiles(
        figure,
        {
            "search and set-up": _efforts(at, total),
            "set-up kept": _efforts(at, searched),
        },
        f"{rows[0]['spec']}: w = {PROFILE_WEIGHT:g}, n = {len({key_of(r) for r in at})} queries",
    )


def _efforts(rows: Sequence[Row], effort: Callable[[Row], float]) -> dict[str, dict[Key, float]]:
    """By policy and problem."""
    found: dict[str, dict[Key, float]] = {}
    for name in POLICIES:
        own = {key_of(row): effort(row) for row in rows if row["policy"] == name}
        if own:
            found[name] = own
    return found


def _mean(values: Sequence[float]) -> str:
    return "-" if not values else f"{geometric_mean(values):.2f}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shown(change: Change | None) -> str:
    if change is None:
        return "-"
    if change.low is None or change.high is None:
        return f"{change.mean:.2f}"
    return f"{change.mean:.2f} [{change.low:.2f}, {change.high:.2f}]"

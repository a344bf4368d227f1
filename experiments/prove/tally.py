"""What the instances came to, row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich import box
from rich.table import Table

from .judge import Verdict
from .kinds import Kind

SHOWN = 20  # violations that are kept in words


@dataclass
class Row:
    """Counts and extremes of one kind."""

    instances: int = 0
    found: int = 0
    refused: int = 0
    violations: int = 0
    of_bound: float = 0.0
    of_optimum: float = 0.0
    most: int = 0

    def take(self, verdict: Verdict) -> None:
        """One more instance."""
        self.add(
            Row(1, verdict.found, verdict.refused, bool(verdict.problem),
                verdict.of_bound, verdict.of_optimum, verdict.most)
        )  # fmt: skip

    def add(self, other: Row) -> None:
        """Those of another tally."""
        self.instances += other.instances
        self.found += other.found
        self.refused += other.refused
        self.violations += other.violations
        self.of_bound = max(self.of_bound, other.of_bound)
        self.of_optimum = max(self.of_optimum, other.of_optimum)
        self.most = max(self.most, other.most)


@dataclass(frozen=True)
class Violation:
    """Where something does not hold: the world of a seed, the instance in it, and what."""

    seed: int
    world: int
    instance: int
    kind: str
    problem: str

    def line(self) -> str:
        """What it is, and how to see it again."""
        return (
            f"{self.kind}: {self.problem}\n"
            f"    python -m experiments.prove --seed {self.seed} --world {self.world}"
            f"  # instance {self.instance}"
        )


@dataclass
class Tally:
    """All rows, and what the instances have covered."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    worlds: int = 0
    engines: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    @property
    def total(self) -> Row:
        """The sum of all rows."""
        total = Row()
        for row in self.rows.values():
            total.add(row)
        return total

    def take(self, kind: Kind, verdict: Verdict, where: tuple[int, int, int]) -> None:
        """One more instance; `where` is its seed, world and number."""
        self.rows.setdefault((kind.theorem, kind.name), Row()).take(verdict)
        self.engines[verdict.engine] += bool(verdict.engine)
        self.events.update(verdict.events)
        if verdict.problem:
            self.violations.append(Violation(*where, kind.name, verdict.problem))

    def add(self, other: Tally) -> None:
        """The instances of another tally."""
        for key, row in other.rows.items():
            self.rows.setdefault(key, Row()).add(row)
        self.worlds += other.worlds
        self.engines.update(other.engines)
        self.events.update(other.events)
        self.violations = (self.violations + other.violations)[:SHOWN]

    def table(self) -> Table:
        """For a terminal, and for a Markdown file."""
        table = Table(box=box.MARKDOWN)
        for name in ("", "asked", "instances", "found", "refused", "violations", "cost / (w C*)",
                     "LB / C*", "expansions of a node"):  # fmt: skip
            table.add_column(name, justify="left" if name in ("", "asked") else "right")
        for (theorem, name), row in sorted(self.rows.items()):
            table.add_row(theorem, name, *_cells(row))
        table.add_row("all", f"{self.worlds:,} maps", *_cells(self.total))
        return table

    def coverage(self) -> str:
        """Engines that answered, and what happened inside."""
        parts = [(name, count) for name, count in self.engines.most_common() if count]
        engines = ", ".join(f"{name} {count:,}" for name, count in parts)
        events = ", ".join(f"{name} {count:,}" for name, count in self.events.most_common())
        return f"Answered by: {engines}.\nLogged: {events}."


def _cells(row: Row) -> list[str]:
    return [
        f"{row.instances:,}",
        f"{row.found:,}",
        f"{row.refused:,}",
        f"{row.violations:,}",
        f"{row.of_bound:.6f}" if row.of_bound else "",
        f"{row.of_optimum:.6f}" if row.of_optimum else "",
        str(row.most or ""),
    ]

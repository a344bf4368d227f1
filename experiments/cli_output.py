"""What the command line writes: tables for people, one JSON document for programs, progress."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import click

from .rows import to_json

PLAIN_WIDTH = 150  # columns of a table that goes to a file or a pipe


def print_json(document: Any) -> None:
    """The document on standard output."""
    click.echo(to_json(document))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output; numbers stand to the right where there are several columns."""
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    console.print(title, soft_wrap=True)
    table = Table()
    for k, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if k and len(columns) > 2 else "left"
        table.add_column(column, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    console.print(table)


def shown(value: Any) -> str:
    """A value as people read it.

    >>> [shown(v) for v in (None, 3, 2.34567, math.inf, {"new_goal": 4, "blocked": 1})]
    ['-', '3', '2.346', 'infinite', 'new_goal 4, blocked 1']
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "infinite" if value > 0 else "-"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items()) or "none"
    return str(value)


@contextmanager
def progress(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar with the time left, on standard error and only on a terminal.

    Yields a function that takes how much of `total` is done.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeLeft())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)

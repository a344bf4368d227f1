"""Put a study into the documents: its rows, packed, and the page made from them.

`python -m experiments.publish runs/factors-full docs` writes `docs/rows/factors.jsonl.gz` and
`docs/factors.md`; the same rows give the same bytes. Rows of two studies of one name (a spec and
its full form) are told apart by nothing: publish one.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from . import (
    battery_report,
    factor_study_report,
    model_report,
    rolling_report,
    rush_report,
    soak_report,
)
from .report import finished_rows
from .rows import Row, read_rows
from .run import ROWS

PAGES: dict[str, Callable[[Sequence[Row], Sequence[Row]], list[str]]] = {
    "battery": battery_report.markdown,
    "factors": factor_study_report.markdown,
    "models": model_report.markdown,
    "rolling": rolling_report.markdown,
    "rush-notes": rush_report.markdown,
    "soak": soak_report.markdown,
}


def publish(folder: Path, docs: Path) -> tuple[Path, Path]:
    """Write the packed rows and the page of a folder of rows; returns both files.

    Raises:
        ValueError: no finished rows, of a kind that has no page here, or of several settings.
    """
    rows, failed = finished_rows(folder)
    kinds = sorted({str(row.get("kind")) for row in rows})
    if len(kinds) > 1 or kinds[0] not in PAGES:
        raise ValueError(f"{folder}: no page for rows of kind {', '.join(kinds)}")
    name = str(rows[0]["spec"])
    packed, page = docs / "rows" / f"{name}.jsonl.gz", docs / f"{name}.md"
    packed.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in read_rows(folder / ROWS))
    packed.write_bytes(gzip.compress(lines.encode(), mtime=0))
    text = "\n".join([*PAGES[kinds[0]](rows, failed), f"Rows: `docs/rows/{packed.name}`.", ""])
    page.write_text(text, encoding="utf-8")
    return packed, page


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("docs", type=click.Path(path_type=Path), default=Path("docs"))
def main(folder: Path, docs: Path) -> None:
    """Write the rows and the page of FOLDER into DOCS."""
    for file in publish(folder, docs):
        click.echo(f"written: {file}")


if __name__ == "__main__":
    main()

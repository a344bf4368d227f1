"""`aislewise experiment` and `aislewise report`: rows from a spec, a page from rows."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_output import progress


@click.command()
@click.argument("spec")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder of the rows.")
@click.option("--executor", default="processes", show_default=True, help="processes or threads.")
@click.option("--workers", type=click.IntRange(min=1), help="So many at once (one a processor).")
@click.option("--data", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Benchmark data (AISLEWISE_DATA).")  # fmt: skip
@click.option("--full", is_flag=True, help="With the spec's [full] table: more seeds, longer.")
def experiment(
    spec: str,
    out: Path | None,
    executor: str,
    workers: int | None,
    data: Path | None,
    full: bool,
) -> None:
    """Make the rows of SPEC (a TOML file, or the name of a built-in one) that the folder lacks.

    Stop it at any time, even by force: the same command goes on where it was.
    """
    from .run import ROWS, run_study
    from .spec import load_spec

    page = load_spec(spec, full=full, data=data)
    folder = out or Path("runs", f"{page.name}-full" if full else page.name)
    total = len(page.runs())
    with progress(page.name, total) as on_done:
        stand = run_study(page, folder, executor=executor, workers=workers, on_done=on_done)
    click.echo(
        f"{total} runs: {stand.made} made, {stand.known} known before, {stand.failed} failed; "
        f"rows in {folder / ROWS}"
    )


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write report.md and report.png from the rows in DIR, and show the page."""
    from .kinds import write_report

    page, figure = write_report(folder)
    click.echo(page.read_text(encoding="utf-8"))
    click.echo(f"written: {page}, {figure}")

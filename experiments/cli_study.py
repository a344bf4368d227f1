"""`aislewise experiment` and `aislewise report`: rows from a spec, a page from rows."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_output import progress


@click.command()
@click.argument("spec")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder of the rows (runs/ and the spec's name).")  # fmt: skip
@click.option("--executor", metavar="NAME", default="processes", show_default=True,
              help="What runs go to: processes or threads.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1),
              help="So many runs at once (as many as processors).")  # fmt: skip
@click.option("--data", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Folder of benchmark data that SPEC names (AISLEWISE_DATA).")  # fmt: skip
@click.option("--full", is_flag=True, help="With the spec's [full] table: more seeds, longer.")
def experiment(
    spec: str,
    out: Path | None,
    executor: str,
    workers: int | None,
    data: Path | None,
    full: bool,
) -> None:
    """Make the rows of a study.

    SPEC is a TOML file, or one of anytime, battery, battery-long-corridor, factors, first,
    layered, llm-astar, models, rolling, soak. Rows that the folder holds already are not made
    again: stop it at any time, even by force, and the same command goes on where it was.
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
    """Write a page on the rows of a study.

    DIR is the folder of the rows: report.md and report.png are written into it, and the page is
    shown.
    """
    from .kinds import write_report

    page, figure = write_report(folder)
    click.echo(page.read_text(encoding="utf-8"))
    click.echo(f"written: {page}, {figure}")

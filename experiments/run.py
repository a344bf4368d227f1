"""Runs on any executor, one row each; what is known is skipped, what fails is a row as well."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .pages import FrozenRun, Page
from .pool import end_workers, open_pool
from .rows import Row, RowWriter, read_rows

ROWS = "rows.jsonl"
PACKAGES = ("aislewise", "numpy", "scipy", "numba", "networkx")


@dataclass(frozen=True)
class Progress:
    """How a study stands: rows made now, known before, failed among the new ones."""

    made: int
    known: int
    failed: int


def run_study(
    spec: Page,
    folder: Path,
    *,
    executor: str = "processes",
    workers: int | None = None,
    on_done: Callable[[float], None] = lambda done: None,
) -> Progress:
    """Make the rows that `folder` lacks; each is on disk before the next is waited for.

    Rows do not depend on executor or workers, only their order does. `on_done` is told how many
    rows there are, known ones included.

    Raises:
        ValueError: the spec makes no sense, the folder holds something else, or another process
            writes there; OSError: the folder cannot be written.
    """
    runs = spec.runs()
    pool = open_pool(executor, workers)
    folder.mkdir(parents=True, exist_ok=True)
    with RowWriter(folder / ROWS) as writer:
        known = {row["run_id"] for row in read_rows(folder / ROWS) if row["status"] == "ok"}
        todo = [run for run in runs if run.run_id not in known]
        before = len(runs) - len(todo)
        on_done(before)
        failed = 0
        try:
            for done, row in enumerate(_rows(pool, spec.name, todo), start=1):
                writer.append(row)
                failed += row["status"] != "ok"
                on_done(before + done)
        except KeyboardInterrupt:
            end_workers()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return Progress(len(todo), before, failed)


def _rows(pool: Executor, name: str, runs: Sequence[FrozenRun]) -> Any:
    """Rows as they are finished."""
    try:
        for future in as_completed([pool.submit(execute, name, run) for run in runs]):
            yield future.result()
    except BrokenProcessPool:
        raise ValueError(
            "a worker process died (out of memory?): what is finished is kept; "
            "run the same command again to go on"
        ) from None


def execute(name: str, run: FrozenRun) -> Row:
    """The row of one run: what it was, what it measured, where it ran; a failure says why."""
    began = time.perf_counter()
    status, error, measures = "ok", None, {}
    try:
        measures = run.measure()
    except Exception as failure:
        status, error = "failed", f"{type(failure).__name__}: {' '.join(str(failure).split())}"
    row = {"run_id": run.run_id, "spec": name, **run.fields(), "status": status, "error": error}
    return {**row, **measures, "host_runtime_s": time.perf_counter() - began, **provenance()}


@cache
def provenance() -> dict[str, Any]:
    """Where rows come from: commit (None outside a checkout), versions, processor."""
    commit, dirty = _commit()
    return {
        "commit_sha": commit,
        "commit_dirty": dirty,
        "host_versions": {"python": platform.python_version()}
        | {package: _version(package) for package in PACKAGES},
        "host_processor": _processor(),
        "host_system": f"{platform.system()} {platform.machine()}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or sys.platform


def _commit() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the checkout that this package runs from, if git tracks it."""
    here = Path(__file__).resolve()
    # An installed copy may lie inside somebody else's checkout: theirs is not our commit.
    if _git(here, "ls-files", "--error-unmatch", here.name) is None:
        return None, None
    dirty = _git(here, "status", "--porcelain", "--untracked-files=no")
    return _git(here, "rev-parse", "HEAD"), None if dirty is None else bool(dirty)


def _git(file: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(file.parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

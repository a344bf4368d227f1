"""The kinds of studies: what a page of TOML is checked against, and who reports on its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import (
    battery_report,
    factor_study_report,
    layered_report,
    llm_astar_report,
    model_report,
    report,
    rolling_report,
    soak_report,
)
from .battery_stress import BatterySpec
from .factor_study import FactorSpec
from .layered_study import LayeredSpec
from .llm_astar import LlmAStarSpec
from .model_study import ModelSpec
from .pages import Page
from .rolling_study import RollingSpec
from .rows import read_rows
from .run import ROWS
from .soak import SoakSpec
from .spec import Spec


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    Attributes:
        page: the checked form of a spec.
        write_report: writes a page and a figure beside the rows of a folder; returns both files.
    """

    page: type[Page]
    write_report: Callable[[Path], tuple[Path, Path]]


DEFAULT = "floor"
KINDS = {
    "floor": Kind(Spec, report.write_report),
    "factors": Kind(FactorSpec, factor_study_report.write_report),
    "battery": Kind(BatterySpec, battery_report.write_report),
    "layered": Kind(LayeredSpec, layered_report.write_report),
    "llm-astar": Kind(LlmAStarSpec, llm_astar_report.write_report),
    "models": Kind(ModelSpec, model_report.write_report),
    "rolling": Kind(RollingSpec, rolling_report.write_report),
    "soak": Kind(SoakSpec, soak_report.write_report),
}


def write_report(folder: Path) -> tuple[Path, Path]:
    """The report on the rows of a folder, by their kind.

    Raises:
        ValueError: no rows, no finished row, a line that is no row, rows of several settings.
    """
    kinds = {str(row.get("kind", DEFAULT)) for row in read_rows(folder / ROWS)}
    if len(kinds) > 1 or not kinds <= set(KINDS):
        raise ValueError(f"{folder} mixes rows of kinds {', '.join(sorted(kinds))}: one a folder")
    return KINDS[kinds.pop() if kinds else DEFAULT].write_report(folder)

"""The studies: command line, declarative specs, runs, rows, figures and reports."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import envs
import planners

__distribution__ = "aislewise"


def _require_ours(package: ModuleType) -> None:
    """Refuse a package of the same name that is not ours: a user's own folder may shadow it."""
    if getattr(package, "__distribution__", None) == __distribution__:
        return
    file = getattr(package, "__file__", None)
    place = Path(file) if file else Path(next(iter(package.__path__), package.__name__))
    found = place.parent if place.name == "__init__.py" else place
    raise ImportError(
        f"experiments needs aislewise's {package.__name__} but found {found}: "
        "rename that folder or use an environment of its own"
    )


for _package in (planners, envs):
    _require_ours(_package)

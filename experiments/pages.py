"""What every kind of study has: a checked page of TOML, and frozen runs with ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class FrozenRun:
    """One run. Everything that its result depends on is a field; subclasses add theirs.

    `map` is a file (or a name of something built in), `map_hash` the sha256 of its content.
    """

    map: str
    map_hash: str

    @property
    def run_id(self) -> str:
        """The hash of the fields; where a file lies does not count, its content does."""
        return hashlib.sha256(json.dumps(self.fields(), sort_keys=True).encode()).hexdigest()[:16]

    def fields(self) -> dict[str, Any]:
        """The fields as columns of a row."""
        return {**asdict(self), "map": Path(self.map).name}

    def measure(self) -> dict[str, Any]:
        """What the run measures, by column."""
        raise NotImplementedError


class Page(BaseModel):
    """The page of TOML, checked; `runs` expands it to frozen runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    question: str = ""

    def runs(self) -> Sequence[FrozenRun]:
        """Every run once.

        Raises:
            ValueError: what makes no sense; OSError: no such map.
        """
        raise NotImplementedError

    def placed(self, file: Path, data: Path | None) -> Self:
        """The page with its maps found: beside its own file, or in the folder of benchmark data."""
        raise NotImplementedError


def content_hash(file: str | Path) -> str:
    """sha256 of a file's content."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def found_in(data: Path | None, names: Sequence[str], page: str) -> tuple[str, ...]:
    """The files of those names in the folder of benchmark data.

    Raises:
        ValueError: no folder is known, or it lacks one.
    """
    if data is None:
        raise ValueError(
            f"{page} needs benchmark data: give --data FOLDER, or set AISLEWISE_DATA to it"
        )
    for name in names:
        if not (data / name).is_file():
            raise ValueError(f"{page}: {data / name} is missing: give --data FOLDER that holds it")
    return tuple(str(data / name) for name in names)

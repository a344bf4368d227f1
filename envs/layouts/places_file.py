"""The small TOML file that says what stands where on a map, read and checked.

name = "my floor"            # optional
map = "floor.map"            # for load_layout: beside this file
cell_size_m = 0.5            # optional

[stations]                   # each of the three is optional: then the map's own, or by rule
cells = [[0, 4], [0, 9]]     # (row, col); on a graph: nodes = ["label", 17]
[storage]
rule = "beside-walls"        # stations: spread; chargers: beside-stations or spread;
count = 120                  # on a graph: spread for all three
[chargers]
cells = [[7, 0]]
power_w = 211.0              # optional: one number for all, or one for each cell

[[zones]]
name = "school run"
kind = "speed_limit"         # or one_way, keep_out
rectangle = [2, 0, 4, 30]    # top, left, bottom, right, all inside; on a graph least x, least y,
speed_m_s = 0.3              # greatest x, greatest y. Or cells (nodes) as above
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from planners import MapFormatError

from ..formats.textio import Source, read_bounded

LIMIT_BYTES = 4 * 2**20

Cell = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]
Label = int | str | list[int | float | str]  # a list is a tuple of networkx
Power = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Named(_Table):
    """Nodes of a map: cells of a grid, or nodes of a graph."""

    cells: Annotated[list[Cell], Field(min_length=1)] | None = None
    nodes: Annotated[list[Label], Field(min_length=1)] | None = None


class Wanted(_Named):
    """Where places of one kind go: named ones, or so many by a rule."""

    rule: Literal["spread", "beside-walls", "beside-stations"] | None = None
    count: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Wanted:
        given = [key for key in ("cells", "nodes", "rule") if getattr(self, key) is not None]
        if len(given) > 1 or (self.count and given and given != ["rule"]):
            also = given[1] if len(given) > 1 else "count"
            raise ValueError(f"gives {given[0]} and {also}: choose cells, nodes, or rule and count")
        return self

    @property
    def names_some(self) -> bool:
        """Whether nodes are named."""
        return self.cells is not None or self.nodes is not None

    @property
    def goes_by_rule(self) -> bool:
        """Whether a rule or a number is asked for, whatever the map names."""
        return self.rule is not None or self.count is not None


class WantedChargers(Wanted):
    """Chargers, and the most that each can give."""

    power_w: Power | list[Power] | None = None


class WantedZone(_Named):
    """A zone before its cells are nodes."""

    name: Annotated[str, Field(min_length=1)]
    kind: Literal["speed_limit", "one_way", "keep_out"]
    rectangle: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    speed_m_s: float | None = None
    direction: Literal["north", "east", "south", "west"] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> WantedZone:
        keys = ("cells", "nodes", "rectangle")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"needs one of {', '.join(keys)}, found {found}")
        return self


class Places(_Table):
    """What a file says."""

    name: Annotated[str, Field(min_length=1)] | None = None
    map: Annotated[str, Field(min_length=1)] | None = None
    cell_size_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    stations: Wanted | None = None
    storage: Wanted | None = None
    chargers: WantedChargers | None = None
    zones: list[WantedZone] = []


def read_places(places: Source | Mapping[str, Any]) -> tuple[Places, str]:
    """What a file (or its bytes, or a mapping) says, and its name for messages.

    Raises:
        MapFormatError: unreadable, no TOML, or a key or value that has no place there; names all
            three: the key, the value, and what it should be.
    """
    if isinstance(places, Mapping):
        table, shown = _plain(places), "places"
    else:
        data, shown = read_bounded(places, limit_bytes=LIMIT_BYTES)
        try:
            table = tomllib.loads(data.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MapFormatError(f"no valid TOML: {error}", source=shown) from error
    try:
        return Places.model_validate(table), shown
    except ValidationError as error:
        raise MapFormatError(_told(error), source=shown) from error


def _plain(value: Any) -> Any:
    """Dicts, lists and numbers for what a caller may hand over in their place."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


_TABLES: dict[str, type[BaseModel]] = {
    "stations": Wanted, "storage": Wanted, "chargers": WantedChargers, "zones": WantedZone,
}  # fmt: skip
_MODELS: tuple[type[BaseModel], ...] = (Places, *_TABLES.values())
_KEYS = {key for model in _MODELS for key in model.model_fields}


def _told(error: ValidationError) -> str:
    """Key, value and what it should be, of the error that lies deepest."""
    found = max(error.errors(include_url=False), key=lambda one: len(one["loc"]))
    *outer, last = found["loc"] or ("places",)
    unknown = found["type"] == "extra_forbidden"
    # Between the keys pydantic names the branches of a union, which are none of ours.
    steps = [step for step in outer if isinstance(step, int) or step in _KEYS]
    if unknown or isinstance(last, int) or last in _KEYS:
        steps.append(last)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)[1:]
    if unknown:
        table: type[BaseModel] = _TABLES[str(steps[0])] if len(steps) > 1 else Places
        known = table.model_fields
        return f"unknown key {key}: known are {', '.join(known)}"
    if found["type"] == "missing":
        return f"{key} is missing: give one"
    if found["type"] == "value_error":
        return f"{key} {found['msg'].removeprefix('Value error, ')}"
    value = repr(found["input"])
    return f"{key} = {value if len(value) <= 60 else value[:57] + '...'}: {found['msg']}"

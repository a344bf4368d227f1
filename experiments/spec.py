"""A spec: one page of TOML that says which runs there are, expanded to frozen runs.

strategies x weights x layers x seeds; a run's id is the hash of everything that its result depends
on, so the same question has the same id on every machine.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from planners.strategies import WASTAR, checked_weight, strategy_named

from .pages import Count, FrozenRun, Page, content_hash

BUILT_IN = "built-in"
SPECS = Path(__file__).parent / "specs"
LAYERS = ("risk", "congestion", "energy")

LayerWeight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Run(FrozenRun):
    """One run: what is planned, with what, in which world. Everything that counts is in here.

    `map` is a file or "built-in". `layers` is the name of the set whose weights are `lam_risk` (s
    an encounter), `lam_congestion` (1) and `lam_energy` (s a Wh). `queries` paths are planned on
    the layers that the robot has learned after `learn_minutes`; then a shift of `shift_minutes` is
    driven.
    """

    layers: str
    lam_risk: float
    lam_congestion: float
    lam_energy: float
    strategy: str
    weight: float
    seed: int
    queries: int
    learn_minutes: float
    shift_minutes: float
    workers: int
    traffic: int
    chooser: str
    profile: str

    def measure(self) -> dict[str, Any]:
        """Paths on learned layers, and a shift."""
        from .measure import measure  # in the worker: planning is loaded where it happens

        return measure(self)


class Spec(Page):
    """A study on the living floor. Weights are those of wastar."""

    map: str = BUILT_IN
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    strategies: Annotated[tuple[str, ...], Field(min_length=1)]
    weights: tuple[float, ...] = ()
    layers: Annotated[dict[str, dict[str, LayerWeight]], Field(min_length=1)]
    queries: Annotated[int, Field(ge=1)] = 40
    learn_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    shift_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    workers: Count = 12
    traffic: Count = 0
    chooser: str = "utility"
    profile: str = "delivery"

    def runs(self) -> tuple[Run, ...]:
        """Every run once, seeds innermost.

        Raises:
            ValueError: an unknown strategy or layer, a weight below 1; OSError: no such map.
        """
        map_hash = ""
        if self.map != BUILT_IN:
            map_hash = content_hash(self.map)
        same = ("map", "queries", "learn_minutes", "shift_minutes", "workers", "traffic")
        rest: dict[str, Any] = {key: getattr(self, key) for key in (*same, "chooser", "profile")}
        runs = [
            Run(
                map_hash=map_hash, layers=name, strategy=strategy, weight=weight, seed=seed,
                **lams, **rest,
            )
            for name, lams in self._layer_sets()
            for strategy, weight in self._searches()
            for seed in self.seeds
        ]  # fmt: skip
        return tuple(dict.fromkeys(runs))

    def placed(self, file: Path, data: Path | None) -> Spec:
        """The map lies beside the spec's file."""
        if self.map == BUILT_IN:
            return self
        return self.model_copy(update={"map": str(file.parent / self.map)})

    def _layer_sets(self) -> list[tuple[str, dict[str, Any]]]:
        for name, weights in self.layers.items():
            unknown = sorted(set(weights) - set(LAYERS))
            if unknown:
                raise ValueError(
                    f"layers.{name} names {unknown[0]!r}: choose among {', '.join(LAYERS)}"
                )
        return [
            (name, {f"lam_{layer}": float(weights.get(layer, 0.0)) for layer in LAYERS})
            for name, weights in self.layers.items()
        ]

    def _searches(self) -> list[tuple[str, float]]:
        searches = []
        for name in self.strategies:
            row = strategy_named(name)
            weights = self.weights if row is WASTAR and self.weights else (None,)
            searches += [(row.name, checked_weight(row, weight)) for weight in weights]
        return searches


def load_spec(name_or_file: str, *, full: bool = False, data: Path | None = None) -> Page:
    """The spec of a TOML file, or a built-in one by its name; `full` lays its [full] table over it.

    Its key `kind` says what is studied ("floor" unless given). Maps are looked for beside the file,
    those of the benchmarks in `data` (else in the folder that AISLEWISE_DATA names).

    Raises:
        ValueError: no such spec, no TOML, an unknown key or a value out of range, with file and
            key; benchmark data that is not there.
    """
    file = Path(name_or_file)
    built_in = SPECS / f"{name_or_file}.toml"
    if not file.is_file() and file.name == name_or_file and built_in.is_file():
        file = built_in
    try:
        page = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(spec.stem for spec in SPECS.glob("*.toml")))
        raise ValueError(f"no spec {name_or_file!r}: give a TOML file, or one of {known}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: is not TOML: {error}") from None
    more = page.pop("full", {})
    if not isinstance(more, dict):
        raise ValueError(f"{file}: full must be a table, not {more!r}")
    if full:
        page.update(more)
    if data is None and os.environ.get("AISLEWISE_DATA"):
        data = Path(os.environ["AISLEWISE_DATA"])
    return _checked(page, file).placed(file, data)


def _checked(page: dict[str, Any], file: Path) -> Page:
    from .kinds import DEFAULT, KINDS  # they are made of specs

    kind = KINDS.get(page.pop("kind", DEFAULT))
    if kind is None:
        raise ValueError(f"{file}: kind must be one of {', '.join(KINDS)}")
    try:
        return kind.page(**page)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        given = "" if first["type"] == "missing" else f", not {first['input']!r}"
        raise ValueError(f"{file}: {key}: {first['msg']}{given}") from None

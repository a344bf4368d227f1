"""How a decision came about, step by step: kept with it, shown with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["decompose", "propose", "evaluate", "reflect", "continue"]


@dataclass(frozen=True)
class Step:
    """One step: its kind, a sentence for people, and plain values for programs."""

    kind: Kind
    words: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Kind, words and values; numbers that are not finite become None."""
        return {"step": self.kind, "words": self.words, **_plain(self.values)}


@dataclass(frozen=True)
class Trajectory:
    """The steps of one decision in their order.

    >>> Trajectory((Step("continue", "hybrid goes on", {"cost_s": math.inf}),)).as_json()
    [{'step': 'continue', 'words': 'hybrid goes on', 'cost_s': None}]
    """

    steps: tuple[Step, ...] = ()

    def as_json(self) -> list[dict[str, Any]]:
        """The steps as plain values."""
        return [step.as_json() for step in self.steps]

    def words(self) -> tuple[str, ...]:
        """One line for each step."""
        return tuple(f"{step.kind}: {step.words}" for step in self.steps)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

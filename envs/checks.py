"""Numbers that make sense: one sentence for all of the worlds' parameters."""

from __future__ import annotations

import math
from numbers import Integral, Real
from reprlib import repr as shown
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .battery import RobotProfile
    from .layouts import Layout
    from .people import WalkRules

FASTEST_M_S = 1000.0  # no speed limit
LEAST_TICK_S = 0.001


def expect_number(
    name: str, value: Any, *, above: float | None = None, least: float = 0.0,
    most: float = math.inf, whole: bool = False,
) -> None:  # fmt: skip
    """Raise a ValueError for what is no finite number, or lies out of its bounds.

    >>> expect_number("workers", "3", whole=True)
    Traceback (most recent call last):
    ...
    ValueError: workers must be a whole number >= 0, got '3'
    """
    fits = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    fits = fits and (whole or math.isfinite(value))
    fits = fits and (value > above if above is not None else value >= least) and value <= most
    if not fits:
        bound = f"> {above:g}" if above is not None else f">= {least:g}"
        if most < math.inf:
            bound = f"in {'[' if above is None else '('}{bound.split()[1]}, {most:g}]"
        kind = "a whole number" if whole else "finite and" if most == math.inf else "a number"
        raise ValueError(f"{name} must be {kind} {bound}, got {shown(value)}")


def expect_numbers(owner: Any, *names: str, **bounds: Any) -> None:
    """`expect_number` for fields of an object, with the same bounds for each.

    >>> from types import SimpleNamespace
    >>> expect_numbers(SimpleNamespace(tau_s=0.0), "tau_s", above=0)
    Traceback (most recent call last):
    ...
    ValueError: SimpleNamespace: tau_s must be finite and > 0, got 0.0
    """
    for name in names:
        expect_number(f"{type(owner).__name__}: {name}", getattr(owner, name), **bounds)


def check_asked(layout: Any, **counts: Any) -> None:
    """Raise a ValueError for what no world can be made of: no layout, or no whole numbers."""
    if not hasattr(layout, "map"):
        raise ValueError(f"a world needs a layout, such as ready('small'), not {layout!r}")
    for name, count in counts.items():
        expect_number(name, count, whole=True)


def check_motion(layout: Layout, profile: RobotProfile, walk: WalkRules, tick_s: float) -> None:
    """Raise a ValueError where anybody's motion cannot be counted in whole ticks and millimetres.

    On a grid nobody crosses a cell within a tick; short edges of a graph take a tick. A speed that
    rounding to whole millimetres a tick would change by more than 2 % is refused.
    """
    expect_number("tick_s", tick_s, least=LEAST_TICK_S)
    speeds = {walk.worker_m_s, walk.traffic_m_s, profile.speed_m_s}
    limits = {zone.speed_m_s for zone in layout.zones if zone.speed_m_s is not None}
    speeds.update(limit for limit in limits if limit < max(speeds))
    cell_m: float | None = getattr(layout.map, "cell_size_m", None)
    for speed in speeds:
        exact_mm = 1000 * speed * tick_s
        if abs(round(exact_mm) - exact_mm) > 0.02 * exact_mm:
            raise ValueError(
                f"{speed:g} m/s are {exact_mm:.3g} mm in a tick of {tick_s:g} s, and motion is "
                "counted in whole ones: use a longer tick or another speed"
            )
        if cell_m is not None and speed * tick_s > cell_m:
            raise ValueError(
                f"a cell of {cell_m:g} m is crossed within a tick of {tick_s:g} s: "
                f"use tick_s of at most {cell_m / speed:.2g}, or coarser cells"
            )

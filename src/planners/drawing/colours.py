"""Colours that colour-blind readers can tell apart: Okabe and Ito's palette, viridis, magma."""

from __future__ import annotations

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
WALL, FLOOR = "#4D4D4D", "#F7F7F7"
STREET = "#B8B8B8"
WAITING = "#E7B9D2"  # generated, not expanded
ORDER = "viridis"

"""Counter-based dice: what they show depends on the key, the moment and the entity alone.

Whole numbers below 2**63 throughout, so that plain Python and compiled code agree bit for bit.
"""

from __future__ import annotations

WORD = 0xFFFFFFFF


def draw(key: int, tick: int, entity: int) -> int:
    """A whole number below 2**32 for `(key, tick, entity)`, all >= 0.

    Three rounds of multiply and shift, one for each word that goes in; the shifts and the odd
    multipliers (below 2**31, so that no product overflows) are those of well-tried 32-bit mixers.
    """
    x = (key ^ (key >> 32)) & WORD
    for word in (tick & WORD, entity & WORD, key & WORD):
        x = x ^ word
        x = ((x ^ (x >> 16)) * 0x7FEB352D) & WORD
        x = ((x ^ (x >> 15)) * 0x2C1B3C6D) & WORD
        x = ((x ^ (x >> 13)) * 0x297A2D39) & WORD
        x = x ^ (x >> 16)
    return x


def chance(key: int, tick: int, entity: int) -> float:
    """A float in [0, 1) for `(key, tick, entity)`; see `draw`."""
    return draw(key, tick, entity) * 2.0**-32


HELPERS = (draw, chance)

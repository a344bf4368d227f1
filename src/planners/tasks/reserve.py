"""The hard battery rule, and what to do when no order may be served.

An order may be chosen only if ``margin * E_order + E_to_charger <= charge - reserve``: energy
predicted for all its legs with the payload on them, then the way from its drop to the charger that
takes least. No chooser, no model and no note can loosen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .decision import Decision, Refusal, leg_terms
from .legs import Leg, Legs
from .snapshot import Order, Snapshot

_SLACK_WH = 1e-9  # sums of the same numbers in another order must not flip a verdict


@dataclass(frozen=True)
class ChargeRule:
    """When charging starts by itself and where it ends (assumptions).

    ``limit_soc``: charging ends here. ``top_up_soc``: an idle robot below it goes to charge.
    ``near_soc``: this close to the limit a robot counts as being at it, so that rounding in a
    charger cannot ask for one more charge for ever.

    Raises ValueError unless 0 <= top_up < limit - near <= limit <= 1.
    """

    limit_soc: float = 0.9
    top_up_soc: float = 0.5
    near_soc: float = 0.002

    def __post_init__(self) -> None:
        if not 0.0 <= self.top_up_soc < self.limit_soc - self.near_soc <= self.limit_soc <= 1.0:
            raise ValueError(
                f"top_up_soc {self.top_up_soc}, limit_soc {self.limit_soc}, near_soc "
                f"{self.near_soc}: need 0 <= top_up < limit - near <= limit <= 1"
            )

    def at_limit(self, snapshot: Snapshot) -> bool:
        """Whether charging would bring nothing."""
        return snapshot.soc >= self.limit_soc - self.near_soc


DEFAULT_RULE = ChargeRule()


def battery_refusal(
    snapshot: Snapshot,
    legs: Legs,
    order: Order,
    own: Sequence[Leg],
    rule: ChargeRule = DEFAULT_RULE,
) -> Refusal | None:
    """Why the battery forbids an order, with the numbers; None where it is allowed.

    ``own`` are the order's legs from the robot. The code is ``battery`` where the order would pass
    from the charger nearest to the robot, charged to the limit; ``full_battery`` where it would
    not, or where the robot stands there charged already; ``no_charger`` where the map has chargers
    and the drop leads to none. A map without any charger asks nothing for the way to one.
    """
    to_charger = legs.to_charger(order.drop)
    if to_charger is None and snapshot.chargers:
        sentence = f"{order.id} ends where no charger can be reached from"
        return Refusal(order.id, "no_charger", sentence)
    way_wh = 0.0 if to_charger is None else to_charger[1].energy_wh
    need_wh = snapshot.margin * sum(leg.energy_wh for leg in own)
    left_wh = snapshot.charge_wh - snapshot.reserve_wh
    if need_wh + way_wh <= left_wh + _SLACK_WH:
        return None
    way = "" if to_charger is None else f" + {way_wh:.1f} Wh to {to_charger[0]}"
    sentence = (
        f"{order.id} needs {need_wh:.1f} Wh{way}, {left_wh:.1f} Wh left above the reserve of "
        f"{snapshot.reserve_wh:.1f} Wh"
    )
    nearest = legs.to_charger(snapshot.robot)
    if nearest is None or _charging_helps(snapshot, legs, order, way_wh, nearest[1].end, rule):
        return Refusal(order.id, "battery", sentence)
    sentence += f": it cannot be served on a full battery from {nearest[0]} either"
    return Refusal(order.id, "full_battery", sentence)


def _charging_helps(
    snapshot: Snapshot, legs: Legs, order: Order, way_wh: float, charger: int, rule: ChargeRule
) -> bool:
    """Whether the order passes the rule from this charger's node, charged to the limit."""
    if snapshot.robot == charger and rule.at_limit(snapshot):
        return False
    again = legs.order(order, start=charger)
    if again is None:
        return False
    need_wh = snapshot.margin * sum(leg.energy_wh for leg in again)
    full_wh = rule.limit_soc * snapshot.capacity_wh
    return need_wh + way_wh <= full_wh - snapshot.reserve_wh + _SLACK_WH


def without_order(
    snapshot: Snapshot,
    legs: Legs,
    refused: tuple[Refusal, ...],
    name: str,
    rule: ChargeRule = DEFAULT_RULE,
) -> Decision:
    """What to do when no order may be chosen: charge, or wait with a clear reason.

    * Some order fails only for want of charge: to the charger, decided by ``reserve``.
    * Idle (no order, or none that charging would help) and below ``top_up_soc``: to the charger,
      decided by the chooser.
    * Else wait. A robot that stands charged at its charger never gets here as wanting charge, so
      there is no endless round of charging.
    """
    blocked = [refusal for refusal in refused if refusal.code == "battery"]
    low = snapshot.soc < rule.top_up_soc
    if not (blocked or low):
        return Decision("wait", None, name, _why_wait(snapshot, refused), refused=refused)
    nearest = legs.to_charger(snapshot.robot)
    if nearest is None:
        reason = "charging is needed, but no charger can be reached: waiting"
        return Decision("wait", None, name, reason, refused=refused)
    charger, leg = nearest
    if blocked:
        decided_by, reason = "reserve", f"no order fits the battery: {blocked[0].sentence}"
    else:
        decided_by = name
        reason = (
            f"idle at {100 * snapshot.soc:.0f} % charge, below {100 * rule.top_up_soc:.0f} %: "
            f"to {charger}"
        )
    terms = {**leg_terms((leg,)), "total_s": leg.cost_s, "energy_wh": leg.energy_wh}
    return Decision(
        "charge", charger, decided_by, reason, terms, refused=refused, lower_bound_s=leg.cost_s
    )


def _why_wait(snapshot: Snapshot, refused: tuple[Refusal, ...]) -> str:
    if not refused:
        return f"no order is open; {100 * snapshot.soc:.0f} % charge"
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return f"no open order can be served: {refused[0].sentence}{more}"

"""The hard battery rule, which charger to go to, and what to do when no order may be served.

An order may be chosen only if ``margin * E_order + E_to_charger <= charge - reserve``: energy
predicted for all its legs with the payload on them, then the way from its drop to the charger that
takes least, and what the robot draws there while it waits for the plug. No chooser, no model and no
note can loosen it. A policy of another kind is another row beside `ChargeRule`: `Threshold` is the
one that most robots have, to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .decision import Decision, Refusal, leg_terms
from .legs import Leg, Legs
from .snapshot import Order, Snapshot, natural_key

_SLACK_WH = 1e-9  # sums of the same numbers in another order must not flip a verdict


@dataclass(frozen=True)
class ChargeRule:
    """The reserve rule, when charging starts by itself and where it ends (assumptions).

    ``limit_soc``: charging ends here. ``top_up_soc``: an idle robot below it goes to charge.
    ``near_soc``: this close to the limit a robot counts as being at it, so that rounding in a
    charger cannot ask for one more charge for ever. ``last_share``: the share of the reserve that
    a robot under way keeps beyond ``margin`` times its way to a charger; see `spare_wh`.

    Raises ValueError unless 0 <= top_up < limit - near <= limit <= 1 and last_share is in
    [0, 0.5].
    """

    limit_soc: float = 0.9
    top_up_soc: float = 0.5
    near_soc: float = 0.002
    last_share: float = 0.25

    name: ClassVar[str] = "reserve"  # who decided, where this rule sends the robot to charge

    def __post_init__(self) -> None:
        if not 0.0 <= self.top_up_soc < self.limit_soc - self.near_soc <= self.limit_soc <= 1.0:
            raise ValueError(
                f"top_up_soc {self.top_up_soc}, limit_soc {self.limit_soc}, near_soc "
                f"{self.near_soc}: need 0 <= top_up < limit - near <= limit <= 1"
            )
        if not 0.0 <= self.last_share <= 0.5:
            raise ValueError(f"last_share is {self.last_share!r}: a share in [0, 0.5]")

    def at_limit(self, snapshot: Snapshot) -> bool:
        """Whether charging would bring nothing."""
        return snapshot.soc >= self.limit_soc - self.near_soc

    def refusal(
        self, snapshot: Snapshot, legs: Legs, order: Order, own: Sequence[Leg]
    ) -> Refusal | None:
        """Why the battery forbids an order, with the numbers; None where it is allowed.

        ``own`` are the order's legs from the robot. The code is ``battery`` where the order would
        pass from some charger that the robot can get to, charged to the limit; ``full_battery``
        where it would not, or where the robot stands there charged already; ``no_charger`` where
        the map has chargers and the drop leads to none. A map without any charger asks nothing for
        the way to one.
        """
        to_charger = way_to_plug(snapshot, legs, order.drop, snapshot.kg_after(order))
        if to_charger is None and snapshot.chargers:
            sentence = f"{order.id} ends where no charger can be reached from"
            return Refusal(order.id, "no_charger", sentence)
        way_wh = 0.0 if to_charger is None else to_charger[1]
        predicted_wh = sum(leg.energy_wh for leg in own)
        need_wh = snapshot.margin * predicted_wh
        left_wh = snapshot.charge_wh - snapshot.reserve_wh
        if need_wh + way_wh <= left_wh + _SLACK_WH:
            return None
        way = ""
        if to_charger is not None:
            wait_s = snapshot.charger_wait_s.get(to_charger[0], 0.0)
            queue = f" and {wait_s:.0f} s in its queue" if wait_s > 0.0 else ""
            way = f" + {way_wh:.1f} Wh to {to_charger[0]}{queue}"
        sentence = (
            f"{order.id} needs {need_wh:.1f} Wh{way}, {left_wh:.1f} Wh left above the reserve of "
            f"{snapshot.reserve_wh:.1f} Wh: {need_wh + way_wh - left_wh:.1f} Wh short "
            f"({predicted_wh:.1f} Wh predicted, {snapshot.margin:.2f} times that to be safe)"
        )
        if not legs.chargers(snapshot.robot):
            return Refusal(order.id, "battery", sentence)
        stops = stopovers(snapshot, legs, self, self.helping(snapshot, legs, order))
        if stops:
            names = " or ".join(sorted(stops, key=natural_key))
            return Refusal(order.id, "battery", f"{sentence}; first to {names}")
        tried = ", ".join(sorted(snapshot.chargers, key=natural_key))
        sentence += f": it cannot be served on a full battery from {tried} either"
        return Refusal(order.id, "full_battery", sentence)

    def helping(self, snapshot: Snapshot, legs: Legs, order: Order) -> set[str]:
        """The chargers from which the order passes, on a charge at the limit."""
        to_charger = way_to_plug(snapshot, legs, order.drop, snapshot.kg_after(order))
        way_wh = 0.0 if to_charger is None else to_charger[1]
        full_wh = self.limit_soc * snapshot.capacity_wh - snapshot.reserve_wh
        found = set()
        for name, node in snapshot.chargers.items():
            if node == snapshot.robot and self.at_limit(snapshot):
                continue
            own = legs.order(order, start=node)
            if own is None:
                continue
            need_wh = snapshot.margin * sum(leg.energy_wh for leg in own)
            if need_wh + way_wh <= full_wh + _SLACK_WH:
                found.add(name)
        return found

    def spare_wh(self, snapshot: Snapshot, way_wh: float) -> float:
        """Charge beyond ``margin * way_wh`` and a last share of the reserve, ``way_wh`` being what
        the way to a charger takes from here. At 0 or below, a robot under way must turn back.

        An order that the rule allowed is never called back for the way from its drop alone: of the
        ``way_wh + reserve`` that it leaves there, the last share may be missing.
        """
        kept_wh = self.last_share * snapshot.reserve_wh
        allowed_wh = way_wh + snapshot.reserve_wh - kept_wh
        return snapshot.charge_wh - min(snapshot.margin * way_wh + kept_wh, allowed_wh)


@dataclass(frozen=True)
class Threshold(ChargeRule):
    """Charge below a state of charge, whatever the next order takes: no reserve, no turning back.

    ``low_soc``: below it every order is refused with code ``battery`` until the robot is charged.

    >>> Threshold(low_soc=0.25).name
    'threshold'
    """

    low_soc: float = 0.25

    name: ClassVar[str] = "threshold"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.low_soc < self.limit_soc - self.near_soc:
            raise ValueError(f"low_soc is {self.low_soc!r}: from 0 to below limit - near")

    def refusal(
        self, snapshot: Snapshot, legs: Legs, order: Order, own: Sequence[Leg]
    ) -> Refusal | None:
        """Only the state of charge counts."""
        if snapshot.soc >= self.low_soc:
            return None
        sentence = (
            f"{order.id} has to wait: {100 * snapshot.soc:.1f} % charge, below "
            f"{100 * self.low_soc:g} %"
        )
        return Refusal(order.id, "battery", sentence)

    def helping(self, snapshot: Snapshot, legs: Legs, order: Order) -> set[str]:
        """All of them."""
        return set(snapshot.chargers)

    def spare_wh(self, snapshot: Snapshot, way_wh: float) -> float:
        """There is always enough, or so it is taken to be."""
        return math.inf


DEFAULT_RULE = ChargeRule()


def way_to_plug(
    snapshot: Snapshot, legs: Legs, node: int, kg: float | None = None
) -> tuple[str, float] | None:
    """The charger that takes the least energy from ``node``, its queue as it is now included, and
    how much that is, with so much on board (None: what is there now); None where no way leads to
    any.
    """
    needs = [
        (leg.energy_wh + queue_wh(snapshot, name, leg), natural_key(name), name)
        for name, leg in legs.chargers(node, kg).items()
    ]
    return (min(needs)[2], min(needs)[0]) if needs else None


def within_charge(snapshot: Snapshot, legs: Legs) -> dict[str, Leg]:
    """The ways from the robot to chargers that ``margin`` times their energy allows.

    Without touching the reserve where there are any such; else with it; else the one that takes
    least energy, come what may. Waiting there in the queue is paid as well. Empty: none leads to
    any.
    """
    ways = legs.chargers(snapshot.robot)
    for left_wh in (snapshot.charge_wh - snapshot.reserve_wh, snapshot.charge_wh):
        fits = {
            name: leg
            for name, leg in ways.items()
            if snapshot.margin * leg.energy_wh + queue_wh(snapshot, name, leg) <= left_wh
        }
        if fits:
            return fits
    nearest = legs.to_charger(snapshot.robot)
    return {} if nearest is None else dict([nearest])


def queue_s(snapshot: Snapshot, name: str, leg: Leg) -> float:
    """Seconds of waiting for the plug after a way to a charger, as fleet telemetry tells."""
    return max(0.0, snapshot.charger_wait_s.get(name, 0.0) - leg.time_s)


def queue_wh(snapshot: Snapshot, name: str, leg: Leg) -> float:
    """What a robot draws while it waits for the plug."""
    return snapshot.energy.ambient_w * queue_s(snapshot, name, leg) / 3600.0


def stopovers(
    snapshot: Snapshot, legs: Legs, rule: ChargeRule, helping: Iterable[str]
) -> dict[str, Leg]:
    """Where to charge next on the way to a charger of ``helping``: itself, or one that leads on.

    Charging at one charger may bring another within reach. The fewest stops count; empty where not
    even that helps.
    """
    fits = within_charge(snapshot, legs)
    if rule.at_limit(snapshot):
        fits = {n: leg for n, leg in fits.items() if snapshot.chargers[n] != snapshot.robot}
    full_wh = rule.limit_soc * snapshot.capacity_wh - snapshot.reserve_wh
    wanted = set(helping)
    while wanted:
        now = {name: leg for name, leg in fits.items() if name in wanted}
        if now:
            return now
        further = set()
        for name, node in snapshot.chargers.items():
            ways = {} if name in wanted else legs.chargers(node)
            if any(snapshot.margin * ways[n].energy_wh <= full_wh for n in wanted & ways.keys()):
                further.add(name)
        wanted = (wanted | further) if further else set()
    return {}


def charging_s(snapshot: Snapshot, rule: ChargeRule, name: str, leg: Leg) -> float:
    """What charging at a charger costs in seconds: the way (its energy is in the cost of the leg),
    the wait for the plug, and the time to bring back what is missing now at that charger's power.
    """
    missing_wh = max(0.0, rule.limit_soc * snapshot.capacity_wh - snapshot.charge_wh)
    power_w = snapshot.charger_power_w.get(name, snapshot.charge_power_w)
    at_plug_s = 3600.0 * missing_wh / power_w if power_w > 0.0 else math.inf
    return leg.cost_s + queue_s(snapshot, name, leg) + at_plug_s


def charge_decision(
    snapshot: Snapshot,
    ways: dict[str, Leg],
    rule: ChargeRule,
    decided_by: str,
    reason: str,
    refused: tuple[Refusal, ...] = (),
) -> Decision:
    """Go to the charger of ``ways`` (at least one) that costs the least seconds, all told."""
    charger = min(
        ways, key=lambda name: (charging_s(snapshot, rule, name, ways[name]), natural_key(name))
    )
    leg = ways[charger]
    wait_s = queue_s(snapshot, charger, leg)
    if wait_s > 0.0:
        reason += f"; {wait_s:.0f} s in the queue at {charger}"
    terms = {
        **leg_terms((leg,)),
        "queue_s": wait_s,
        "total_s": leg.cost_s + wait_s,
        "energy_wh": leg.energy_wh,
    }
    return Decision(
        "charge", charger, decided_by, reason, terms, refused=refused,
        lower_bound_s=leg.cost_s + wait_s,
    )  # fmt: skip


def without_order(
    snapshot: Snapshot,
    legs: Legs,
    refused: tuple[Refusal, ...],
    name: str,
    rule: ChargeRule = DEFAULT_RULE,
) -> Decision:
    """What to do when no order may be chosen: charge, or wait with a clear reason.

    * Some order fails only for want of charge: to a charger that helps it, decided by the rule.
    * Idle (no order, or none that charging would help) and below ``top_up_soc``: to a charger,
      decided by the chooser.
    * Else wait. A robot that stands charged at its charger never gets here as wanting charge, so
      there is no endless round of charging.
    """
    blocked = [refusal for refusal in refused if refusal.code == "battery"]
    low = snapshot.soc < rule.top_up_soc
    if not (blocked or low):
        return Decision("wait", None, name, _why_wait(snapshot, refused), refused=refused)
    if not legs.chargers(snapshot.robot):
        reason = "charging is needed, but no charger can be reached: waiting"
        return Decision("wait", None, name, reason, refused=refused)
    if blocked:
        order = next(order for order in snapshot.orders if order.id == blocked[0].goal)
        ways = stopovers(snapshot, legs, rule, rule.helping(snapshot, legs, order))
        reason = f"no order fits the battery: {blocked[0].sentence}"
        return charge_decision(
            snapshot, ways or within_charge(snapshot, legs), rule, rule.name, reason, refused
        )
    reason = f"idle at {100 * snapshot.soc:.0f} % charge, below {100 * rule.top_up_soc:.0f} %"
    return charge_decision(snapshot, within_charge(snapshot, legs), rule, name, reason, refused)


def _why_wait(snapshot: Snapshot, refused: tuple[Refusal, ...]) -> str:
    if not refused:
        return f"no order is open; {100 * snapshot.soc:.0f} % charge"
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return f"no open order can be served: {refused[0].sentence}{more}"

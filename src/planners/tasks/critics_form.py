"""Critics of a plan's form: what can be told without any leg."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .plans import Plan, Stop
from .verdict import SLACK, Case, Critic, Verdict, bad

MOST_STOPS = 1000  # (a) of a plan: beyond it nobody looks


def read_plan(data: Any) -> Plan | Verdict:
    """A plan from JSON, as `Plan.as_json` writes it, or what is wrong with its form."""
    if not isinstance(data, list):
        return _schema(f"a plan is a list of stops, not {_shown(data)}", {})
    if len(data) > MOST_STOPS:
        return _schema(f"{len(data)} stops: a plan has at most {MOST_STOPS}", {"stops": len(data)})
    stops = []
    for k, one in enumerate(data):
        wrong = _wrong_types(one)
        if wrong is None:
            try:
                stops.append(Stop.from_json(one))
            except ValueError as error:
                wrong = str(error)
        if wrong is not None:
            return _schema(f"stop {k}: {wrong}", {"stop": k, "value": one})
    return Plan(tuple(stops))


TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,), "node": (int,), "order": (str,), "place": (int,), "charger": (str,),
    "to_soc": (float, int, type(None)),
}  # fmt: skip


def _wrong_types(stop: Any) -> str | None:
    if not isinstance(stop, dict):
        return f"{_shown(stop)} is no stop"
    for name, value in stop.items():
        kinds = TYPES.get(name) if isinstance(name, str) else None
        if kinds is None:
            return f"{_shown(name)} is no field of a stop"
        if not isinstance(value, kinds) or isinstance(value, bool):
            return f"{name} is {_shown(value)}: not {kinds[0].__name__}"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _schema(sentence: str, witness: Mapping[str, Any]) -> Verdict:
    return Verdict("schema", "bad", "schema", sentence, witness)


def schema(case: Case) -> Verdict | None:
    """A plan has no more stops than anybody would look at."""
    count = len(case.plan.stops)
    if count <= MOST_STOPS:
        return None
    return _schema(f"{count} stops: a plan has at most {MOST_STOPS}", {"stops": count})


def ids(case: Case) -> Verdict | None:
    """Orders, their places, chargers and nodes are those of the snapshot."""
    for k, stop in enumerate(case.plan.stops):
        if stop.kind == "charge":
            node = case.snapshot.chargers.get(str(stop.charger))
            what, code = stop.charger, "unknown_charger"
        else:
            wanted = case.wanted.get(str(stop.order))
            what, code, node = stop.order, "unknown_order", None
            if wanted is not None:
                what, code = f"place {stop.place} of {stop.order}", "unknown_place"
                node = wanted.stops[stop.place] if stop.place < len(wanted.stops) else None
        if node is None:
            return bad("ids", code, f"stop {k} is {what}: there is none", stop=k)
        if node != stop.node:
            sentence = f"stop {k}, {what}, is at node {node}, not {stop.node}"
            return bad("ids", "wrong_node", sentence, stop=k, node=node)
    return None


def once(case: Case) -> Verdict | None:
    """Every place of every order exactly once."""
    places = Counter((stop.order, stop.place) for stop in case.plan.visits)
    for (order, place), count in places.items():
        if count > 1:
            sentence = f"{order}'s place {place} is visited {count} times"
            return bad("once", "repeated", sentence, order=order, place=place, count=count)
    for wanted in case.wanted.values():
        for place in range(len(wanted.stops)):
            if (wanted.id, place) not in places:
                sentence = f"{wanted.id}'s place {place} is not visited"
                return bad("once", "missing", sentence, order=wanted.id, place=place)
    return None


def precedence(case: Case) -> Verdict | None:
    """An order's places in their order: picked before dropped."""
    done: Counter[str | None] = Counter()
    for k, stop in enumerate(case.plan.stops):
        if stop.kind == "visit":
            if stop.place != done[stop.order]:
                was = done[stop.order]
                sentence = f"stop {k} is place {stop.place} of {stop.order}, before its place {was}"
                return bad("precedence", "precedence", sentence, stop=k, order=stop.order)
            done[stop.order] += 1
    return None


def after(case: Case) -> Verdict | None:
    """No order is delivered before one that it is to follow."""
    ends: dict[str, int] = {}
    for k, stop in enumerate(case.plan.stops):
        if stop.kind == "charge":
            continue
        order = case.wanted[str(stop.order)]
        if stop.place < len(order.stops) - 1:
            continue
        ends[order.id] = k
        for name in case.snapshot.sooner(order):
            if name not in ends:
                sentence = f"stop {k} delivers {order.id} before {name}, which it is to follow"
                return bad("after", "after", sentence, stop=k, order=order.id, sooner=name)
    return None


def capacity(case: Case) -> Verdict | None:
    """Never more orders on board than fit; what is there at the start needs no room to begin."""
    on_board = list(case.snapshot.on_board)
    for k, stop in enumerate(case.plan.stops):
        if stop.kind == "charge":
            continue
        order = case.wanted[str(stop.order)]
        fits = case.snapshot.capacity
        picks = stop.place == 0 and order.id not in case.snapshot.on_board
        if picks and len(on_board) >= fits:
            held = ", ".join(on_board)
            sentence = f"stop {k} picks {order.id} with {held} on board: {fits} fit"
            return bad("capacity", "capacity", sentence, stop=k, on_board=tuple(on_board))
        if picks:
            on_board.append(order.id)
        if stop.place == len(order.stops) - 1:
            on_board.remove(order.id)
    return None


def charging(case: Case) -> Verdict | None:
    """Charging ends at the rule's limit; where one order fits, with nothing on board."""
    limits, limit = case.limits, case.rule.limit_soc
    loaded = case.snapshot.capacity > 1 if limits.loaded is None else limits.loaded
    left: Counter[str] = Counter(case.snapshot.on_board)
    for k, stop in enumerate(case.plan.stops):
        if stop.kind == "visit":
            order = case.wanted[str(stop.order)]
            left[order.id] = len(order.stops) - 1 - stop.place
            continue
        on_board = sorted(name for name, places in left.items() if places > 0)
        if on_board and not loaded:
            sentence = f"stop {k} charges with {', '.join(on_board)} on board"
            return bad("charging", "loaded", sentence, stop=k, on_board=tuple(on_board))
        if stop.to_soc is not None and stop.to_soc > limit + SLACK:
            sentence = f"stop {k} charges to {stop.to_soc:g}: charging ends at {limit:g}"
            return bad("charging", "over_limit", sentence, stop=k, to_soc=stop.to_soc)
    return None


FORM: Mapping[str, Critic] = {
    "schema": schema, "ids": ids, "once": once, "precedence": precedence, "after": after,
    "capacity": capacity, "charging": charging,
}  # fmt: skip

"""One shift as a user asks for it: which warehouse, which orders, who decides, how long.

`Shift` is the whole question in plain values, so that it travels to other processes and into
files; `run_shift` is the answer.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from envs.episode import Episode, PlannerSettings, run_episode
from envs.formats import load_tasks, orders_from_tasks
from envs.layouts import READY, Layout, ready
from envs.orders import OPEN_LIMIT, OrderModel
from envs.world import World
from planners import GridMap
from planners.strategies import checked_weight, strategy_named
from planners.tasks import Chooser, Decision, Snapshot, make_chooser
from planners.tasks.asking import CallCounts, Limits
from planners.tasks.llm import LlmChooser
from planners.tasks.local import LOCAL, check_local, endpoint

from .mapfiles import layout_of_file
from .rows import to_json

NOTES_LIMIT = 20_000  # characters
CALL_LOG = "calls.jsonl"


@dataclass(frozen=True)
class Shift:
    """What `aislewise deliver` was asked for; None is the default of the thing itself.

    `capacity` is how many orders fit on the robot. With `aware` what the layers leave to pay leads
    the search; its bound stays what it is.

    Raises:
        ValueError: minutes that are not above 0, an unknown strategy, a weight that does not fit
            it, tasks and a rate of orders at once; names the value.
    """

    map: str | None = None
    layout: str | None = None
    tasks: str | None = None
    orders_per_hour: float | None = None
    minutes: float = 60.0
    seed: int = 0
    workers: int = 12
    traffic: int = 0
    chooser: str | None = None
    strategy: str = "wastar"
    weight: float | None = None
    notes: str = ""
    llm: str | None = None
    model: str | None = None
    llm_deadline_s: float = 10.0
    limits: Limits = field(default_factory=Limits)
    profile: str = "delivery"
    capacity: int = 1
    lam_risk: float = 8.0
    lam_congestion: float = 1.0
    lam_energy: float | None = None
    aware: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.minutes) and self.minutes > 0):
            raise ValueError(f"minutes must be a finite number above 0, not {self.minutes:g}")
        checked_weight(strategy_named(self.strategy), self.weight)
        if self.tasks is not None and self.orders_per_hour is not None:
            raise ValueError(
                f"{self.orders_per_hour:g} orders per hour and the tasks of {self.tasks} are two "
                "sources of orders: give one"
            )
        if self.map is not None and self.layout is not None:
            raise ValueError(f"map {self.map} and layout {self.layout} are two floors: give one")

    @property
    def chooser_name(self) -> str:
        """Who is to decide: utility unless named, llm where an endpoint is given."""
        return self.chooser or ("utility" if self.llm is None else "llm")

    @property
    def search_weight(self) -> float:
        """The w of the search, its default filled in."""
        return checked_weight(strategy_named(self.strategy), self.weight)

    @property
    def floor_name(self) -> str:
        """What to call the floor: its map's file without the ending, or the layout's name."""
        return self.layout or "built-in" if self.map is None else Path(self.map).stem


class NotedChooser:
    """A chooser that finds the shift's notes in every snapshot."""

    def __init__(self, chooser: Chooser, notes: str) -> None:
        self.inner, self._notes = chooser, notes
        self.name = chooser.name

    def describe(self) -> str:
        """One line on who decides."""
        said = self.inner.describe()
        return said if self.name == "llm" else f"{said}; notes are read by the llm chooser only"

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal, with the notes in sight."""
        return self.inner.choose(replace(snapshot, notes=self._notes))


class TellingChooser:
    """A chooser that tells the minute before it decides."""

    def __init__(self, chooser: Chooser, on_minute: Callable[[float], None]) -> None:
        self._chooser, self._on_minute = chooser, on_minute
        self.name, self.describe = chooser.name, chooser.describe

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal."""
        self._on_minute(snapshot.time_s / 60.0)
        return self._chooser.choose(snapshot)


def chooser_of(shift: Shift, log: Path | None = None) -> Chooser:
    """The chooser of a shift; model calls are appended to `log`, except when they are replayed.

    `deciding` is for shifts whose model is `local`: somebody has to end its server.
    """
    replayed = shift.llm is not None and shift.llm.startswith("replay:")
    chooser = make_chooser(
        shift.chooser_name,
        llm_url=shift.llm,
        model=shift.model,
        deadline_s=shift.llm_deadline_s,
        log=None if shift.llm is None or replayed else log,
        limits=None if shift.llm is None else shift.limits,
    )
    return NotedChooser(chooser, shift.notes) if shift.notes else chooser


def check_chooser(shift: Shift) -> None:
    """Raise ValueError where who decides makes no sense; nothing is started, asked or written."""
    if shift.llm == LOCAL and shift.chooser_name == "llm":
        check_local(shift.model)
    else:
        chooser_of(shift)


@contextmanager
def deciding(shift: Shift, log: Path | None = None) -> Iterator[Chooser]:
    """The chooser of a shift as in `chooser_of`; the local model is served until the block ends.

    Raises:
        ValueError: as in `check_chooser`; OSError: the local model's server does not start.
    """
    check_chooser(shift)
    with endpoint(shift.llm, shift.model) as (llm, model):
        yield chooser_of(replace(shift, llm=llm, model=model), log)


def counts_of(chooser: Chooser) -> CallCounts | None:
    """What asking a model has brought so far; None for a chooser that asks none."""
    inner = chooser.inner if isinstance(chooser, NotedChooser) else chooser
    return inner.counts if isinstance(inner, LlmChooser) else None


def read_notes(text: str) -> str:
    """The notes of a shift: the text itself, or the content of FILE for `@FILE`.

    Raises:
        ValueError: over the limit, or not UTF-8; OSError: unreadable.
    """
    shown = "the text"
    if text.startswith("@"):
        shown = text[1:]
        with Path(shown).open(encoding="utf-8") as stream:
            try:
                text = stream.read(NOTES_LIMIT + 1)
            except UnicodeDecodeError:
                raise ValueError(f"--notes: {shown} is not UTF-8 text") from None
    if len(text) > NOTES_LIMIT:
        raise ValueError(f"--notes: {shown} is over {NOTES_LIMIT} characters: shorten it")
    return text


def on_floor(name: str) -> dict[str, Any]:
    """The fields of a shift on a ready layout, or on the map of a file.

    >>> on_floor("sortation"), on_floor("shop.map")
    ({'layout': 'sortation'}, {'map': 'shop.map'})
    """
    return {"layout" if name in READY else "map": name}


def layout_of(shift: Shift) -> tuple[Layout, list[str]]:
    """The warehouse: a ready one, or the map's with what it lacks placed by rule; and remarks."""
    if shift.map is None:
        return ready(shift.layout or "built-in", shift.seed), []
    return layout_of_file(shift.map, shift.seed)


def world_of(shift: Shift, layout: Layout, said: list[str]) -> tuple[World, tuple[str, ...]]:
    """The world at its start, and what a reader should know about its map and orders."""
    if layout.dropped:
        said.append(f"{layout.dropped} free cells that the largest floor does not reach are closed")
    orders: OrderModel | list[tuple[int, ...]] | None = None
    if shift.orders_per_hour is not None:
        orders = OrderModel(per_hour=shift.orders_per_hour)
    if shift.tasks is not None:
        orders, reading = _orders(shift.tasks, layout)
        said.append(reading)
    world = World(
        layout, seed=shift.seed, workers=shift.workers, traffic=shift.traffic,
        profile=shift.profile, capacity=shift.capacity, orders=orders, lam_risk=shift.lam_risk,
        lam_congestion=shift.lam_congestion, lam_energy=shift.lam_energy,
    )  # fmt: skip
    return world, tuple(said)


def _orders(file: str, layout: Layout) -> tuple[list[tuple[int, ...]], str]:
    if not isinstance(layout.map, GridMap):
        raise ValueError(f"--tasks {file} lies on a grid, {layout.name} is a road network")
    tasks = load_tasks(file, layout.map)
    orders = orders_from_tasks(tasks, layout)
    if not orders:
        raise ValueError(f"{file}: none of its {len(tasks)} tasks can be reached on {layout.name}")
    reading = (
        f"{len(orders)} of {len(tasks)} tasks can be reached; a task of one location is picked "
        "there and dropped at the nearest station by path (a station's own: picked at the nearest "
        "storage cell), one of several locations is visited in its order; "
        f"up to {OPEN_LIMIT} orders are open at once, the next is released on a delivery"
    )
    return orders, reading


@dataclass(frozen=True)
class ReadyShift:
    """A shift before its first tick: its question, warehouse, world, and remarks for the reader."""

    shift: Shift
    layout: Layout
    world: World
    said: tuple[str, ...]


@dataclass(frozen=True)
class ShiftRun:
    """A finished shift: what it began with (the world is now at its end), and its episode."""

    ready: ReadyShift
    episode: Episode
    warm_up_s: float = 0.0
    counts: CallCounts | None = None

    @property
    def shift(self) -> Shift:
        """What was asked for."""
        return self.ready.shift

    @property
    def layout(self) -> Layout:
        """Where it was."""
        return self.ready.layout

    @property
    def summary(self) -> dict[str, Any]:
        """The episode's, and where a model was to decide `model_calls`: what asking it brought."""
        if self.shift.llm is None or self.counts is None:
            return self.episode.summary
        return {**self.episode.summary, "model_calls": self.counts.as_dict()}


def prepare_shift(shift: Shift) -> ReadyShift:
    """Warehouse, orders and world of a shift; nothing moves and nothing is written yet.

    Raises:
        ValueError, OSError: whatever of the shift makes no sense, by name and value.
    """
    layout, remarks = layout_of(shift)
    world, said = world_of(shift, layout, remarks)
    return ReadyShift(shift, layout, world, said)


def run_shift(
    ready: ReadyShift,
    chooser: Chooser | None = None,
    *,
    on_minute: Callable[[float], None] = lambda minutes: None,
    on_tick: Callable[[World], None] | None = None,
) -> ShiftRun:
    """Run a shift to its end.

    `on_minute` is told the simulated minutes so far at every decision; `on_tick` sees the world
    after every tick, which takes time.
    """
    shift, world = ready.shift, ready.world
    settings = PlannerSettings(
        strategy=shift.strategy, weight=shift.weight,
        guidance="layers" if shift.aware else None,
    )  # fmt: skip
    warm_up_s = _warm_up(ready, settings)
    with deciding(shift) if chooser is None else nullcontext(chooser) as decides:
        telling, seconds = TellingChooser(decides, on_minute), 60.0 * shift.minutes
        episode = run_episode(world, telling, settings, seconds=seconds, on_tick=on_tick)
    return ShiftRun(ready, episode, warm_up_s, counts_of(decides))


_WARM: set[tuple[object, ...]] = set()
WARMED_NODES = 200_000  # on larger floors a second world is not made only to warm up


def _warm_up(ready: ReadyShift, settings: PlannerSettings) -> float:
    """Compile or load what a shift of this kind runs, once a process; the seconds that took.

    A minute in a twin of the world, so that rates and planning times are not those of a compiler.
    """
    shift, layout = ready.shift, ready.layout
    kind = (type(layout.map), shift.traffic > 0, bool(layout.zones), shift.strategy, shift.aware)
    if kind in _WARM or layout.map.size > WARMED_NODES:
        return 0.0
    _WARM.add(kind)
    began = time.perf_counter()
    twin = World(
        layout, seed=shift.seed, workers=min(2, shift.workers), traffic=min(2, shift.traffic),
        profile=shift.profile, orders=[(layout.storage[0], layout.stations[0])] * 2,
    )  # fmt: skip
    run_episode(twin, make_chooser("utility"), settings, seconds=60.0)
    return time.perf_counter() - began


def save_shift(run: ShiftRun, folder: Path) -> None:
    """Write `summary.json`, `episode.jsonl`, `map.png` and `battery.png` into a folder.

    The first line of the episode says what was asked for; a key is in none of the files.
    """
    from .figures import save_battery, save_map  # drawing is loaded only for those who draw

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(to_json(run.summary) + "\n", encoding="utf-8")
    head: dict[str, Any] = {"event": "shift", "time_s": 0.0, **asdict(run.shift)}
    head["llm"] = None if run.shift.llm is None else without_secrets(run.shift.llm)
    head |= {"chooser": run.shift.chooser_name, "layout": run.layout.name}
    head["said"] = list(run.ready.said)
    with (folder / "episode.jsonl").open("w", encoding="utf-8") as stream:
        for row in (head, *run.episode.rows):
            stream.write(json.dumps(row, allow_nan=False) + "\n")
    save_map(folder / "map.png", run.layout, run.episode.trace)
    save_battery(folder / "battery.png", run.episode.trace)


def without_secrets(llm: str) -> str:
    """An endpoint as files may show it."""
    from planners.tasks.client import shown_url

    return llm if llm == LOCAL or llm.startswith("replay:") else shown_url(llm)

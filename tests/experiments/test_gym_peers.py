"""Environments side by side: who steps, in which interpreter, and what happens when one cannot."""

from __future__ import annotations

import importlib.metadata
import io
import json
import sys
from types import SimpleNamespace

import pytest

from envs.layouts import fulfilment
from experiments.peers import gym_peers, gym_worker
from experiments.peers.contest import run_workload
from experiments.peers.gym_peers import WORKERS, signs_of, start
from experiments.peers.model import OURS, Setting
from experiments.peers.table import choose

ECHO = """
import json, sys
asked = json.loads(sys.stdin.readline())
print("7.0 " + sys.argv[1] + str(asked["agents"]), flush=True)
for line in sys.stdin:
    if line.strip() == "13":
        sys.exit("unlucky")
    print("done", flush=True)
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """A worker without any library behind it."""
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    monkeypatch.setattr(gym_peers, "WORKER", script)
    monkeypatch.setenv(gym_peers.PYTHON, sys.executable)


def test_a_worker_says_its_version_and_steps_until_it_fails(echo):
    version, ask = start(sys.executable, "pogema", {"agents": 13})
    assert version == "7.0 pogema13"
    ask(1)
    with pytest.raises(RuntimeError, match="unlucky"):
        ask(13)


def test_the_workload_has_ours_and_theirs(echo, monkeypatch):
    monkeypatch.setattr(gym_peers, "STEPS", 5)
    (workload,) = choose(["gym"])
    rows = {row["peer"]: row for row in run_workload(workload, Setting(queries=4, rounds=1))}
    assert set(rows) == {OURS, f"{OURS} world alone", "pogema", "rware"}
    assert rows[OURS]["goal_unit"] == "us" and rows[OURS]["n"] == 4
    assert rows["pogema"]["version"] == f"7.0 pogema{WORKERS + 1}"
    assert rows["pogema"]["ratio_median"] == 1.0 and rows["rware"]["n"] == 3
    assert rows[OURS]["reference"] == "best: pogema"


def test_without_their_interpreter_they_are_rows_that_say_so(monkeypatch):
    monkeypatch.setattr(gym_peers, "STEPS", 5)
    (workload,) = choose(["gym"])
    for python, why in (("/no/such/python", "make rl-peers"), (sys.executable, "No module")):
        monkeypatch.setenv(gym_peers.PYTHON, python)
        rows = {row["peer"]: row for row in run_workload(workload, Setting(queries=1, rounds=1))}
        assert why in rows["pogema"]["note"] and rows["pogema"]["n"] == 0
        assert rows[OURS]["n"] == 1


@pytest.mark.parametrize("name", ["pogema", "rware"])
def test_the_script_steps_every_agent_of_the_floor_it_is_given(name, monkeypatch, capsys):
    taken, made = [], {}

    class Env:
        def reset(self, seed):
            made["seed"] = seed

        def step(self, actions):
            taken.append(actions)

    def build(*args, **options):
        made.update(options)
        return Env()

    library = SimpleNamespace(
        GridConfig=build, pogema_v0=lambda config: Env(), Warehouse=build,
        RewardType=SimpleNamespace(INDIVIDUAL=1),
    )  # fmt: skip
    monkeypatch.setattr(gym_worker.importlib, "import_module", lambda module: library)
    monkeypatch.setattr(importlib.metadata, "version", lambda module: "9.9")
    rows = signs_of(fulfilment(2, 3))
    asked = {"rows": rows, "agents": 4, "radius": 3, "seed": 1, "steps": 6}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked) + "\n5\n6\n"))
    gym_worker.main(name)
    assert capsys.readouterr().out.split() == ["9.9", "done", "done"]
    assert len(taken) == 12 and {len(actions) for actions in taken} == {4}
    floor = (made["map"] if name == "pogema" else made["layout"]).split("\n")
    assert (len(floor), len(floor[0])) == (len(rows), len(rows[0]))
    walls, goals = "".join(rows).count("#"), "".join(rows).count("S")
    assert "".join(floor).count("#" if name == "pogema" else "x") == walls > 0
    assert "".join(floor).count("g") == (0 if name == "pogema" else goals)

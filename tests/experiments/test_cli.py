"""The command itself: help, version, one line for every error, quick to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

import planners
from envs.battery import PROFILES
from envs.layouts import READY
from experiments.cli import main
from experiments.cli_output import progress, shown
from experiments.pool import EXECUTORS
from experiments.rows import plain, to_json
from experiments.spec import SPECS
from planners import STRATEGIES
from planners.engines import CHOICES
from planners.tasks import CHOOSERS

COMMAND = Path(sys.executable).with_name("aislewise")
COMMANDS = {
    "deliver", "snapshot", "decide", "layout", "plan", "verify", "experiment", "report", "peers",
}  # fmt: skip


def test_the_commands_of_this_stage_are_there(call):
    assert set(main.commands) == COMMANDS
    for name in COMMANDS:
        result = call(name, "--help")
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: aislewise " + name)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("deliver", (*PROFILES, *CHOOSERS, *STRATEGIES, *READY)),
        ("snapshot", READY),
        ("decide", CHOOSERS),
        ("layout", READY),
        ("plan", (*STRATEGIES, *CHOICES)),
        ("verify", (*STRATEGIES, *CHOICES)),
        ("experiment", (*EXECUTORS, *(file.stem for file in SPECS.glob("*.toml")))),
    ],
)
def test_help_lists_every_name_that_may_be_given(call, command, names):
    text = "".join(call(command, "--help").stdout.split())  # names may be broken at a hyphen
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_and_command_explains_itself(call, name):
    command = main.commands[name]
    assert all(p.help for p in command.params if isinstance(p, click.Option))
    assert not command.get_short_help_str(60).endswith("...")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_is_no_error(call, arguments):
    result = call(*arguments)
    assert result.exit_code == 0
    assert "deliver" in result.stdout


def test_the_version_is_that_of_the_distribution(call):
    assert planners.__version__ in call("--version").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fly",), "fly"),
        (("plan",), "MAP"),
        (("deliver", "--fast"), "--fast"),
        (("verify", "a.scen", "--limit", "0"), "0"),
        (("plan", "a.map", "--start", "1", "--goal", "1,1"), "'1' is not ROW,COL"),
    ],
)
def test_wrong_usage_is_one_line(refused, arguments, said):
    assert said in refused(*arguments)


def test_what_nobody_foresaw_keeps_its_traceback(call, monkeypatch, map_file):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("planners.plan", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        call("plan", map_file, "--start", "0,0", "--goal", "0,1")


def test_help_loads_nothing_heavy():
    code = (
        "import sys, experiments.cli;"
        "heavy = {'numba', 'matplotlib', 'openai', 'rich', 'pydantic', 'envs.world'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_plans_among_foreign_folders(tmp_path, map_file):
    for name in ("planners", "envs", "experiments"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('foreign')\n")
    arguments = [COMMAND, "plan", map_file, "--start", "0,0", "--goal", "4,6", "--json"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"status": "found"' in done.stdout


def test_a_reader_who_leaves_early_gets_no_traceback(tmp_path, map_file):
    script = f"'{COMMAND}' plan '{map_file}' --start 0,0 --goal 4,6 --json | true"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_a_bar_is_drawn_on_terminals_only(capsys):
    with progress("work", 2) as on_done:
        on_done(1)
    assert capsys.readouterr() == ("", "")


def test_json_has_neither_infinity_nor_nan():
    document = {"a": float("inf"), "b": [float("nan"), (1, 2.5)], "c": None}
    assert plain(document) == {"a": None, "b": [None, [1, 2.5]], "c": None}
    assert "Infinity" not in to_json(document)
    assert shown(float("inf")) == "infinite"

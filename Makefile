# make demo | test | lint | accuracy | bench: each does all its own set-up in .venv
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint accuracy bench bench-full floors clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/'

$(INSTALLED): pyproject.toml setup.py $(wildcard datasets/*/card.md)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(INSTALLED) ## the main job on real data: fit, compare, draw
	$(BIN)/python examples/01_first_fit.py

test: $(INSTALLED) lint ## lint, types, and the whole suite
	$(BIN)/python -m pytest -n 2

lint: $(INSTALLED) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

accuracy: $(INSTALLED) ## write docs/accuracy.md anew: every data set against a longer-precision optimum
	$(BIN)/python benchmarks/accuracy.py

.venv/peers: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

bench: .venv/peers ## some ten minutes: our time and memory against other packages', at equal accuracy
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/lasso.py text 'cancer, standardised'
	$(BIN)/python benchmarks/inference.py
	$(BIN)/python benchmarks/memory.py

# PEERS="--dask-ml PYTHON --spark PYTHON": interpreters that have them, see benchmarks/cluster.py
bench-full: .venv/peers ## all data sets, the pictures and the crossovers; writes docs/speed.md and speed_l1.md (hours)
	$(BIN)/python benchmarks/speed.py --all --write
	$(BIN)/python benchmarks/lasso.py --write
	$(BIN)/python benchmarks/inference.py --write
	$(BIN)/python benchmarks/simulated_intervals.py --write
	$(BIN)/python benchmarks/out_of_core.py
	$(BIN)/python benchmarks/streaming.py 3
	$(BIN)/python benchmarks/scale.py --write
	$(BIN)/python benchmarks/cluster.py $(PEERS)
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/curves.py
	$(BIN)/python benchmarks/crossover.py
	$(BIN)/python benchmarks/crossover.py 10

floors: ## the suite's core on the oldest versions that pyproject.toml allows
	test -x .floors/bin/python || $(PYTHON) -m venv .floors
	.floors/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[floors]'
	.floors/bin/python -m pytest tests/test_sigmoid.py tests/test_estimator.py tests/test_inputs.py \
		tests/test_sklearn_citizen.py tests/test_solvers.py

clean: ## remove what the commands made
	rm -rf .venv .floors build dist *.egg-info examples/figures .mypy_cache .ruff_cache .pytest_cache

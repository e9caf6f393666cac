# `make quickstart`, `make test`, `make docs`, `make fuzz`, `make faults`, `make bench`, `make coverage` and `make audit`.
# Each creates the same environment first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Processes that run tests at once; the checks of `lint` run beside them.
WORKERS ?= 2
XDIST := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Compiled files save each process of the tests several seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart lint docs test pytest fuzz faults bench coverage audit environment clean

quickstart: environment
	$(BIN)/scaling run configs/quickstart.yaml
	$(BIN)/scaling report configs/quickstart.yaml

lint: environment
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation site, in build/docs/index.html. A warning is an error.
docs: environment
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs

test: environment
	$(MAKE) --no-print-directory --jobs 2 lint docs pytest

pytest: environment
	$(BIN)/pytest -q $(XDIST)

fuzz: environment
	$(BIN)/pytest -q $(XDIST) -m 'hypothesis and not slow' --hypothesis-profile=fuzz

faults: environment
	$(BIN)/python -m tests.faults.sweeps

bench: environment
	$(BIN)/python -m benchmarks

coverage: environment
	$(BIN)/python -m simulations
	$(BIN)/python -m simulations.sequential_design
	$(BIN)/python -m simulations.optimum
	$(BIN)/python -m simulations.selection
	$(BIN)/python -m simulations.power

environment: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[quickstart,history,docs,dev]'
	touch $@

audit: environment
	$(BIN)/pip install -qq pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# `make quickstart`, `make test`, `make bench` and `make coverage`. Each makes the same environment first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: quickstart test bench coverage environment clean

quickstart: environment
	$(BIN)/scaling run configs/quickstart.yaml
	$(BIN)/scaling report configs/quickstart.yaml

test: environment
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q

bench: environment
	$(BIN)/python -m benchmarks

coverage: environment
	$(BIN)/python -m simulations
	$(BIN)/python -m simulations.rounds

environment: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[quickstart,dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

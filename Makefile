# `make quickstart`, `make test`, `make docs`, `make fuzz`, `make faults`, `make bench`, `make coverage`, `make figures`
# and `make audit`. Each creates the same environment first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Processes that run tests at once; the checks of `lint` run beside them.
WORKERS ?= 2
XDIST := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Compiled files save each process of the tests several seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart lint docs test pytest fuzz faults bench coverage figures audit environment clean

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

# All published figures, tables and pages that are drawn from the published store, anew. artifacts/published/README.md
# describes them.
PUBLISHED := artifacts/published
HISTORY := configs/history
figures: environment
	$(BIN)/scaling report configs/quickstart.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/quickstart
	$(BIN)/scaling table configs/quickstart.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/quickstart/runs.parquet
	$(BIN)/scaling compare configs/shallow_vs_deep_small.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/shallow_vs_deep_small
	$(BIN)/scaling report configs/shallow_vs_deep_small.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/shallow_vs_deep_small/report
	$(BIN)/scaling report configs/mnist_joint.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/mnist_joint
	$(BIN)/scaling optimum configs/ratio.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/ratio
	for name in mnist cifar10; do \
	  $(BIN)/scaling report configs/forecast_$$name.yaml --set 'architectures[0].filters=[1,2,3,4,6,8,64]' --store $(PUBLISHED)/store --out $(PUBLISHED)/forecast_$$name || exit 1; \
	done
	$(BIN)/scaling ensemble configs/ratio.yaml --set 'architectures[0].ratio=2.8' --set seeds=8 --store $(PUBLISHED)/store --out $(PUBLISHED)/ensemble
	for name in zipcode1989 zipcode1989_distorted hybrid1988 baselines_mnist; do \
	  $(BIN)/scaling reject $(HISTORY)/$$name.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/history/reject_$$name || exit 1; \
	done
	for name in zipcode1989 nets1989 nets1989_positions; do \
	  $(BIN)/scaling report $(HISTORY)/$$name.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/history/$$name || exit 1; \
	done
	$(BIN)/scaling compare $(HISTORY)/lenet1_widths.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/history/lenet1_widths
	$(BIN)/scaling report $(HISTORY)/lenet1_widths.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/history/lenet1_widths/report
	$(BIN)/scaling prune $(HISTORY)/pruning_usps.yaml --store $(PUBLISHED)/store --out $(PUBLISHED)/history/pruning_usps
	for name in nets1989 nets1989_positions; do \
	  $(BIN)/scaling separable $(HISTORY)/$$name.yaml --store $(PUBLISHED)/store --json > $(PUBLISHED)/history/separable_$$name.json || exit 1; \
	done
	$(BIN)/scaling history --store $(PUBLISHED)/store --out docs
	$(BIN)/scaling claims --store $(PUBLISHED)/store --out docs

environment: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[quickstart,history,docs,dev]'
	$(BIN)/python -m scaling.models.kernel_compilation
	touch $@

audit: environment
	$(BIN)/pip install -qq pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

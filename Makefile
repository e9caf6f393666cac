# `make quickstart`, `make test`, `make docs`, `make fuzz`, `make faults`, `make bench`, `make coverage`, `make figures`,
# `make price`, `make published` and `make audit`. Each creates the same environment first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Processes that run tests at once; the checks of `lint` run beside them.
WORKERS ?= 2
XDIST := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Compiled files save each process of the tests several seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart lint docs test pytest fuzz faults bench coverage figures price published audit environment clean

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
	$(BIN)/python -m simulations.flattening
	$(BIN)/python -m simulations.power
	$(BIN)/python -m simulations.figures

# All published figures, tables and pages that are drawn from the published store, anew. artifacts/published/README.md
# describes them.
PUBLISHED := artifacts/published
PUBLISHED_STORE ?= $(PUBLISHED)/store
HISTORY := configs/history
figures: environment
	$(BIN)/scaling report configs/quickstart.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/quickstart
	$(BIN)/scaling table configs/quickstart.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/quickstart/runs.parquet
	$(BIN)/scaling compare configs/shallow_vs_deep_small.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/shallow_vs_deep_small
	$(BIN)/scaling report configs/shallow_vs_deep_small.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/shallow_vs_deep_small/report
	$(BIN)/scaling compare configs/shallow_vs_deep.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/shallow_vs_deep
	$(BIN)/scaling report configs/shallow_vs_deep.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/shallow_vs_deep/report
	$(BIN)/scaling report configs/mnist_joint.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/mnist_joint
	$(BIN)/scaling optimum configs/ratio.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/ratio
	for name in mnist cifar10; do \
	  $(BIN)/scaling report configs/forecast_$$name.yaml --set 'architectures[0].filters=[1,2,3,4,6,8,64]' --store $(PUBLISHED_STORE) --out $(PUBLISHED)/forecast_$$name || exit 1; \
	done
	$(BIN)/scaling ensemble configs/ratio.yaml --set 'architectures[0].ratio=2.8' --set seeds=8 --store $(PUBLISHED_STORE) --out $(PUBLISHED)/ensemble
	for name in zipcode1989 zipcode1989_distorted hybrid1988 baselines_mnist; do \
	  $(BIN)/scaling reject $(HISTORY)/$$name.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/history/reject_$$name || exit 1; \
	done
	for name in zipcode1989 nets1989 nets1989_positions; do \
	  $(BIN)/scaling report $(HISTORY)/$$name.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/history/$$name || exit 1; \
	done
	$(BIN)/scaling compare $(HISTORY)/lenet1_widths.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/history/lenet1_widths
	$(BIN)/scaling report $(HISTORY)/lenet1_widths.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/history/lenet1_widths/report
	$(BIN)/scaling prune $(HISTORY)/pruning_usps.yaml --store $(PUBLISHED_STORE) --out $(PUBLISHED)/history/pruning_usps
	for name in nets1989 nets1989_positions; do \
	  $(BIN)/scaling separable $(HISTORY)/$$name.yaml --store $(PUBLISHED_STORE) --json > $(PUBLISHED)/history/separable_$$name.json || exit 1; \
	done
	$(BIN)/scaling history --store $(PUBLISHED_STORE) --out docs
	$(BIN)/scaling claims --store $(PUBLISHED_STORE) --out docs

# `make price` prints what `make published` costs. `make published` trains all studies of the published store from
# nothing into NEW_STORE, which may hold a part of the runs. Forecasts are registered before the widest networks train.
NEW_STORE ?= artifacts/store
# Networks of 1998 that train on one image in a step are not trained yet.
UNPUBLISHED := $(addprefix $(HISTORY)/,lenet4.yaml lenet5_1998.yaml lenet5_1998_distorted.yaml)
FORECASTS := configs/forecast_mnist.yaml configs/forecast_cifar10.yaml
STUDIES := configs/quickstart.yaml configs/mnist_joint.yaml configs/labels.yaml configs/shallow_vs_deep_small.yaml configs/shallow_vs_deep.yaml configs/ratio.yaml \
  $(wildcard configs/recipes/*.yaml) $(filter-out $(UNPUBLISHED),$(wildcard $(HISTORY)/*.yaml))
price: environment
	$(BIN)/python -m benchmarks.price --store $(NEW_STORE) $(FORECASTS) $(STUDIES)

published: price
	for config in $(FORECASTS) $(STUDIES); do $(BIN)/scaling run $$config --store $(NEW_STORE) || exit 1; done
	for config in $(FORECASTS); do \
	  $(BIN)/scaling forecast $$config --at 64 --store $(NEW_STORE) && \
	  $(BIN)/scaling run $$config --set 'architectures[0].filters=[64]' --store $(NEW_STORE) && \
	  $(BIN)/scaling score $$config --store $(NEW_STORE) || exit 1; \
	done
	$(MAKE) figures PUBLISHED_STORE=$(NEW_STORE)

environment: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[quickstart,history,docs,dev]'
	$(BIN)/python -m scaling.train.kernel_compilation
	touch $@

audit: environment
	$(BIN)/pip install -qq pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

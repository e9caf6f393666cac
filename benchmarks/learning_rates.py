"""Test error at the learning rate that pilots choose, relative to the best fixed rate, at each width.

This benchmark trains nothing; it reads published runs. ``configs/rates.yaml`` has eight seeds of each of
three rates with validation images, and their mean chooses the best fixed rate of a width.
``configs/shallow_vs_deep_small.yaml`` has the pilots' choice, with one seed of each of eight rates. Both
choices are tested without validation images. If the choices agree, their runs are the same.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import mean

from benchmarks.commands import ROOT
from benchmarks.equivalence import MARGIN, ratio_of_paired_means
from benchmarks.measurement import Measurement
from benchmarks.precision import PUBLISHED_STORE
from scaling import api
from scaling.plan import Plan

NAME = "learning_rates"
ARCHITECTURE = "lenet5"
QUANTITY = "mean test error, rate chosen by pilots relative to the best fixed rate (90 % interval)"


def measure(rounds: int) -> list[Measurement]:
    """Return one measurement per complete width; ``rounds`` has no effect: nothing is measured again."""
    workspace = api.Workspace(store=str(PUBLISHED_STORE))
    runs = api.load_results(ROOT / "configs" / "rates.yaml", workspace).runs
    study_plan = api.plan(ROOT / "configs" / "shallow_vs_deep_small.yaml", workspace, trains=False)
    pilot_rates = chosen_rates(study_plan)
    validation_errors: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    test_errors: dict[tuple[int, float], dict[int, float]] = defaultdict(dict)
    for run in runs.select(["filters", "learning_rate", "seed", "val_error", "test_error"]).to_pylist():
        if run["val_error"] is None:
            test_errors[run["filters"], run["learning_rate"]][run["seed"]] = run["test_error"]
        else:
            validation_errors[run["filters"]][run["learning_rate"]].append(run["val_error"])
    measurements = []
    for filters, errors in sorted(validation_errors.items()):
        fixed_rate = min(errors, key=lambda rate: mean(errors[rate]))
        pilot, fixed = test_errors[filters, pilot_rates[filters]], test_errors[filters, fixed_rate]
        if seeds := sorted(pilot.keys() & fixed.keys()):
            ratio = ratio_of_paired_means([pilot[seed] for seed in seeds], [fixed[seed] for seed in seeds])
            verdict = "the same runs" if fixed_rate == pilot_rates[filters] else ratio.verdict
            rates = f"rates {pilot_rates[filters]:g} and {fixed_rate:g}"
            measurements.append(
                Measurement(
                    benchmark=NAME,
                    case=f"cifar10, {ARCHITECTURE}, filters={filters}",
                    quantity=QUANTITY,
                    unit="",
                    value=ratio.estimate,
                    low=ratio.low,
                    high=ratio.high,
                    rounds=1,
                    note=f"{verdict}, margin {MARGIN:g}; {rates}, {len(seeds)} seeds",
                )
            )
    return measurements


def chosen_rates(study_plan: Plan) -> dict[int, float]:
    """Return the rates that pilots chose for the architecture, by the number of filters."""
    cells = [
        cell for cell in study_plan.study.cells if cell.architecture.type == ARCHITECTURE and not cell.pending
    ]
    return {cell.architecture.filters: cell.recipe.learning_rate for cell in cells}

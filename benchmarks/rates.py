"""Whether rates that pilots choose do as well as the best fixed one: the ratio of mean test errors at each width, from published runs.

Trains nothing. ``configs/rates.yaml`` has eight seeds of each of three rates with validation images, whose mean chooses the best fixed rate
of a width; ``configs/shallow_vs_deep_small.yaml`` has the pilots' choice, of one seed of each of eight rates. Both choices are then tested
without validation images. Where they agree, they are the same runs.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import mean

from benchmarks.equivalence import MARGIN, ratio_of_paired_means
from benchmarks.precision import STORE
from benchmarks.processes import ROOT
from benchmarks.rows import Row
from scaling import api
from scaling.plan import Plan

NAME = "rates"
ARCHITECTURE = "lenet5"


def measure(rounds: int) -> list[Row]:
    """One row a width of which all is there; runs are not measured again, so ``rounds`` says nothing here."""
    settings = api.Workspace(store=str(STORE))
    runs = api.load_results(ROOT / "configs" / "rates.yaml", settings).runs
    chosen = auto(api.plan(ROOT / "configs" / "shallow_vs_deep_small.yaml", settings, trains=False))
    validated: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    tested: dict[tuple[int, float], dict[int, float]] = defaultdict(dict)
    for run in runs.select(["filters", "learning_rate", "seed", "val_error", "test_error"]).to_pylist():
        if run["val_error"] is None:
            tested[run["filters"], run["learning_rate"]][run["seed"]] = run["test_error"]
        else:
            validated[run["filters"]][run["learning_rate"]].append(run["val_error"])
    rows = []
    for filters, errors in sorted(validated.items()):
        best = min(errors, key=lambda rate: mean(errors[rate]))
        pilots, fixed = tested[filters, chosen[filters]], tested[filters, best]
        if seeds := sorted(pilots.keys() & fixed.keys()):
            ratio = ratio_of_paired_means([pilots[seed] for seed in seeds], [fixed[seed] for seed in seeds])
            same = "the same runs" if best == chosen[filters] else ratio.verdict
            rows.append(
                Row(
                    benchmark=NAME,
                    case=f"cifar10, {ARCHITECTURE}, filters={filters}",
                    quantity="mean test error, pilots' rate over the best fixed one (90 % interval)",
                    unit="",
                    value=ratio.estimate,
                    low=ratio.low,
                    high=ratio.high,
                    rounds=1,
                    note=f"{same}, margin {MARGIN:g}; rates {chosen[filters]:g} and {best:g}, {len(seeds)} seeds",
                )
            )
    return rows


def auto(made: Plan) -> dict[int, float]:
    """By filters, the rate that pilots chose for the architecture."""
    cells = [cell for cell in made.study.cells if cell.architecture.type == ARCHITECTURE and not cell.pending]
    return {cell.architecture.filters: cell.recipe.learning_rate for cell in cells}

"""Cost of 10 to 10,000 runs: time and memory of commands, the store's files, and how fast each cost grows.

The stores of finished runs are planted. Networks of one training step are trained as well; their time is
that of ``overhead``. Each exponent is that of the cost beyond the cost at the smallest size, which is
mostly the start of a process, between the two largest sizes: 1 is linear.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median

from benchmarks.commands import CommandResult, run_scaling
from benchmarks.measurement import Measurement, summarise_rounds
from benchmarks.overhead import train_one_step_runs
from benchmarks.planted_store import plant, study

NAME = "growth"
EXPONENT = "exponent"
"""Beginning of the case of an exponent."""
_EPOCHS = 20
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Grid of a planted study, with two architectures."""

    widths: int
    seeds: int
    train_images: Sequence[int]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return 2 * self.widths * self.seeds * len(self.train_images)

    def study(self) -> str:
        """Return the study as JSON, which is YAML."""
        return study(
            widths=self.widths, seeds=self.seeds, epochs=_EPOCHS, train_images=list(self.train_images)
        )


_SUBSETS = (1000, 2000, 3000, 5000, 7000)
GRIDS = (
    Grid(widths=5, seeds=1, train_images=_SUBSETS[:1]),
    Grid(widths=10, seeds=5, train_images=_SUBSETS[:1]),
    Grid(widths=10, seeds=10, train_images=_SUBSETS),
    Grid(widths=25, seeds=40, train_images=_SUBSETS),
)
TRAINED = (10, 100, 1000, 10_000)
"""Numbers of networks that are trained."""

Costs = dict[str, dict[int, list[float]]]
"""Values of each quantity by the number of runs, one a round."""
_UNITS = {"memory": "MiB", "size": "MiB", "files": ""}
"""Unit by the first word of a quantity; others are seconds."""


def measure(
    rounds: int, *, grids: Sequence[Grid] = GRIDS, trained: Sequence[int] = TRAINED
) -> list[Measurement]:
    costs: Costs = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as name:
        for index, grid in enumerate(grids):
            _measure_store(grid, Path(name, str(grid.runs)), costs, rounds=rounds, is_first=index == 0)
    for seeds in trained:
        for _ in range(rounds):
            sweep = train_one_step_runs(seeds)
            costs["scaling run, without training"][seeds].append(sweep.without_training_s)
            costs["memory of scaling run"][seeds].append(sweep.peak_bytes / _MIB)
    return [measurement for quantity, values in costs.items() for measurement in _summarise(quantity, values)]


def _measure_store(grid: Grid, folder: Path, costs: Costs, *, rounds: int, is_first: bool) -> None:
    """Plant a store of finished runs, and measure it and the commands that read it."""
    folder.mkdir()
    config, store = folder / "study.yaml", folder / "store"
    config.write_text(grid.study())
    plant(config, store)
    files = [path for path in store.rglob("*") if path.is_file()]
    costs["files of the store"][grid.runs].append(len(files))
    costs["size of the store"][grid.runs].append(sum(file.stat().st_size for file in files) / _MIB)
    groups = ("--by", "architecture", "--by", "train_images")
    commands: Mapping[str, Sequence[object]] = {
        "plan": ("plan", config),
        "run, nothing to train": ("run", config, "--quiet"),
        "status": ("status", config),
        "table": ("table", config, "--out", folder / "runs.parquet"),
        "fit": ("fit", config, *groups),
        "report": ("report", config, "--out", folder / "report"),
    }
    if is_first:  # the first figures of a machine fill caches
        run_scaling(*commands["report"], "--store", store)
    for _ in range(rounds):
        for command, arguments in commands.items():
            result: CommandResult = run_scaling(*arguments, "--store", store)
            costs[f"scaling {command}"][grid.runs].append(result.wall_s)
            costs[f"memory of scaling {command}"][grid.runs].append(result.peak_bytes / _MIB)


def _summarise(quantity: str, values: Mapping[int, Sequence[float]]) -> list[Measurement]:
    """Return a measurement for each size, and the exponent between the two largest sizes."""
    unit = _UNITS.get(quantity.partition(" ")[0], "s")
    measurements = [
        summarise_rounds(NAME, f"{runs:,} runs", quantity, unit=unit, values=of_size)
        for runs, of_size in values.items()
    ]
    exponent = growth_exponent({runs: median(of_size) for runs, of_size in values.items()})
    if exponent is None:
        return measurements
    *_, low, high = values
    case = f"{EXPONENT} from {low:,} to {high:,} runs"
    return [*measurements, summarise_rounds(NAME, case, quantity, unit="", values=[exponent])]


def growth_exponent(costs: Mapping[int, float]) -> float | None:
    """Return the exponent of the cost beyond that of the smallest size, between the two largest sizes.

    Args:
        costs: cost of each size, by rising size.

    Returns:
        The exponent; None if the cost does not rise.
    """
    start, *_ = costs.values()
    (low, low_cost), (high, high_cost) = list(costs.items())[-2:]
    if not start < low_cost < high_cost:
        return None
    return log((high_cost - start) / (low_cost - start)) / log(high / low)

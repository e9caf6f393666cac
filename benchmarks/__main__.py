"""Run benchmarks, store their results, and write the tables of README and of docs/.

python -m benchmarks [NAME ...] [--rounds N]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks import render
from benchmarks.measurement import Measurement
from benchmarks.results_file import describe_environment, read_results, replace_result, write_results

BENCHMARKS = (
    "fits",
    "steps",
    "step_variants",
    "single_images",
    "overhead",
    "store_reading",
    "growth",
    "memory",
    "rivals",
    "step_estimates",
    "estimates",
    "ablation",
    "sweep_errors",
    "sweeps",
    "precision",
    "learning_rates",
    "gpu",
)
"""Modules with a function ``measure``, the shortest first, so that an error shows early."""
DEFAULT_ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run benchmarks, store their results, and write the tables of README and of docs/.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"benchmarks: {', '.join(BENCHMARKS)}; by default all"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=DEFAULT_ROUNDS,
        help="number of repetitions of each benchmark (%(default)s)",
    )
    parser.add_argument("--render", action="store_true", help="measure nothing, only write the tables")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark; choose from {', '.join(BENCHMARKS)}")
    if options.rounds < 1:
        parser.error(f"--rounds: expected an integer >= 1, got {options.rounds}")
    for name in () if options.render else options.names or BENCHMARKS:
        measurements = import_module(f"benchmarks.{name}").measure(options.rounds)
        if not measurements:  # the benchmark has said why
            continue
        environment = describe_environment()
        results = replace_result(read_results(), name, measurements=measurements, environment=environment)
        write_results(results)
        Console(width=200).print(_table(name, measurements))
    render.write_tables(read_results())


def _table(title: str, measurements: Sequence[Measurement]) -> Table:
    table = Table(title=title)
    for heading in ("case", "quantity", "median", "smallest", "largest", "unit", "rounds", "note"):
        is_number = heading in ("median", "smallest", "largest", "rounds")
        table.add_column(heading, justify="right" if is_number else "left")
    for measurement in measurements:
        table.add_row(
            measurement.case,
            measurement.quantity,
            *(f"{number:.4g}" for number in (measurement.value, measurement.low, measurement.high)),
            measurement.unit,
            str(measurement.rounds),
            measurement.note,
        )
    return table


if __name__ == "__main__":
    main()

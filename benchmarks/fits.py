"""Time of a fit: ten groups of eight widths and eight seeds, with 2,000 bootstrap resamplings, on one core.

Seeds alone are resampled, or seeds and 10,000 test images.

python -m benchmarks.fits    # fit each way once in this process, and print the seconds
"""

from __future__ import annotations

import json
import os
from itertools import product
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.commands import run_module
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.fit import EstimationOptions, fit_table

NAME = "fits"
GROUPS, WIDTHS, SEEDS, IMAGES, RESAMPLINGS = 10, (1, 2, 3, 4, 6, 8, 12, 16), 8, 10_000, 2000
RESAMPLED = ("seeds", "seeds and images")


def measure(rounds: int) -> list[Measurement]:
    seconds = [json.loads(run_module("fits").stdout) for _ in range(rounds)]
    case = f"{GROUPS} groups, {len(WIDTHS)} widths, {SEEDS} seeds, {RESAMPLINGS:,} resamplings, one core"
    return [
        summarise_rounds(
            NAME,
            case,
            f"fit with resampled {resampled}",
            unit="s",
            values=[of_round[resampled] for of_round in seconds],
        )
        for resampled in RESAMPLED
    ]


def planted_runs() -> tuple[pa.Table, NDArray[np.bool_]]:
    """Return runs on images of unequal difficulty, and which images each run misclassifies."""
    rng = np.random.default_rng(0)
    difficulty = np.where(rng.random(IMAGES) < 0.2, 3.0, 0.5)
    cells = list(product(range(GROUPS), WIDTHS, range(SEEDS)))
    rates = np.array([(0.2 + 0.01 * group) * width ** -(0.3 + 0.02 * group) for group, width, _ in cells])
    probabilities = np.outer(rates * rng.normal(1, 0.03, len(rates)), difficulty).clip(0, 1)
    misclassified = rng.random((len(cells), IMAGES)) < probabilities
    columns = {
        name: [cell[index] for cell in cells] for index, name in enumerate(("group", "filters", "seed"))
    }
    errors = {"test_error": misclassified.mean(axis=1), "test_images": [IMAGES] * len(cells)}
    return pa.table(columns | errors), misclassified


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    table, misclassified = planted_runs()
    seconds = {}
    for resampled, images in zip(RESAMPLED, (None, misclassified), strict=True):
        started = perf_counter()
        fit_table(table, EstimationOptions(resamplings=RESAMPLINGS), by=("group",), misclassified=images)
        seconds[resampled] = perf_counter() - started
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()

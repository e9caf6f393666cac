"""Fitting: ten groups of eight widths and eight seeds, with 2,000 resamplings, by seeds alone and over 10,000 test images as well; on one core.

python -m benchmarks.fits    # in a process of its own: fits once each way and prints the seconds
"""

from __future__ import annotations

import json
import os
from itertools import product
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import processes
from benchmarks.rows import Row, over_rounds
from scaling.fit import EstimationOptions, fit_table

NAME = "fits"
GROUPS, WIDTHS, SEEDS, IMAGES, RESAMPLINGS = 10, (1, 2, 3, 4, 6, 8, 12, 16), 8, 10_000, 2000
WAYS = ("seeds", "seeds and images")


def measure(rounds: int) -> list[Row]:
    seen = [json.loads(processes.module("fits").out) for _ in range(rounds)]
    case = f"{GROUPS} groups, {len(WIDTHS)} widths, {SEEDS} seeds, {RESAMPLINGS:,} resamplings, one core"
    return [over_rounds(NAME, case, f"fit over {way}", "s", [each[way] for each in seen]) for way in WAYS]


def planted() -> tuple[pa.Table, NDArray[np.bool_]]:
    """Runs whose images are of unequal difficulty, and which of them each run errs on."""
    rng = np.random.default_rng(0)
    hard = np.where(rng.random(IMAGES) < 0.2, 3.0, 0.5)
    cells = list(product(range(GROUPS), WIDTHS, range(SEEDS)))
    rates = np.array([(0.2 + 0.01 * group) * width ** -(0.3 + 0.02 * group) for group, width, _ in cells])
    misclassified = rng.random((len(cells), IMAGES)) < np.outer(
        rates * rng.normal(1, 0.03, len(rates)), hard
    ).clip(0, 1)
    columns = {
        name: [cell[place] for cell in cells] for place, name in enumerate(("group", "filters", "seed"))
    }
    return pa.table(
        columns | {"test_error": misclassified.mean(axis=1), "test_images": [IMAGES] * len(cells)}
    ), misclassified


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    table, misclassified = planted()
    took = {}
    for way, given in zip(WAYS, (None, misclassified), strict=True):
        began = perf_counter()
        fit_table(table, EstimationOptions(resamplings=RESAMPLINGS), by=("group",), misclassified=given)
        took[way] = perf_counter() - began
    print(json.dumps(took))


if __name__ == "__main__":
    main()

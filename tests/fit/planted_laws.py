"""Simulated studies with a known law: error counts whose variance over seeds is a known fraction of the
binomial.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from scaling.fit import Points
from scaling.fit.data.variance import BinomialVariance, ConstantCV, VarianceModel
from scaling.fit.forms import FLOOR

WIDTHS = (1, 2, 3, 4, 6, 8, 12)
DISPERSION = 0.6


def curve(x: np.ndarray, law: tuple[float, float, float]) -> np.ndarray:
    """Return the mean error at each size, for an amplitude, an exponent and a floor."""
    return FLOOR.evaluate(np.array(law), x)


def plant(
    law: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    widths: Sequence[float] = WIDTHS,
    seeds: int = 4,
    test_images: int = 1000,
) -> Points:
    """Return a simulated study, with errors counted on ``test_images`` images.

    Args:
        law: amplitude, exponent and floor.
        rng: random generator.
        widths: sizes of the networks.
        seeds: number of runs at each width.
        test_images: number of test images.
    """
    x = np.repeat(np.array(widths, dtype=float), seeds)
    mean = curve(x, law)
    errors = rng.normal(test_images * mean, np.sqrt(DISPERSION * test_images * mean * (1 - mean))).round()
    return Points(
        x_name="filters",
        y_name="test_error",
        x=x,
        y=errors.clip(0, test_images) / test_images,
        test_images=test_images,
    )


def variance_model(test_images: int | None) -> VarianceModel:
    """Return the variance model of error counts, or of bare values for None."""
    return ConstantCV() if test_images is None else BinomialVariance(test_images)


def bare_points(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> Points:
    """Return points whose y are bare values."""
    return Points(
        x_name="filters",
        y_name="loss",
        x=np.array(x, dtype=float),
        y=np.array(y, dtype=float),
        test_images=None,
    )


def to_table(points: Points, **columns: object) -> pa.Table:
    """Return points as rows of the store's table.

    Args:
        points: the runs.
        columns: further columns, with one value for all runs.
    """
    table = pa.table(
        {"filters": points.x, "test_error": points.y, "test_images": [points.test_images] * len(points.y)}
    )
    for name, value in {"architecture": "lenet5", **columns}.items():
        table = table.append_column(name, pa.array([value] * len(table)))
    return table

"""Means over seeds, with their intervals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.run_groups import GroupedRuns
from scaling.fit.interval import student_quantile


def mean_errors(grouped: GroupedRuns, x: str = "filters") -> pa.Table:
    """One row a curve and width, in the order of the runs.

    Args:
        grouped: the runs.
        x: the column that curves lie along.

    Returns:
        x if it is none of the following,
        group, filters, parameters, macs, runs, mean_error, std_error (sample standard deviation over seeds; null for one run),
        low_error and high_error (Student's 95 % interval of the mean; null for one run), wall_s (mean over runs of the pack's
        time, shared among its replicas).
    """
    runs = grouped.runs.append_column(
        "share_s", pc.divide(grouped.runs["wall_s"], pc.cast(grouped.runs["replicas"], pa.float64()))
    )
    names = list(dict.fromkeys(["group", "filters", x, "parameters", "macs"]))
    by_width = runs.group_by(names, use_threads=False)
    found = by_width.aggregate(
        [
            ("test_error", "count"),
            ("test_error", "mean"),
            ("test_error", "stddev", pc.VarianceOptions(ddof=1)),
            ("share_s", "mean"),
        ]
    )
    count, mean, std = (found[f"test_error_{name}"].to_numpy() for name in ("count", "mean", "stddev"))
    half = t_half_width(std, count)
    columns = {name: found[name] for name in names}
    columns |= {
        "runs": found["test_error_count"],
        "mean_error": found["test_error_mean"],
        "std_error": found["test_error_stddev"],
    }
    # An error is a fraction: an interval that a few scattered seeds stretch below zero says no more than one that ends there.
    columns |= {
        "low_error": pa.array(np.maximum(mean - half, 0), from_pandas=True),
        "high_error": pa.array(mean + half, from_pandas=True),
    }
    return pa.table({**columns, "wall_s": found["share_s_mean"]})


def t_half_width(std: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Half of Student's 95 % interval of a mean; NaN for one value."""
    several = np.where(count > 1, count, 2)
    return np.where(count > 1, student_quantile(several - 1) * std / np.sqrt(several), np.nan)

"""Means of test errors over seeds, with their intervals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.run_groups import GroupedRuns
from scaling.fit.interval import student_quantile


def mean_errors(grouped: GroupedRuns, x: str = "filters") -> pa.Table:
    """Return one row for each curve and width, in the order of the runs.

    Args:
        grouped: the runs.
        x: column that curves lie along; it is a column of the result too.

    Returns:
        Columns ``group``, ``filters``, ``parameters``, ``macs``, ``runs``, ``mean_error``;
        ``std_error``: sample standard deviation over seeds, null for a single run;
        ``low_error`` and ``high_error``: Student's 95 % interval of the mean, null for a single run;
        ``wall_s``: mean training time of a run, which is the time of its pack divided by the replicas.
    """
    runs = grouped.runs.append_column(
        "run_s", pc.divide(grouped.runs["wall_s"], pc.cast(grouped.runs["replicas"], pa.float64()))
    ).append_column("row", pa.array(range(len(grouped.runs))))
    names = list(dict.fromkeys(["group", "filters", x, "parameters", "macs"]))
    cells = (
        runs.group_by(names, use_threads=False)
        .aggregate(
            [
                ("test_error", "count"),
                ("test_error", "mean"),
                ("test_error", "stddev", pc.VarianceOptions(ddof=1)),
                ("run_s", "mean"),
                ("row", "min"),
            ]
        )
        .sort_by("row_min")
    )  # Arrow promises no order of groups.
    count, mean, std = (cells[f"test_error_{name}"].to_numpy() for name in ("count", "mean", "stddev"))
    half = t_half_width(std, count)
    columns = {name: cells[name] for name in names} | {
        "runs": cells["test_error_count"],
        "mean_error": cells["test_error_mean"],
        "std_error": cells["test_error_stddev"],
        # An error is a fraction: the part of an interval below zero says nothing.
        "low_error": pa.array(np.maximum(mean - half, 0), from_pandas=True),
        "high_error": pa.array(mean + half, from_pandas=True),
        "wall_s": cells["run_s_mean"],
    }
    return pa.table(columns)


def t_half_width(std: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return half the width of Student's 95 % interval of a mean; NaN for a single value.

    Args:
        std: [n] sample standard deviations.
        count: [n] numbers of values.
    """
    several = np.where(count > 1, count, 2)
    return np.where(count > 1, student_quantile(several - 1) * std / np.sqrt(several), np.nan)

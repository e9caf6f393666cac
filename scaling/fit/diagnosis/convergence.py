"""Convergence of the training: widths whose error still falls when the training ends.

A law through such widths describes the length of the training as well as the size of the networks. For each
run, the error after the last epoch is compared with the error at nine tenths of the training. A width still
improves if the mean gain of its runs, paired seed by seed, is above 0 by a t test and is a relevant share of
the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import stdtr

from scaling.fit.data.columns import group_rows, numeric_column

EARLY_ERROR_COLUMN = "early_test_error"
"""Column with the test error of a run at nine tenths of its training."""
MIN_RELATIVE_GAIN = 0.02
"""Share of the error below which a gain is ignored."""
CONVERGENCE_ALPHA = 0.01
"""Probability that a group without any improving width is flagged, over all its widths together."""

_RELATIVE_ROUNDING = 1e-9
"""Relative standard error below which gains differ by rounding only, so that there is no t test."""

Runs = Float[np.ndarray, " runs"]


def find_improving_widths(widths: Runs, *, early: Runs, late: Runs) -> dict[float, float]:
    """Find the widths whose mean error still falls.

    Args:
        widths: width of each run.
        early: error of each run at nine tenths of its training.
        late: error of each run at the end.

    Returns:
        Mean gain over mean early error, by width, ascending. A width with a single run is never included.
    """
    sizes, index, count = np.unique(widths, return_inverse=True, return_counts=True)
    gain, dof = early - late, np.maximum(count - 1, 1)
    mean_gain, mean_early = np.bincount(index, gain) / count, np.bincount(index, early) / count
    std_error = np.sqrt(np.bincount(index, (gain - mean_gain[index]) ** 2) / dof / count)
    is_testable = (count > 1) & (std_error > _RELATIVE_ROUNDING * mean_early)
    t = np.divide(mean_gain, std_error, out=np.zeros_like(mean_gain), where=is_testable)
    is_significant = stdtr(dof, -t) < CONVERGENCE_ALPHA / len(sizes)
    improves = is_testable & is_significant & (mean_gain > MIN_RELATIVE_GAIN * mean_early)
    relative_gain = mean_gain[improves] / mean_early[improves]
    return dict(zip(sizes[improves].tolist(), relative_gain.tolist(), strict=True))


def epochs_to_compare(runs: pa.Table) -> list[int]:
    """Return the epochs that ``check_convergence`` compares.

    These are the last epoch, and nine tenths of it, of each training length.

    Args:
        runs: table with the column ``epochs``, the number of epochs of each run.
    """
    lengths = {length for length in pc.unique(runs["epochs"]).to_pylist() if length is not None}
    return sorted({epoch for length in lengths for epoch in (9 * length // 10, length)})


def early_errors(runs: pa.Table, epochs: pa.Table) -> Runs:
    """Return the test error of each run at nine tenths of its training; NaN if the epoch is missing.

    Args:
        runs: table with the columns ``id`` and ``epochs``.
        epochs: epochs of these runs, with the columns ``id``, ``epoch`` and ``test_error``; at least the
            epochs of ``epochs_to_compare``.
    """
    return _errors_at(9 * numeric_column(runs, "epochs") // 10, runs, epochs)


def check_convergence(
    runs: pa.Table, epochs: pa.Table, *, x: str, by: Sequence[str]
) -> dict[tuple[str, ...], str]:
    """Return why to doubt the laws of each group that has widths whose error still falls.

    Args:
        runs: table with the columns ``id``, ``epochs``, x and by.
        epochs: as for ``early_errors``.
        x: column of sizes.
        by: columns whose values, together, name a group.

    Returns:
        Reason by the values that name the group.
    """
    late = _errors_at(numeric_column(runs, "epochs"), runs, epochs)
    return _reasons(runs, early_errors(runs, epochs), late, x=x, by=by)


def check_early_errors(runs: pa.Table, *, x: str, by: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Return why to doubt the laws of each group, as ``check_convergence`` does, of runs without epochs.

    Args:
        runs: table with the columns ``test_error``, x and by; without ``EARLY_ERROR_COLUMN``, there is no
            reason.
        x: column of sizes.
        by: columns whose values, together, name a group.
    """
    if EARLY_ERROR_COLUMN not in runs.column_names:
        return {}
    early, late = (numeric_column(runs, name) for name in (EARLY_ERROR_COLUMN, "test_error"))
    return _reasons(runs, early, late, x=x, by=by)


def _errors_at(wanted: Runs, runs: pa.Table, epochs: pa.Table) -> Runs:
    """Return the test error of each run at one of its epochs; NaN for a run whose epoch is missing."""
    index = pc.index_in(epochs["id"], value_set=runs["id"])
    is_of_runs = pc.is_valid(index)
    epochs, run_index = epochs.filter(is_of_runs), index.filter(is_of_runs).to_numpy()
    is_wanted = epochs["epoch"].to_numpy() == wanted[run_index]
    errors = np.full(len(runs), np.nan)
    errors[run_index[is_wanted]] = numeric_column(epochs, "test_error")[is_wanted]
    return errors


def _reasons(
    runs: pa.Table, early: Runs, late: Runs, *, x: str, by: Sequence[str]
) -> dict[tuple[str, ...], str]:
    is_known = np.isfinite(early) & np.isfinite(late)
    runs, early, late = runs.filter(is_known), early[is_known], late[is_known]
    sizes = numeric_column(runs, x)
    reasons = {}
    for values, rows in group_rows(runs, by).items():
        if gains := find_improving_widths(sizes[rows], early=early[rows], late=late[rows]):
            reasons[values] = _reason(gains, _training_lengths(runs, rows), x=x)
    return reasons


def _training_lengths(runs: pa.Table, rows: NDArray[np.intp]) -> list[float]:
    """Return the different numbers of epochs of some runs; none if the table does not have them."""
    if "epochs" not in runs.column_names:
        return []
    lengths: list[float] = np.unique(numeric_column(runs, "epochs")[rows]).tolist()
    return lengths


def _reason(gains: Mapping[float, float], lengths: Sequence[float], *, x: str) -> str:
    lowest, highest = (f"{100 * share:.0f}" for share in (min(gains.values()), max(gains.values())))
    percent = f"{lowest} %" if lowest == highest else f"{lowest} to {highest} %"
    if len(lengths) == 1:
        when = f"between epoch {9 * lengths[0] // 10:g} and the last epoch, {lengths[0]:g}"
    else:
        when = "over the last tenth of training"
    sizes = ", ".join(f"{width:g}" for width in gains)
    return f"at {x} {sizes} the error still falls by {percent} {when}"

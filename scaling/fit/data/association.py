"""Tests of whether a column explains how y differs between rows of one x.

A column with few values is a factor and gets three F tests of the relative deviations of y from the mean of
its x: one of its values (additive over x), one of its values with an effect that changes along x, which finds
curves that cross, and one of the cells of (x, value) against rows of one cell, which also finds a value that
is best at some x only. A column of numbers of which most differ is tested by
the regression on its centred ranks. Each test is done twice: on the deviations, which has power in small
tables, and on their ranks over the whole table, centred at each x, which has power with heavy tails.
Bonferroni's inequality pays for the number of tests, and no permutation is drawn.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import fdtrc

from scaling.fit.data.row_codes import Codes, combine_codes

_MAX_LEVELS = 50
"""Largest number of values of a factor whose additive effects are estimated."""
_MIN_CROSSED_X = 3
"""Number of x from which a column can be crossed with x."""
_NO_EFFECT = 1e-9
"""Share of the sum of squares below which what is left is rounding."""

Rows = Float[np.ndarray, " rows"]


def association_p(
    deviations: Rows, codes: Codes, x_index: Codes, *, x: Rows, numbers: Rows | None = None
) -> float:
    """Return the p-value of the association of a column with y; 1 if it cannot be tested.

    Args:
        deviations: deviations of y from the mean of its x.
        codes: value of the column in each row, as a code.
        x_index: x of each row, as a code.
        x: x of each row, as a number.
        numbers: the column as numbers, if most of its values differ; None for a factor.
    """
    ranks = np.unique(x, return_inverse=True)[1] + 1
    position = ranks - ranks.mean()
    possible: list[float] = []
    for responses in (deviations, centre(_ranks(np.round(deviations, 12)), x_index)):
        if responses @ responses > 0:
            tests = _tests(responses, codes, x_index, position, numbers)
            possible += [p for p in tests if p is not None]
    return min(1.0, len(possible) * min(possible)) if possible else 1.0


def _ranks(values: Rows) -> Rows:
    """Return ranks from 1, the mean rank for equal values, without scipy.stats, whose import takes long."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Rows = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return ranks


def rank_correlation(first: Rows, second: Rows) -> float:
    """Return Spearman's correlation of two rows of numbers; NaN if the numbers of one are all equal."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _tests(
    responses: Rows, codes: Codes, x_index: Codes, position: Rows, numbers: Rows | None
) -> list[float | None]:
    if numbers is not None:
        return [_regression_p(responses, centre(_ranks(numbers), x_index)[:, None], x_index)]
    tests = [_cells_p(responses, codes, x_index)]
    if codes.max() < _MAX_LEVELS:
        one_hot = np.stack([centre((codes == code) * 1.0, x_index) for code in range(codes.max() + 1)]).T
        slopes = one_hot * position[:, None]
        tests.append(_regression_p(responses, one_hot, x_index))
        tests.append(_regression_p(responses, np.hstack([one_hot, slopes]), x_index))
    return tests


def design_share(codes: Codes, x_index: Codes) -> float:
    """Return the share of the x, among those with several rows, whose values look chosen and not measured.

    The values of an x look chosen if other x have the same values, each the same number of times, or if they
    are not all equal and each occurs equally often, twice or more. Outcomes of runs rarely repeat like this.
    """
    groups = _values_of_x(codes, x_index)
    balanced = sum(_is_balanced(group) for group in groups)
    return max(_largest_number_of_equal(groups), balanced) / max(len(groups), 1)


def is_crossed(codes: Codes, x_index: Codes) -> bool:
    """Return True if all x with several rows, three or more, have the same values."""
    groups = _values_of_x(codes, x_index)
    return len(groups) >= _MIN_CROSSED_X and _largest_number_of_equal(groups) == len(groups)


def _values_of_x(codes: Codes, x_index: Codes) -> list[NDArray[np.int64]]:
    """Return the sorted values at each x with several rows."""
    order = np.lexsort((codes, x_index))
    starts = np.flatnonzero(np.diff(x_index[order], prepend=-1))
    return [group for group in np.split(codes[order], starts[1:]) if len(group) > 1]


def _largest_number_of_equal(groups: list[NDArray[np.int64]]) -> int:
    """Return the largest number of groups with the same values that are not all equal; 0 below two groups."""
    varying = Counter(group.tobytes() for group in groups if group[0] != group[-1])
    largest = max(varying.values(), default=0)
    return largest if largest > 1 else 0


def _is_balanced(group: NDArray[np.int64]) -> bool:
    counts = np.unique(group, return_counts=True)[1]
    return bool(len(counts) > 1 and counts[0] > 1 and (counts == counts[0]).all())


def centre(values: Rows, x_index: Codes) -> Rows:
    """Return the deviations of values from the mean of their x."""
    means = np.bincount(x_index, values) / np.bincount(x_index)
    return np.asarray(values - means[x_index])


def _cells_p(responses: Rows, codes: Codes, x_index: Codes) -> float | None:
    """Return the p-value of the means of the cells (x, value) against the rows of one cell."""
    cells = combine_codes([x_index, codes], len(codes))
    counts = np.bincount(cells)
    n_cells, n_x = len(counts), len(np.unique(x_index))
    between = float((np.bincount(cells, responses) ** 2 / counts).sum())
    return _f_p(between, float(responses @ responses), n_cells - n_x, len(codes) - n_cells)


def _regression_p(
    responses: Rows, columns: Float[np.ndarray, "rows columns"], x_index: Codes
) -> float | None:
    """Return the p-value of the regression of the responses on columns that are centred at each x."""
    solution, _, rank, _ = np.linalg.lstsq(columns, responses, rcond=None)
    fitted = columns @ solution
    dof = len(responses) - len(np.unique(x_index)) - int(rank)
    return _f_p(float(fitted @ fitted), float(responses @ responses), int(rank), dof)


def _f_p(explained: float, total: float, dof: int, residual_dof: int) -> float | None:
    if dof < 1 or residual_dof < 1:
        return None
    residual = max(total - explained, _NO_EFFECT * total)
    return float(fdtrc(dof, residual_dof, explained / dof / (residual / residual_dof)))

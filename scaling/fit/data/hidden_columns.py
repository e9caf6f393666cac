"""Columns that explain what a curve of one size leaves, in tables whose rows have different sizes.

Where most x have one row, no rows of one x can show that a second column changes y: a table of losses over
pairs of sizes (N, D) with a new N in each row looks like one noisy curve. The exponent of such a curve
depends on how the other size was chosen. This module tests whether a column explains the residuals of log y
about a smooth curve, a polynomial in log x (``scaling.fit.data.smooth_curve``), by partial F tests of its
linear and of its quadratic effect. A polynomial bends as each form does, so that the test does not depend on
a form.

The level is 1 % for all tested columns together. Four kinds of columns are not tested:

- functions of the sizes: columns that only rise or only fall with x, or that a polynomial in log x describes;
- ids, seeds, labels and states of runs;
- outcomes of runs by their names, such as losses and times;
- numbers with an unknown name that follow x or y, because outcomes do, and sizes that were chosen for
  themselves do not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import fdtrc

from scaling.fit.data.association import rank_correlation
from scaling.fit.data.column_types import is_number, is_text
from scaling.fit.data.columns import numeric_column
from scaling.fit.data.replicates import INDEX_NAMES, JOINT_ARGUMENTS, MAX_LISTED
from scaling.fit.data.roles import (
    is_id,
    is_label,
    is_outcome,
    is_seed,
    is_setting,
    is_size,
    is_state,
    is_step,
    may_be_setting,
    short_name,
)
from scaling.fit.data.row_codes import Codes, encode_column
from scaling.fit.data.smooth_curve import smooth_terms
from scaling.notes import Hint, Note

LEVEL = 1e-2
"""Level of the tests of all columns of a table together."""
_MAX_ROWS_PER_SIZE = 2.0
"""Mean number of rows of one size from which rows of one size are compared instead."""
_FUNCTION_OF_SIZES = 0.98
"""Share of a column's variance that the sizes explain, from which the column follows from them."""
_FOLLOWS_X, _FOLLOWS_Y = 0.5, 0.95
"""Spearman's correlations with x and y from which a number with an unknown name counts as an outcome."""
_NO_RESIDUALS = 1e-9
"""Share of the variation of y below which the residuals are rounding."""

Rows = Float[np.ndarray, " rows"]
Terms = Float[np.ndarray, "rows terms"]
Effects = NDArray[np.float64]
"""Effects of one column together: [rows, effects]."""


@dataclass(frozen=True, kw_only=True)
class HiddenColumns:
    """Columns that change y beside the sizes of a law, the clearest first."""

    columns: tuple[str, ...]
    note: Note
    """Sentence on the columns, and what to do."""

    @property
    def caution(self) -> str:
        """Reason for caution about a law that leaves these columns out."""
        return f"{self.columns[0]} differs between the rows and explains their distance from a curve"


def find_hidden_columns(
    runs: pa.Table, *, sizes: Sequence[str], y: str, ignored: Collection[str] = ()
) -> HiddenColumns | None:
    """Find columns that explain the residuals of a smooth curve; None in a table of replicates.

    Args:
        runs: rows of one group that are fitted.
        sizes: columns of the sizes of the law: one, or two of a joint law.
        y: column of errors.
        ignored: columns that say nothing about it, such as those of the groups.
    """
    values, columns = numeric_column(runs, y), np.column_stack([numeric_column(runs, name) for name in sizes])
    runs, values, columns = runs.filter(pa.array(values > 0)), values[values > 0], columns[values > 0]
    n_sizes = len(np.unique(columns, axis=0))
    if len(runs) >= _MAX_ROWS_PER_SIZE * n_sizes:
        return None
    log_y, log_sizes = np.log(values), np.log(columns)
    terms = smooth_terms(log_sizes, n_sizes)
    if terms is None:
        return None
    curve = _Curve(log_y=log_y, log_sizes=log_sizes, terms=np.linalg.qr(terms)[0])
    known = {*sizes, y, *ignored}
    effects = {name: _effects(runs, name, curve) for name in runs.column_names if name not in known}
    p_values = {name: curve.p_value(tested) for name, tested in effects.items() if tested}
    explaining = [name for name, p in p_values.items() if p * len(p_values) < LEVEL]
    if not explaining:
        return None
    # The column that follows the sizes least comes first: 6 N D explains as much as D.
    explaining.sort(key=lambda name: (round(log10(p_values[name] + 1e-300)), curve.share_of(effects[name])))
    return _describe(runs, explaining, sizes=sizes, y=y, p=p_values[explaining[0]])


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """A smooth curve of log y."""

    log_y: Rows
    log_sizes: Float[np.ndarray, "rows sizes"]
    terms: Terms
    """Orthonormal columns whose combinations are the curves."""

    def residuals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the curve leaves of some values: [rows, ...]."""
        return np.asarray(values - self.terms @ (self.terms.T @ values))

    def p_value(self, effects: Sequence[Effects]) -> float:
        """Return the p-value of a column with some effects, of which one is enough, beside the curve."""
        residuals = self.residuals(self.log_y)
        if residuals @ residuals < _NO_RESIDUALS**2 * self.log_y.var() * len(self.log_y):
            return 1.0
        possible = [self._f_test(residuals, self.residuals(effect)) for effect in effects]
        return min(1.0, len(possible) * min(possible))

    def share_of(self, effects: Sequence[Effects]) -> float:
        """Return the share of the first effect that the sizes explain."""
        effect = effects[0] - effects[0].mean(axis=0)
        left = self.residuals(effect)
        return 1 - float((left**2).sum() / (effect**2).sum())

    def _f_test(self, residuals: Rows, effects: Terms) -> float:
        scaled = effects / np.maximum(np.linalg.norm(effects, axis=0), 1e-300)
        solution, _, rank, _ = np.linalg.lstsq(scaled, residuals, rcond=1e-6)
        dof = len(residuals) - self.terms.shape[1] - int(rank)
        if rank < 1 or dof < 1:
            return 1.0
        fitted = scaled @ solution
        explained, left = float(fitted @ fitted), float(((residuals - fitted) ** 2).sum())
        return float(fdtrc(rank, dof, explained / rank / max(left / dof, 1e-300)))


def _effects(runs: pa.Table, name: str, curve: _Curve) -> list[Effects]:
    """Return the effects that a column may have, as alternatives; none for a column that is not tested."""
    kind = runs.schema.field(name).type
    roles = (is_id, is_seed, is_label, is_state, is_outcome)
    if short_name(name) in INDEX_NAMES or any(has_role(name) for has_role in roles):
        return []
    if is_number(kind):
        return _number_effects(numeric_column(runs, name), name, curve)
    if is_text(kind) or pa.types.is_boolean(kind):
        return _factor_effects(encode_column(runs[name]), curve)
    return []


def _number_effects(numbers: NDArray[np.float64], name: str, curve: _Curve) -> list[Effects]:
    """Return the linear effect, and the linear with the quadratic effect, of a size or a setting."""
    if not np.isfinite(numbers).all() or (numbers == numbers[0]).all() or _is_monotone(numbers, curve):
        return []
    position = np.log(numbers) if (numbers > 0).all() else numbers
    position = (position - position.mean()) / position.std()
    is_known = is_size(name) or is_setting(name) or is_step(name) or may_be_setting(name)
    if not is_known and _follows(numbers, curve):
        return []
    effects = [position[:, None], np.column_stack([position, position**2])]
    return [] if curve.share_of(effects) > _FUNCTION_OF_SIZES else effects


def _factor_effects(codes: Codes, curve: _Curve) -> list[Effects]:
    """Return the effect of texts or truth values that repeat, and that more than a part of the sizes has."""
    counts = np.bincount(codes)
    changes = [np.count_nonzero(np.diff(codes[np.argsort(size)])) for size in curve.log_sizes.T]
    if len(counts) < 2 or counts.min() < 2 or len(counts) - 1 in changes:
        return []
    return [np.stack([codes == code for code in range(1, len(counts))], axis=1).astype(float)]


def _is_monotone(values: NDArray[np.float64], curve: _Curve) -> bool:
    """Return whether values only rise, or only fall, with some size."""
    for size in curve.log_sizes.T:
        for signed in (values, -values):
            if (np.diff(signed[np.lexsort((signed, size))]) >= 0).all():
                return True
    return False


def _follows(values: Rows, curve: _Curve) -> bool:
    """Return whether numbers follow a size or y, as outcomes do."""
    if abs(rank_correlation(values, curve.log_y)) >= _FOLLOWS_Y:
        return True
    return any(abs(rank_correlation(values, size)) >= _FOLLOWS_X for size in curve.log_sizes.T)


def _describe(
    runs: pa.Table, columns: Sequence[str], *, sizes: Sequence[str], y: str, p: float
) -> HiddenColumns:
    first, *others = columns
    listed = ", ".join(others[:MAX_LISTED])
    more = f" and {len(others) - MAX_LISTED} more" if len(others) > MAX_LISTED else ""
    also = f" (and, together with it, {listed}{more})" if others else ""
    along = " and ".join(sizes)
    note = Note(
        f"Rows of different {along} also differ in {first}{also}, which explains their distance from a "
        f"smooth curve of {y} (p = {p:.1g}): a law of {along} alone mixes both effects.",
        _hints(runs, first, sizes),
    )
    return HiddenColumns(columns=tuple(columns), note=note)


def _hints(runs: pa.Table, name: str, sizes: Sequence[str]) -> list[Hint]:
    has_groups = 2 * len(np.unique(encode_column(runs[name]))) <= len(runs)
    hints = []
    if len(sizes) == 1 and is_number(runs[name].type) and not is_setting(name):
        hints.append(Hint(f"fit a joint law of both with `x` {sizes[0]},{name}", JOINT_ARGUMENTS))
    if has_groups:
        hints.append(Hint(f"group with `by` {name}"))
    return [*hints, Hint(f"keep one value with `where` {name}=VALUE")]

"""Costs of the networks of a group: parameters and multiply-adds as functions of size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from scaling.fit.data.columns import group_rows, numeric_column

COST_COLUMNS = ("parameters", "macs")
"""Columns with the cost of one network."""


@dataclass(frozen=True, eq=False)
class CostCurve:
    """Cost of the networks of one group at some sizes."""

    x: Float[np.ndarray, " sizes"]
    """Sizes: ascending, above 0."""
    amount: Float[np.ndarray, " sizes"]
    """Cost at each size, above 0."""

    def at(self, x: Float[np.ndarray, " others"]) -> Float[np.ndarray, " others"]:
        """Return the cost at other sizes, by interpolation in logarithms.

        Beyond the known sizes, the line through the last two known sizes is extended.
        """
        log_x, log_sizes, amount = np.log(x), np.log(self.x), np.log(self.amount)
        left = np.clip(np.searchsorted(log_sizes, log_x) - 1, 0, len(log_sizes) - 2)
        slope = (amount[left + 1] - amount[left]) / (log_sizes[left + 1] - log_sizes[left])
        return np.asarray(np.exp(amount[left] + slope * (log_x - log_sizes[left])))


def cost_curves(table: pa.Table, *, x: str, by: Sequence[str]) -> dict[tuple[str, ...], dict[str, CostCurve]]:
    """Return the cost curves of each group, by the group's values and the column.

    A cost is left out if the table has no such column, or if networks of one size have several costs.

    Args:
        table: one row a run, with the columns ``x`` and ``by``.
        x: column of sizes.
        by: columns whose values, together, name a group.
    """
    sizes, groups = numeric_column(table, x), group_rows(table, by)
    curves: dict[tuple[str, ...], dict[str, CostCurve]] = {key: {} for key in groups}
    for name in COST_COLUMNS:
        is_cost = name in table.column_names and pa.types.is_integer(table.schema.field(name).type)
        if name == x or not is_cost:
            continue
        amounts = numeric_column(table, name)
        for key, rows in groups.items():
            pairs = np.unique(np.column_stack([sizes[rows], amounts[rows]]), axis=0)
            if (pairs > 0).all() and len(pairs) == len(np.unique(pairs[:, 0])) > 1:
                curves[key][name] = CostCurve(pairs[:, 0], pairs[:, 1])
    return curves

"""What networks of a size cost, so that sizes can be told in parameters and multiply-adds too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from scaling.fit.data.columns import numeric_column, text_column

COST_COLUMNS = ("parameters", "macs")
"""Columns that follow from the network."""


@dataclass(frozen=True, eq=False)
class CostCurve:
    """What the networks of one group cost at some sizes."""

    x: Float[np.ndarray, " sizes"]
    """Ascending, above 0."""
    amount: Float[np.ndarray, " sizes"]
    """Above 0."""

    def at(self, x: Float[np.ndarray, " places"]) -> Float[np.ndarray, " places"]:
        """At other sizes: a straight line in logarithms between two that are known, and the last such line beyond them."""
        log_x, known, amount = np.log(x), np.log(self.x), np.log(self.amount)
        left = np.clip(np.searchsorted(known, log_x) - 1, 0, len(known) - 2)
        slope = (amount[left + 1] - amount[left]) / (known[left + 1] - known[left])
        return np.asarray(np.exp(amount[left] + slope * (log_x - known[left])))


def cost_curves(table: pa.Table, *, x: str, by: Sequence[str]) -> dict[tuple[str, ...], dict[str, CostCurve]]:
    """Of each group, by its values of ``by``: every cost that the table has a column of, and of which one size has one amount.

    Args:
        table: one row a run; the columns x and by are in it.
    """
    sizes = numeric_column(table, x)
    keys = list(zip(*(text_column(table, name) for name in by), strict=True)) if by else [()] * len(table)
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    found: dict[tuple[str, ...], dict[str, CostCurve]] = {key: {} for key in groups}
    for name in COST_COLUMNS:
        if (
            name == x
            or name not in table.column_names
            or not pa.types.is_integer(table.schema.field(name).type)
        ):
            continue
        amounts = numeric_column(table, name)
        for key, rows in groups.items():
            pairs = np.unique(np.column_stack([sizes[rows], amounts[rows]]), axis=0)
            if (pairs > 0).all() and len(pairs) == len(np.unique(pairs[:, 0])) > 1:
                found[key][name] = CostCurve(pairs[:, 0], pairs[:, 1])
    return found

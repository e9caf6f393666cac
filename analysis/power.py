"""Smallest detectable differences as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from rich.table import Table

from analysis.formatting import format_interval
from analysis.text_table import TextTable
from scaling.fit.detectable import SEED_FACTORS, DetectableDifference


def render_power(differences: Sequence[DetectableDifference], *, power: float) -> Table:
    """Return a table with a row for each pair of curves and quantity.

    Args:
        differences: the smallest detectable differences.
        power: share of studies in which they are shown.
    """
    rows = []
    for one in differences:
        is_error = one.x is not None
        rows.append(
            (
                one.first,
                one.second,
                f"error at filters {one.x:g}" if is_error else "exponent",
                format_interval(one.measured, percent=is_error),
                *(_format_smallest(smallest, percent=is_error) for smallest in one.by_factor.values()),
            )
        )
    return TextTable(
        title="Smallest detectable difference",
        caption=(
            f"A true difference of this size is shown in {100 * power:.0f} % of such studies: its 95 % "
            "interval excludes 0; none: no difference is. Differences of errors are relative to the mean of "
            "both curves."
        ),
        columns=(
            "first",
            "second",
            "quantity",
            "measured difference",
            *("now" if factor == 1 else f"{factor} times the seeds" for factor in SEED_FACTORS),
        ),
        rows=tuple(rows),
    ).render()


def _format_smallest(difference: float, *, percent: bool) -> str:
    if difference == inf:
        return "none"
    return f"{100 * difference:.2g} %" if percent else f"{difference:.2g}"

"""Smallest detectable differences as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from analysis.formatting import format_interval
from analysis.text_table import TextTable
from scaling.fit.detectable import SEED_FACTORS, DetectableDifference


def render_power(differences: Sequence[DetectableDifference], *, power: float) -> TextTable:
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
                *(
                    "none"
                    if isinf(smallest)
                    else f"{100 * smallest:.2g} %"
                    if is_error
                    else f"{smallest:.2g}"
                    for smallest in one.by_factor.values()
                ),
            )
        )
    return TextTable(
        title="Smallest detectable difference",
        caption=(
            f"A true difference of this size is shown in {100 * power:.0f} % of studies like this one: its "
            "95 % interval excludes 0. The numbers come from simulated studies, drawn from the fitted laws. "
            "Differences of errors are relative to the mean of both curves."
        ),
        columns=(
            "first",
            "second",
            "quantity",
            "measured difference",
            *("now" if factor == 1 else f"{factor} times the seeds" for factor in SEED_FACTORS),
        ),
        rows=tuple(rows),
    )

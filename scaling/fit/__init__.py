"""Scaling laws from tables of runs: points, forms, intervals, held-out error and status. Pure NumPy and SciPy."""

from __future__ import annotations

from scaling.fit.compare import Comparison, common, compare, needed, side_by_side
from scaling.fit.derive import best_over, from_counts
from scaling.fit.design import Design, Proposal, Size, propose
from scaling.fit.laws import fit, fit_table
from scaling.fit.points import Points
from scaling.fit.predict import Prediction, foretell
from scaling.fit.quantity import Quantity
from scaling.fit.result import Choice, Fit, HeldOut, Interval, Law, Status, Verdict
from scaling.fit.rows import rows
from scaling.fit.scatter import Scatter
from scaling.fit.table import columns, group_points, read_table

__all__ = [
    "Choice",
    "Comparison",
    "Design",
    "Fit",
    "HeldOut",
    "Interval",
    "Law",
    "Points",
    "Prediction",
    "Proposal",
    "Quantity",
    "Scatter",
    "Size",
    "Status",
    "Verdict",
    "best_over",
    "columns",
    "common",
    "compare",
    "fit",
    "fit_table",
    "foretell",
    "from_counts",
    "group_points",
    "needed",
    "propose",
    "read_table",
    "rows",
    "side_by_side",
]

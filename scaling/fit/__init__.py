"""Scaling laws from tables of runs: points, forms, intervals, held-out error and status. Pure NumPy and SciPy."""

from __future__ import annotations

from scaling.fit.comparison.crossing import Meeting, meet
from scaling.fit.comparison.equal_error import EqualError, equal_error, telling
from scaling.fit.comparison.exponents import Comparison, common, compare, needed, side_by_side
from scaling.fit.comparison.pareto import Place, Winner, front, winners
from scaling.fit.data.derived import best_over, from_counts
from scaling.fit.data.dispersion import Scatter
from scaling.fit.data.points import Points
from scaling.fit.data.table import columns, group_points, read_table
from scaling.fit.fit import fit, fit_table
from scaling.fit.law_table import rows
from scaling.fit.prediction import Prediction, foretell
from scaling.fit.quantity import Quantity
from scaling.fit.result import Choice, Fit, HeldOut, Interval, Law, Status, Verdict
from scaling.fit.suggest import Design, Proposal, Size, propose

__all__ = [
    "Choice",
    "Comparison",
    "Design",
    "EqualError",
    "Fit",
    "HeldOut",
    "Interval",
    "Law",
    "Meeting",
    "Place",
    "Points",
    "Prediction",
    "Proposal",
    "Quantity",
    "Scatter",
    "Size",
    "Status",
    "Verdict",
    "Winner",
    "best_over",
    "columns",
    "common",
    "compare",
    "equal_error",
    "fit",
    "fit_table",
    "foretell",
    "from_counts",
    "front",
    "group_points",
    "meet",
    "needed",
    "propose",
    "read_table",
    "rows",
    "side_by_side",
    "telling",
    "winners",
]

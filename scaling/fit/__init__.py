"""Scaling laws from tables of runs: points, forms, intervals, held-out error and status. Pure NumPy and SciPy."""

from __future__ import annotations

from scaling.fit.comparison.crossing import Crossing, meet
from scaling.fit.comparison.equal_error import EqualError, equal_error, telling
from scaling.fit.comparison.exponents import Comparison, common, compare, needed, side_by_side
from scaling.fit.comparison.pareto import ParetoPoint, Winner, front, winners
from scaling.fit.data.derived import add_error_from_counts, select_best
from scaling.fit.data.points import Points
from scaling.fit.data.table import group_points, read_table, required_columns
from scaling.fit.data.variance import Dispersion
from scaling.fit.fit import fit, fit_table
from scaling.fit.law_table import rows
from scaling.fit.prediction import Prediction, foretell
from scaling.fit.quantity import Quantity
from scaling.fit.result import Fit, FormChoice, HeldOut, Interval, Law, Status, Verdict
from scaling.fit.suggest import Design, Proposal, Size, propose

__all__ = [
    "Comparison",
    "Crossing",
    "Design",
    "Dispersion",
    "EqualError",
    "Fit",
    "FormChoice",
    "HeldOut",
    "Interval",
    "Law",
    "ParetoPoint",
    "Points",
    "Prediction",
    "Proposal",
    "Quantity",
    "Size",
    "Status",
    "Verdict",
    "Winner",
    "add_error_from_counts",
    "common",
    "compare",
    "equal_error",
    "fit",
    "fit_table",
    "foretell",
    "front",
    "group_points",
    "meet",
    "needed",
    "propose",
    "read_table",
    "required_columns",
    "rows",
    "select_best",
    "side_by_side",
    "telling",
    "winners",
]

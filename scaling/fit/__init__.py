"""Scaling laws from tables of runs: points, forms, intervals, held-out error and status. Pure NumPy and SciPy."""

from __future__ import annotations

from scaling.fit.compare import Comparison, common, compare, needed, side_by_side
from scaling.fit.derive import best_over, from_counts
from scaling.fit.design import Design, Proposal, Size, propose
from scaling.fit.equal import EqualError, equal_error, telling
from scaling.fit.front import Place, Winner, front, winners
from scaling.fit.laws import fit, fit_table
from scaling.fit.meeting import Meeting, meet
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

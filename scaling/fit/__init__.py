"""Scaling laws from tables of runs: points, forms, intervals, held-out error and status. Pure NumPy and SciPy."""

from __future__ import annotations

from scaling.fit.laws import fit, fit_table
from scaling.fit.points import Points
from scaling.fit.result import Fit, HeldOut, Interval, Law, Status
from scaling.fit.rows import rows
from scaling.fit.table import columns, group_points, read_table

__all__ = ["Fit", "HeldOut", "Interval", "Law", "Points", "Status", "columns", "fit", "fit_table", "group_points", "read_table", "rows"]

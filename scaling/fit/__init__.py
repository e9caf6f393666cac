"""Scaling laws from tables of runs, with intervals, held-out errors and verdicts; without torch."""

from __future__ import annotations

from scaling.fit.block_design import BlockDesign, CandidateSize, Proposal
from scaling.fit.comparison.crossing import Crossing, find_crossing
from scaling.fit.comparison.equal_error import SizesAtError, compare_sizes, has_measured, size_for_error
from scaling.fit.comparison.exponents import Comparison, ExponentConclusion, compare_all, compare_laws
from scaling.fit.comparison.law_choice import preferred_law
from scaling.fit.comparison.pareto import BestAtBudget, ParetoPoint, best_at_budget, pareto_front
from scaling.fit.data.derived import add_error_from_accuracy, add_error_from_counts, select_best
from scaling.fit.data.joint_points import CellTable, JointPoints, add_cells
from scaling.fit.data.points import Points
from scaling.fit.data.reading import read_table
from scaling.fit.data.row_selection import select_last, select_where
from scaling.fit.data.table import PointsGroup, group_points, required_columns
from scaling.fit.data.variance import Dispersion
from scaling.fit.data.wide import melt_wide
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.first_design import FirstDesign
from scaling.fit.fit import fit, fit_table
from scaling.fit.form_choice import FormChoice, Verdict
from scaling.fit.frontier import CostModel, Frontier, OptimalSizes
from scaling.fit.interval import Interval
from scaling.fit.joint import JointPrediction, fit_joint, fit_joint_table, predict_joint
from scaling.fit.joint_result import JointFit, JointHeldOut, JointLaw, JointLoss
from scaling.fit.law_table import tabulate_laws
from scaling.fit.prediction import Prediction, predict
from scaling.fit.quantity import Quantity
from scaling.fit.result import Fit, HeldOut, Law, Status
from scaling.fit.suggest import SequentialDesign, propose_runs

__all__ = [
    "BestAtBudget",
    "BlockDesign",
    "CandidateSize",
    "CellTable",
    "Comparison",
    "CostModel",
    "Crossing",
    "Dispersion",
    "EstimationOptions",
    "ExponentConclusion",
    "FirstDesign",
    "Fit",
    "FormChoice",
    "Frontier",
    "HeldOut",
    "Interval",
    "JointFit",
    "JointHeldOut",
    "JointLaw",
    "JointLoss",
    "JointPoints",
    "JointPrediction",
    "Law",
    "OptimalSizes",
    "ParetoPoint",
    "Points",
    "PointsGroup",
    "Prediction",
    "Proposal",
    "Quantity",
    "SequentialDesign",
    "SizesAtError",
    "Status",
    "Verdict",
    "add_cells",
    "add_error_from_accuracy",
    "add_error_from_counts",
    "best_at_budget",
    "compare_all",
    "compare_laws",
    "compare_sizes",
    "find_crossing",
    "fit",
    "fit_joint",
    "fit_joint_table",
    "fit_table",
    "group_points",
    "has_measured",
    "melt_wide",
    "pareto_front",
    "predict",
    "predict_joint",
    "preferred_law",
    "propose_runs",
    "read_table",
    "required_columns",
    "select_best",
    "select_last",
    "select_where",
    "size_for_error",
    "tabulate_laws",
]

"""Joint laws of two sizes, E + A N^-alpha + B D^-beta: fits of points and tables, and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from numpy.typing import NDArray

from scaling.errors import FitError, UsageError
from scaling.fit.data.columns import check_column, group_rows, numeric_column
from scaling.fit.data.joint_points import CellTable, JointPoints, group_joint_points
from scaling.fit.data.table import PointsGroup
from scaling.fit.diagnosis.joint_status import assess_joint
from scaling.fit.diagnosis.status import describe_dispersion, describe_points
from scaling.fit.estimation.joint import estimate_joint
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.fit import describe_estimand
from scaling.fit.forms import JOINT
from scaling.fit.frontier import MIN_COST_R2, Frontier, fit_cost
from scaling.fit.interval import Interval
from scaling.fit.joint_result import JointDraws, JointFit, JointLaw, JointLoss
from scaling.fit.prediction import predict_new_runs

_DEFAULT_OPTIONS = EstimationOptions()


def fit_joint(
    points: JointPoints,
    options: EstimationOptions = _DEFAULT_OPTIONS,
    *,
    loss: JointLoss = JointLoss.QUASI_LIKELIHOOD,
    group: dict[str, str] | None = None,
) -> JointLaw:
    """Fit the joint law to one group of points.

    Args:
        points: runs with two sizes each.
        options: held-out sizes and bootstrap draws.
        loss: what the estimate minimises.
        group: values that the points have in common, by column.

    Raises:
        FitError: the cells do not determine the law.
    """
    stream = crc32(", ".join((group or {}).values()).encode())
    estimate = estimate_joint(points, options, loss=loss, stream=stream)
    assessment = assess_joint(points, estimate)
    return JointLaw(**vars(estimate), status=assessment.status, reason=assessment.reason)


def fit_joint_table(
    cells: CellTable,
    names: tuple[str, str],
    options: EstimationOptions = _DEFAULT_OPTIONS,
    *,
    y: str = "test_error",
    by: Sequence[str] = (),
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
    loss: JointLoss = JointLoss.QUASI_LIKELIHOOD,
    cost: str | None = None,
    notes: Sequence[str] = (),
) -> list[JointFit]:
    """Fit the joint law to every group of a table.

    Args:
        cells: one row a run, as ``add_cells`` returns them, or some of these rows.
        names: columns of N and D.
        options: held-out sizes and bootstrap draws.
        y: column of errors.
        by: columns whose values, together, name a group.
        misclassified: [rows, images], which images each row's run misclassifies.
        std: column of the standard deviations of y, if they are known.
        loss: what the estimates minimise.
        cost: column with the cost of a run, for the compute-optimal frontier.
        notes: sentences to place before the notes of each fit.

    Returns:
        One fit a group. A group that cannot be fitted, beside others that can, has no law and a note with the
        reason.

    Raises:
        TableError: columns or values that cannot be fitted as requested.
        FitError: no group can be fitted.
    """
    if cost is not None:
        check_column(cells.table.column_names, cost)
    groups = group_joint_points(
        cells,
        names,
        y=y,
        by=by,
        misclassified=misclassified,
        std=std,
        ignored=() if cost is None else (cost,),
    )
    rows = group_rows(cells.table, by)
    fits, errors = [], []
    for group, points in groups:
        fit, error = _fit_group(group, points, options, loss=loss, notes=(*notes, *cells.notes))
        if error:
            name = ", ".join(group.values.values()) if len(groups) > 1 else ""
            errors.append(f"{name}: {error}" if name else error)
        if cost is not None:
            fit = _with_frontier(fit, cells.table.take(rows[tuple(group.values.values())]), cost)
        fits.append(fit)
    if len(errors) == len(fits):
        raise FitError("; ".join(dict.fromkeys(errors)) or "the table holds no runs")
    return fits


def _fit_group(
    group: PointsGroup,
    points: JointPoints,
    options: EstimationOptions,
    *,
    loss: JointLoss,
    notes: Sequence[str],
) -> tuple[JointFit, str]:
    """Return the fit of one group, and the reason why it has no law; empty if it has one."""
    law, reason = None, ""
    notes = [*notes, *group.notes, *describe_points(points, x="cell")]
    try:
        law = fit_joint(points, options, loss=loss, group=group.values).with_caution(group.caution)
        notes += describe_dispersion(JOINT.formula, law.dispersion)
    except FitError as error:
        reason = str(error)
        notes.append(f"No law: {reason}.")
    fit = JointFit(
        group=group.values,
        points=points,
        law=law,
        frontier=None,
        estimand=describe_estimand(points, size="cell"),
        notes=tuple(notes),
    )
    return fit, reason


def _with_frontier(fit: JointFit, runs: pa.Table, cost: str) -> JointFit:
    """Return a fit with the frontier of its law, or with a note that says why there is none."""
    if fit.law is None:
        return fit
    try:
        return replace(fit, frontier=_fit_frontier(runs, fit.points.names, fit.law, cost))
    except FitError as error:
        return replace(fit, notes=(*fit.notes, f"No frontier: {error}."))


def _fit_frontier(runs: pa.Table, names: tuple[str, str], law: JointLaw, cost: str) -> Frontier:
    """Return the frontier of a law.

    Raises:
        FitError: the cost cannot be modelled.
    """
    sizes = np.column_stack([numeric_column(runs, name) for name in names])
    model = fit_cost(cost, sizes, numeric_column(runs, cost), names)
    reasons = []
    if model.r2 < MIN_COST_R2:
        reasons.append(f"{cost} is no power law of the sizes (R^2 = {model.r2:.3f})")
    for name, exponent in zip(names, ("exponent_n", "exponent_d"), strict=True):
        if law.parameters[exponent].low <= 0:
            reasons.append(f"the error may not fall with {name}")
    return Frontier(
        cost=model,
        estimate=law.estimates[None],
        draw_sets=tuple(draws.parameters for draws in law.draw_sets),
        reason="; ".join(reasons),
    )


@dataclass(frozen=True, kw_only=True)
class JointPrediction:
    """Prediction of a joint law at one pair of sizes."""

    sizes: tuple[float, float]
    """N and D."""
    mean: Interval
    """Mean error over seeds."""
    new_run: Interval | None
    """Error of one new network on this test set; None in the cases of ``Prediction``."""
    extrapolation: tuple[float, float]
    """Each size over the largest measured one: above 1 for an extrapolation."""

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as JSON values."""
        return {**asdict(self), "sizes": list(self.sizes), "extrapolation": list(self.extrapolation)}


def predict_joint(
    fit: JointFit, pairs: Sequence[tuple[float, float]], *, seed: int = 0
) -> list[JointPrediction]:
    """Predict with a joint law at some pairs of sizes, with 95 % intervals.

    Args:
        fit: law of one group; without a law, there are no predictions.
        pairs: pairs of sizes N and D above 0.
        seed: seed of the draws of a run's own scatter.

    Raises:
        UsageError: a size is not above 0.
    """
    for size in (size for pair in pairs for size in pair):
        if not (size > 0 and np.isfinite(size)):
            raise UsageError(f"a prediction needs sizes above 0, got {size:g}")
    law = fit.law
    if law is None:
        return []
    largest = fit.points.cell_sizes.max(axis=0)
    predictions = []
    for pair in pairs:
        at = np.array([pair], dtype=float)
        mean = law.derived_interval(partial(_evaluate_at, at=at))
        means = [_evaluate_at(draws, at) for draws in law.draw_sets]
        new_run = predict_new_runs(fit.points, law.dispersion, mean.estimate, means, seed=seed)
        ratios = at[0] / largest
        predictions.append(
            JointPrediction(
                sizes=(float(pair[0]), float(pair[1])),
                mean=mean,
                new_run=new_run,
                extrapolation=(float(ratios[0]), float(ratios[1])),
            )
        )
    return predictions


def _evaluate_at(draws: JointDraws, at: Float[np.ndarray, "1 2"]) -> Float[np.ndarray, " draws"]:
    return draws.evaluate(at)[:, 0]

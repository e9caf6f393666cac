"""Dispersion of the means about a law: that of the replicates, or a larger one that explains the misfit.

Runs of one width that share an order of minibatches may be alike. Their own spread then understates how far
their mean lies from the means of other orders. Two statistics can replace the spread of the runs: the
difference between the orders of one width (``Points.replicate_dispersion``) and, with a single order, the
residuals of the means about the law. Either statistic replaces the spread of the runs
if an F test at 25 % rejects their equality, and has its own, few degrees of freedom.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.fit.data.points import DOUBTED_P, Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion, DispersionSource


def dispersion_about(points: Points, curve: Float[np.ndarray, " widths"], residual_dof: int) -> float:
    """Return the dispersion of the means about a curve.

    If the curve is right and the runs are independent, the expected value is the dispersion of the runs.

    Args:
        points: the runs.
        curve: value of the curve at each width.
        residual_dof: number of widths minus number of fitted parameters, at least 1.
    """
    residuals = points.weights * (points.means - curve) ** 2 / points.variance_model.variance(curve)
    return float(residuals.sum() / residual_dof)


def law_dispersion(
    points: Points, curve: Float[np.ndarray, " widths"], n_parameters: int
) -> Dispersion | None:
    """Return the dispersion of the means for a fitted law; None without replicates and residual dof.

    Args:
        points: the runs.
        curve: value of the fitted law at each width.
        n_parameters: number of fitted parameters of the law.
    """
    replicates, residual_dof = points.replicate_dispersion, len(points.widths) - n_parameters
    # With resampled images or known standard deviations, the residuals are not used.
    if residual_dof < 1 or (
        replicates and (points.misclassified is not None or points.known_std is not None)
    ):
        return replicates
    about = dispersion_about(points, curve, residual_dof)
    if replicates is None:
        return Dispersion(value=about, dof=residual_dof, source=DispersionSource.CURVE)
    largest_by_chance = replicates.value * fdtri(residual_dof, replicates.dof, 1 - DOUBTED_P)
    if replicates.value < ZERO_DISPERSION or about <= largest_by_chance:
        return replicates
    return Dispersion(
        value=about,
        dof=residual_dof,
        source=DispersionSource.CURVE,
        inflation=float(replicates.inflation * np.sqrt(about / replicates.value)),
    )

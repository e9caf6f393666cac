"""Dispersion of the means about a law: that of the replicates, or a larger one that explains the misfit.

Runs of one width that share an order of minibatches may be alike. Their own spread then understates how far
their mean lies from the means of other orders. Two statistics can replace the spread of the runs: the
difference between the orders of one width (``Points.replicate_dispersion``) and, with a single order, the
residuals of the means about the law. Either statistic replaces the spread of the runs
if an F test at 25 % rejects their equality, and has its own, few degrees of freedom.

Without replicates, tests between forms need a dispersion that does not depend on the tested form: a law that
is judged by its own residuals fits always. A smooth curve, a polynomial of the logarithms, gives it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Polynomial
from scipy.special import fdtri

from scaling.fit.data.points import DOUBTED_P, Points
from scaling.fit.data.shared_seeds import has_shared_seeds
from scaling.fit.data.smooth_curve import MIN_WIDTHS_FOR_SMOOTH, smooth_degree, smooth_terms
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


def form_free_dispersion(points: Points) -> Dispersion | None:
    """Return the dispersion of the means without a law: that of the replicates, or about a smooth curve.

    Args:
        points: the runs.
    """
    return points.replicate_dispersion or smooth_dispersion(points)


def smooth_dispersion(points: Points) -> Dispersion | None:
    """Return the dispersion of the means about a smooth curve; None below eight widths, or with a mean of 0.

    The curve is a polynomial of log y in log x (``scaling.fit.data.smooth_curve``). With two sizes, it is a
    cubic in both logarithms.

    Args:
        points: the runs.
    """
    n_widths = len(points.widths)
    if points.log_sizes.shape[1] > 1:
        return _surface_dispersion(points)
    if n_widths < MIN_WIDTHS_FOR_SMOOTH or not points.means.all():
        return None
    degree = smooth_degree(n_widths)
    curve = np.exp(fit_log_polynomial(points, degree)(np.log(points.widths)))
    dof = n_widths - degree - 1
    return Dispersion(value=dispersion_about(points, curve, dof), dof=dof, source=DispersionSource.CURVE)


def _surface_dispersion(points: Points) -> Dispersion | None:
    """Return the dispersion of the means about a cubic surface in the logarithms of two sizes.

    It is None with fewer than six residual degrees of freedom, a rank deficiency, or a mean of 0.
    """
    design = smooth_terms(points.log_sizes, len(points.widths))
    if design is None or not points.means.all():
        return None
    dof, log_y = len(points.widths) - design.shape[1], np.log(points.means)
    precision = points.means * np.sqrt(points.weights / points.variance_model.variance(points.means))
    scaled = design * precision[:, None]
    coefficients, _, rank, _ = np.linalg.lstsq(scaled / np.linalg.norm(scaled, axis=0), precision * log_y)
    if rank < design.shape[1]:
        return None
    curve = np.exp(design @ (coefficients / np.linalg.norm(scaled, axis=0)))
    return Dispersion(value=dispersion_about(points, curve, dof), dof=dof, source=DispersionSource.CURVE)


def fit_log_polynomial(points: Points, degree: int) -> Polynomial:
    """Fit a polynomial of log y in log x to the means, weighted by their inverse variances.

    Args:
        points: the runs; no mean is 0.
        degree: degree of the polynomial, below the number of widths.
    """
    std = np.sqrt(points.variance_model.variance(points.means) / points.weights) / points.means
    return Polynomial.fit(np.log(points.widths), np.log(points.means), degree, w=1 / std)


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
        if replicates.source is DispersionSource.RUNS and has_shared_seeds(points):
            n_seeds = int(points.counts.min())
            return Dispersion(value=replicates.value, dof=n_seeds - 1, source=DispersionSource.SEEDS)
        return replicates
    return Dispersion(
        value=about,
        dof=residual_dof,
        source=DispersionSource.CURVE,
        inflation=float(replicates.inflation * np.sqrt(about / replicates.value)),
    )

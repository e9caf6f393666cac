"""Hoffmann's estimator of a joint law: Huber's loss of the logarithms, minimised by L-BFGS.

Source: Hoffmann, Borgeaud, Mensch et al., Training compute-optimal large language models (2022), arXiv
2203.15556, equation 3, with delta = 1e-3.

Set here: the loss is divided by delta^2. The tolerance of SciPy's L-BFGS-B is absolute for losses below 1,
so that the search would end too early otherwise. The starts are those of the quasi-likelihood in place of
4,500 fixed ones.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import huber

from scaling.fit.forms import MAX_EXPONENT

DELTA = 1e-3
"""Residual of a logarithm above which the loss is linear."""
_MAX_LOG = 200.0
"""Logarithms of amplitudes and floor are searched between minus and plus this value."""
_MAX_ITERATIONS = 2000
_TOLERANCE = 1e-11


def fit_by_huber_loss(
    x: Float[np.ndarray, "cells 2"],
    means: Float[np.ndarray, " cells"],
    weights: Float[np.ndarray, " cells"],
    starts: Float[np.ndarray, "starts 5"],
) -> Float[np.ndarray, " 5"]:
    """Minimise the weighted sum of Huber's loss of log(law / mean).

    Args:
        x: both sizes of each cell, near 1.
        means: means, above 0.
        weights: weight of each mean; 0 excludes the cell.
        starts: parameters of ``JOINT`` from which the search starts.

    Returns:
        The best parameters of ``JOINT``.
    """
    used = weights > 0
    (log_n, log_d), log_y, relative = np.log(x[used]).T, np.log(means[used]), weights[used] / weights.max()

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        log_a, alpha, log_b, beta, log_e = theta
        terms = np.empty((3, len(log_y)))
        terms[0], terms[1], terms[2] = log_a - alpha * log_n, log_b - beta * log_d, log_e
        log_law = np.logaddexp.reduce(terms)
        residuals = log_law - log_y
        slope = relative * np.clip(residuals, -DELTA, DELTA) / DELTA**2
        shares = slope * np.exp(terms - log_law)
        by_a, by_b, by_e = shares.sum(axis=1)
        gradient = np.array([by_a, -(shares[0] @ log_n), by_b, -(shares[1] @ log_d), by_e])
        return float(relative @ huber(DELTA, residuals)) / DELTA**2, gradient

    log, exponent = (-_MAX_LOG, _MAX_LOG), (-MAX_EXPONENT, MAX_EXPONENT)
    options = {"maxiter": _MAX_ITERATIONS, "maxfun": 10 * _MAX_ITERATIONS, "ftol": _TOLERANCE, "gtol": 1e-7}
    minima = [
        minimize(
            loss,
            _to_logs(start),
            jac=True,
            method="L-BFGS-B",
            bounds=(log, exponent, log, exponent, log),
            options=options,
        )
        for start in starts
    ]
    log_a, alpha, log_b, beta, log_e = min(minima, key=lambda minimum: minimum.fun).x
    return np.array([np.exp(log_a), alpha, np.exp(log_b), beta, np.exp(log_e)])


def _to_logs(start: Float[np.ndarray, " 5"]) -> Float[np.ndarray, " 5"]:
    a, alpha, b, beta, floor = start
    level = max(a, b)
    return np.array([np.log(a), alpha, np.log(b), beta, np.log(max(floor, 1e-3 * level))])

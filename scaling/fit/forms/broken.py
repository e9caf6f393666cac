"""A x^-rho (1 + (x/B)^(1/s))^(-(rho' - rho) s): a power law with one smooth bend.

Source: Caballero, Gupta, Rish & Krueger, Broken neural scaling laws (2023), arXiv 2210.14891, with one
break and without a floor.
Legend: A is ``amplitude``, rho is the ``exponent`` below the bend, rho' is the exponent ``beyond`` it, B is
the position of the ``bend``.

Set here: s is the smoothness of the form, by default 0.25, so that 90 % of the bend happens within a factor
of about 4 in x. A study of ten widths cannot tell how sharp a bend is.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit

from scaling.fit.forms.base import MAX_EXPONENT, FloatArray, NonlinearForm

_SMOOTHNESS = 0.25
_MAX_LOG_SIZE = 60.0
"""Sizes between exp(-60) and exp(60) are searched by ``inverse``."""
_BISECTIONS = 80


class BrokenForm(NonlinearForm):
    """Two power laws that meet in a bend.

    Args:
        smoothness: s in the formula; the bend is the wider in log x, the larger it is.
    """

    name = "broken"
    parameters = ("amplitude", "exponent", "beyond", "bend")
    formula = "A x^-rho, x^-rho' beyond B"
    log_parameters = ("amplitude", "bend")
    search_bounds: ClassVar = {
        "exponent": (-MAX_EXPONENT, MAX_EXPONENT),
        "beyond": (-MAX_EXPONENT, MAX_EXPONENT),
    }

    def __init__(self, smoothness: float = _SMOOTHNESS) -> None:
        self.smoothness = smoothness

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, exponent, beyond, bend = np.moveaxis(parameters, -1, 0)
        log_x = np.log(x)
        return np.asarray(
            amplitude
            * np.exp(-exponent * log_x - (beyond - exponent) * self._log_distance(log_x - np.log(bend)))
        )

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, exponent, beyond, bend = np.moveaxis(parameters, -1, 0)
        log_x, log_ratio = np.log(x), np.log(x) - np.log(bend)
        distance = self._log_distance(log_ratio)
        relative = (
            1 / amplitude,
            distance - log_x,
            -distance,
            (beyond - exponent) * expit(log_ratio / self.smoothness) / bend,
        )
        return np.stack(np.broadcast_arrays(*relative), axis=-1) * self.evaluate(parameters, x)[..., None]

    def inverse(self, parameters: FloatArray, value: float) -> FloatArray:
        low, high = (np.full(parameters.shape[:-1], end) for end in (-_MAX_LOG_SIZE, _MAX_LOG_SIZE))
        starts_above, ends_above = (self.evaluate(parameters, np.exp(end)) > value for end in (low, high))
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            is_above = self.evaluate(parameters, np.exp(middle)) > value
            low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        return np.where(ends_above, np.inf, np.where(starts_above, np.exp((low + high) / 2), 0.0))

    def starting_points(
        self, x: FloatArray, means: FloatArray, weights: FloatArray, floor_fit: FloatArray
    ) -> FloatArray:
        return np.stack([_two_lines(x, means, weights, bend) for bend in np.sqrt(x[1:-2] * x[2:-1])])

    def _log_distance(self, log_ratio: FloatArray) -> FloatArray:
        """Return the smoothed log distance beyond the bend: 0 well below it, log(x / B) well above."""
        return np.asarray(self.smoothness * np.logaddexp(0, log_ratio / self.smoothness))


def _two_lines(x: FloatArray, means: FloatArray, weights: FloatArray, bend: float) -> FloatArray:
    """Return the least-squares fit of two straight lines in logarithms that meet at a bend: [rows, 4]."""
    log_x = np.log(x)
    beyond = np.maximum(log_x - np.log(bend), 0)
    design = np.stack([np.ones_like(log_x), beyond - log_x, -beyond], axis=1)  # log A, rho, rho'
    root_weights = np.sqrt(weights)
    log_means = np.log(np.maximum(means, means[means > 0].min() / 2))
    lines = np.linalg.pinv(root_weights[:, :, None] * design) @ (root_weights * log_means)[:, :, None]
    return np.concatenate([np.exp(lines[:, :1, 0]), lines[:, 1:, 0], np.full((len(means), 1), bend)], axis=1)

"""A power law with one smooth bend: A x^-rho (1 + (x/B)^(1/s))^(-(rho' - rho) s).

Source: Caballero, Gupta, Rish & Krueger, Broken neural scaling laws (2023), arXiv 2210.14891, with one break and without a floor.
Legend: A is ``amplitude``, rho ``exponent`` on the near side of the bend, rho' ``beyond`` it, B its place, ``bend``.

Set here: s = 0.25, so that nine tenths of the bend take a factor of about 4 in x. A study of ten widths can't tell how sharp a bend is.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from scaling.fit.forms.base import FloatArray, Form

SHARPNESS = 0.25
FURTHEST = 60.0
"""Sizes from exp(-60) to exp(60) are looked at."""
HALVINGS = 80


class BrokenForm(Form):
    """Two power laws that meet in a bend."""

    name = "broken"
    parameters = ("amplitude", "exponent", "beyond", "bend")
    formula = "A x^-rho, x^-rho' beyond B"
    positive = ("amplitude", "bend")

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, exponent, beyond, bend = np.moveaxis(parameters, -1, 0)
        place = np.log(x)
        return np.asarray(
            amplitude * np.exp(-exponent * place - (beyond - exponent) * _past(place - np.log(bend)))
        )

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, exponent, beyond, bend = np.moveaxis(parameters, -1, 0)
        place, away = np.log(x), np.log(x) - np.log(bend)
        past = _past(away)
        moves = (1 / amplitude, past - place, -past, (beyond - exponent) * expit(away / SHARPNESS) / bend)
        return np.stack(np.broadcast_arrays(*moves), axis=-1) * self.evaluate(parameters, x)[..., None]

    def size(self, parameters: FloatArray, value: float) -> FloatArray:
        low, high = (np.full(parameters.shape[:-1], end) for end in (-FURTHEST, FURTHEST))
        ends = (self.evaluate(parameters, np.exp(end)) for end in (low, high))
        above, below = (curve > value for curve in ends)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            still = self.evaluate(parameters, np.exp(middle)) > value
            low, high = np.where(still, middle, low), np.where(still, high, middle)
        return np.where(below, np.inf, np.where(above, np.exp((low + high) / 2), 0.0))


def _past(away: FloatArray) -> FloatArray:
    """How far beyond the bend, smoothly: 0 well before it, the logarithm of the distance well after."""
    return np.asarray(SHARPNESS * np.logaddexp(0, away / SHARPNESS))

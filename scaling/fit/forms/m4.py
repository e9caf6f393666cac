"""M4: (y - E) / (C - y)^alpha = A x^-rho, a curve that leaves a plateau C, falls as a power law and ends at a floor E.

Source: Alabdulmohsin, Neyshabur & Zhai, Revisiting neural scaling laws in language and vision (2022), arXiv 2209.06640.
Legend: A is ``amplitude``, rho ``exponent``, E ``floor``, C ``ceiling``, alpha ``turn``. With alpha = 0 it is the power law above a floor.

Set here: C is fitted as well; a study that never leaves the power law can't tell it, and says so by its intervals.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from scaling.fit.forms.base import FloatArray, Form

STEPS, CLOSE = 100, 1e-13
HIGHEST = 500.0
"""Odds at which the curve is its ceiling in doubles; with alpha = 0 there may be no solution below."""


class M4Form(Form):
    """Between a plateau and a floor."""

    name = "m4"
    parameters = ("amplitude", "exponent", "floor", "ceiling", "turn")
    formula = "(y - E) / (C - y)^alpha = A x^-rho"
    positive = ("amplitude", "ceiling")

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        floor, ceiling = parameters[..., 2], parameters[..., 3]
        return np.asarray(floor + (ceiling - floor) * expit(_odds(parameters, x)))

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, _, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
        odds = _odds(parameters, x)
        above, under = (ceiling - floor) * expit(odds), (ceiling - floor) * expit(-odds)
        # Of log(y - E) - alpha log(C - y) = log A - rho log x, by the implicit function theorem.
        moves = (1 / amplitude, -np.log(x), 1 / above, turn / under, np.log(under))
        return np.asarray(
            np.stack(np.broadcast_arrays(*moves), axis=-1) / (1 / above + turn / under)[..., None]
        )

    def size(self, parameters: FloatArray, value: float) -> FloatArray:
        amplitude, exponent, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
        falls = (exponent > 0) & (value > floor) & (value < ceiling)
        above, under = np.where(falls, value - floor, 1.0), np.where(falls, ceiling - value, 1.0)
        with np.errstate(over="ignore"):
            found = np.exp(
                (np.log(amplitude) + turn * np.log(under) - np.log(above)) / np.where(falls, exponent, 1.0)
            )
        return np.where(falls, found, np.where(value >= ceiling, 0.0, np.inf))


def _odds(parameters: FloatArray, x: FloatArray) -> FloatArray:
    """log((y - E) / (C - y)), by Newton's method from where the curve would be far below its ceiling.

    The equation's left side bends one way alone, downwards for alpha below 1 and upwards above, and the start lies on the side from which
    Newton's steps never pass the solution.
    """
    amplitude, exponent, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
    scale = np.log(ceiling - floor)
    target = np.log(amplitude) - exponent * np.log(x) - (1 - turn) * scale
    odds = target
    for _ in range(STEPS):
        # log of the share above the floor is -log(1 + e^-odds), of that under the ceiling -log(1 + e^odds)
        missed = -np.logaddexp(0, -odds) + turn * np.logaddexp(0, odds) - target
        step = missed / (expit(-odds) + turn * expit(odds))
        odds = np.minimum(odds - step, HIGHEST)
        if np.abs(step).max(initial=0.0) < CLOSE * max(1.0, np.abs(odds).max(initial=0.0)):
            break
    return np.asarray(odds)

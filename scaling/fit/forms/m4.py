"""(y - E) / (C - y)^alpha = A x^-rho, called M4: a power law between a plateau C and a floor E.

Source: Alabdulmohsin, Neyshabur & Zhai, Revisiting neural scaling laws in language and vision (2022), arXiv
2209.06640.
Legend: A is ``amplitude``, rho is ``exponent``, E is ``floor``, C is ``ceiling``, alpha is ``turn``. With
alpha = 0, M4 is the power law with a floor.

Set here: C is fitted as well. A study without a plateau does not determine C, and its intervals show this.
"""

from __future__ import annotations

from itertools import product
from typing import ClassVar

import numpy as np
from scipy.special import expit

from scaling.fit.forms.base import MAX_EXPONENT, FloatArray, NonlinearForm

_NEWTON_STEPS, _NEWTON_TOLERANCE = 100, 1e-13
_MAX_LOGIT = 500.0
"""Logit at which the curve equals its ceiling in double precision; with alpha = 0, a solution may not exist
below."""
_START_TURNS = (0.1, 1.0)
_START_CEILINGS = (1.1, 2.0)
"""Ceilings at which the search starts, relative to the largest mean."""
_MAX_CEILING = 1000.0
"""Highest ceiling of the search, relative to the largest mean; higher ceilings give the same curve."""


class M4Form(NonlinearForm):
    """A power law between a plateau and a floor."""

    name = "m4"
    parameters = ("amplitude", "exponent", "floor", "ceiling", "turn")
    formula = "(y - E) / (C - y)^alpha = A x^-rho"
    log_parameters = ("amplitude", "ceiling")
    lower_bounds: ClassVar = {"floor": 0.0, "turn": 0.0}
    search_bounds: ClassVar = {
        "exponent": (-MAX_EXPONENT, MAX_EXPONENT),
        "floor": (0.0, np.inf),
        "turn": (1e-3, 10.0),
    }

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        floor, ceiling = parameters[..., 2], parameters[..., 3]
        return np.asarray(floor + (ceiling - floor) * expit(_logit(parameters, x)))

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        amplitude, _, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
        logit = _logit(parameters, x)
        above_floor, below_ceiling = (ceiling - floor) * expit(logit), (ceiling - floor) * expit(-logit)
        # Derivatives of log(y - E) - alpha log(C - y) = log A - rho log x, by the implicit function theorem.
        partials = (1 / amplitude, -np.log(x), 1 / above_floor, turn / below_ceiling, np.log(below_ceiling))
        by_y = 1 / above_floor + turn / below_ceiling
        return np.asarray(np.stack(np.broadcast_arrays(*partials), axis=-1) / by_y[..., None])

    def inverse(self, parameters: FloatArray, value: float) -> FloatArray:
        amplitude, exponent, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
        falls = (exponent > 0) & (value > floor) & (value < ceiling)
        above_floor = np.where(falls, value - floor, 1.0)
        below_ceiling = np.where(falls, ceiling - value, 1.0)
        with np.errstate(over="ignore"):
            size = np.exp(
                (np.log(amplitude) + turn * np.log(below_ceiling) - np.log(above_floor))
                / np.where(falls, exponent, 1.0)
            )
        return np.where(falls, size, np.where(value >= ceiling, 0.0, np.inf))

    def internal_bounds(self, means: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = super().internal_bounds(means)
        high[self.parameters.index("ceiling")] = np.log(_MAX_CEILING * means.max())
        return low, high

    def starting_points(
        self, x: FloatArray, means: FloatArray, weights: FloatArray, floor_fit: FloatArray
    ) -> FloatArray:
        amplitude, exponent, floor = floor_fit.T
        largest = means.max(axis=1)
        starts = []
        for turn, ratio in product(_START_TURNS, _START_CEILINGS):
            ceiling = ratio * largest
            start_amplitude = amplitude * (ceiling - floor) ** -turn
            starts.append(
                np.stack([start_amplitude, exponent, floor, ceiling, np.full_like(ceiling, turn)], axis=1)
            )
        return np.stack(starts)


def _logit(parameters: FloatArray, x: FloatArray) -> FloatArray:
    """Return log((y - E) / (C - y)), by Newton's method.

    The left side of the equation is concave for alpha below 1 and convex above. The iteration starts at the
    value of a curve far below its ceiling, on the side from which Newton's steps never pass the solution.
    """
    amplitude, exponent, floor, ceiling, turn = np.moveaxis(parameters, -1, 0)
    target = np.log(amplitude) - exponent * np.log(x) - (1 - turn) * np.log(ceiling - floor)
    logit = target
    for _ in range(_NEWTON_STEPS):
        # log((y - E) / (C - E)) is -log(1 + e^-logit), and log((C - y) / (C - E)) is -log(1 + e^logit)
        residual = -np.logaddexp(0, -logit) + turn * np.logaddexp(0, logit) - target
        step = residual / (expit(-logit) + turn * expit(logit))
        logit = np.minimum(logit - step, _MAX_LOGIT)
        if np.abs(step).max(initial=0.0) < _NEWTON_TOLERANCE * max(1.0, np.abs(logit).max(initial=0.0)):
            break
    return np.asarray(logit)

"""Bends that flatten a curve as a floor does: how far a law with a floor predicts the same as they do.

A curve that flattens can end at a floor, or fall on with a smaller exponent. Within the measured sizes the
data rarely tell the two apart: some bend fits nearly every curve with a floor, and a floor fits many curves
with a bend. Beyond the widest size the two part. So they are compared by what they predict there, and not by
which of them fits better.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.diagnosis.misfit import misfit_p
from scaling.fit.estimation.quasi_likelihood import maximise
from scaling.fit.form_choice import BEND_TOLERANCE, FAR, MISFIT_P, PossibleBend
from scaling.fit.forms import BROKEN_FORMS, NonlinearForm
from scaling.fit.result import Law

_MAX_FACTOR = 100.0
"""Largest ratio to the widest size at which the laws are compared."""
_FACTORS = np.geomspace(1, _MAX_FACTOR, 401)
"""Ratios to the widest size, 1.2 % apart; ``FAR`` is one of them."""


def find_possible_bend(points: Points, floor: Law, noise: Dispersion) -> PossibleBend | None:
    """Return the bend that fits the means and soonest predicts other means than a law with a floor does.

    Args:
        points: the runs.
        floor: law with a floor of these runs.
        noise: dispersion of the means without a form.

    Returns:
        The bend; None if no bend from a larger to a smaller exponent, at least 0, fits.
    """
    bends = [_fit_bend(points, floor, noise, form) for form in BROKEN_FORMS]
    return min((bend for bend in bends if bend), key=lambda bend: bend.agrees_to, default=None)


def _fit_bend(points: Points, floor: Law, noise: Dispersion, form: NonlinearForm) -> PossibleBend | None:
    widths = points.widths
    if len(widths) <= len(form.parameters):
        return None
    (estimate,) = maximise(form, points, points.means[None], points.weights[None])
    _, exponent, beyond, bend = estimate
    fits_p = misfit_p(points, form.evaluate(estimate, widths), noise, n_parameters=len(estimate))
    flattens = 0 <= beyond < exponent and widths[0] < bend < widths[-1]
    if fits_p is None or fits_p <= MISFIT_P or not flattens:
        return None
    by_floor, by_bend = (
        curve(widths[-1] * _FACTORS) for curve in (floor.predict, partial(form.evaluate, estimate))
    )
    differs = np.abs(np.log(by_bend / by_floor)) > np.log1p(BEND_TOLERANCE)
    first = int(differs.argmax()) if differs.any() else len(_FACTORS)
    far = int(np.abs(_FACTORS - FAR).argmin())
    return PossibleBend(
        form=form,
        parameters=estimate,
        fits_p=fits_p,
        agrees_to=float(_FACTORS[max(first - 1, 0)]),
        far_means=(float(by_floor[far]), float(by_bend[far])),
    )

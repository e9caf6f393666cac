"""How far to trust a law, and what to know of its points: computed, each time with its reasons."""

from __future__ import annotations

from math import sqrt

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.fit.data.dispersion import dispersion_about
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.diagnosis.sensitivity import compute_leverage, is_identifiable
from scaling.fit.forms import MAX_EXPONENT, Form
from scaling.fit.interval import Interval
from scaling.fit.result import MISFIT_P, Status

WIDTHS, MIN_SPAN, SEEDS = 6, 10.0, 4
"""Fewer widths, a smaller factor between the ends, or fewer runs a width than these ask for a look."""
LEVERAGE = 0.99
"""A curve that follows one width's mean by more than this is not tested there."""


def assess(
    form: Form, points: Points, estimate: Float[np.ndarray, " p"], parameters: dict[str, Interval]
) -> tuple[Status, str]:
    """The status of a law, and why; the reason is empty for a usable one."""
    widths, span, seeds = len(points.widths), points.widths[-1] / points.widths[0], points.counts.min()
    exponent = parameters["exponent"]
    if widths < len(form.parameters) + 1:
        return Status.REJECTED, f"{widths} widths for {len(form.parameters)} parameters: any data would fit"
    reasons = []
    if widths < WIDTHS:
        reasons.append(f"fewer than {WIDTHS} widths")
    if span < MIN_SPAN:
        reasons.append(f"{points.x_name} spans a factor of {span:.3g}, less than {MIN_SPAN:g}")
    if seeds < SEEDS and points.known_std is None:
        reasons.append(f"fewer than {SEEDS} runs at a width")
    if exponent.low <= 0 <= exponent.high:
        reasons.append("the exponent's interval holds 0")
    if exponent.low <= -MAX_EXPONENT or exponent.high >= MAX_EXPONENT:
        reasons.append(f"the exponent's interval reaches the end of the search, {MAX_EXPONENT:g}")
    if form.has_floor and parameters["floor"].low <= 0:
        reasons.append("the floor's interval reaches its bound, 0")
    if exponent.high < 0:
        reasons.append(f"{points.y_name} rises")
    if not is_identifiable(form, points, estimate):
        reasons.append("the likelihood is flat along some mix of the parameters")
    else:
        reasons += [
            f"the curve at {points.x_name} {x:g} rests on that width alone"
            for x, share in zip(points.widths, compute_leverage(form, points, estimate), strict=True)
            if share > LEVERAGE
        ]
    return (
        Status.CAUTION if reasons + (missed := _missed(form, points, estimate)) else Status.USABLE
    ), "; ".join(reasons + missed)


def _missed(form: Form, points: Points, estimate: Float[np.ndarray, " p"]) -> list[str]:
    """How far the means lie from the curve, where that is odd."""
    known, spare = points.replicate_dispersion, len(points.widths) - len(form.parameters)
    if known is None:
        return []
    if known.value < ZERO_DISPERSION:
        return ["the runs of each width are equal, as copies are"]
    far = dispersion_about(points, form.evaluate(estimate, points.widths), spare) / known.value
    told = "standard deviations" if points.known_std is not None else "seeds"
    rare = far > fdtri(spare, known.dof, 1 - MISFIT_P)
    return (
        [f"the means lie {sqrt(far):.2g} times as far from the curve as their {told} explain"] if rare else []
    )


def describe_points(points: Points) -> list[str]:
    """How such points are fitted, where that isn't plain; each a sentence."""
    found = []
    if points.known_std is not None:
        found.append(f"The standard deviations of {points.y_name} are taken as they are stated.")
    elif points.test_images is None:
        found.append(
            f"Bare values of {points.y_name}: their scatter is taken as log-normal, a constant share of their mean."
        )
    single = int((points.counts == 1).sum())
    if points.run_dispersion is None:
        found.append(
            "No width has two runs that tell their scatter: the intervals rest on how the means lie about each law."
        )
    elif single and points.known_std is None:
        found.append(f"Widths with one run: {single}; their scatter is taken from the widths with more.")
    if not points.means.all():
        none = ", ".join(f"{x:g}" for x in points.widths[points.means == 0])
        found.append(
            f"No run made an error at {points.x_name} {none}: fitted, but left out of logarithms, and nothing is held out."
        )
    return found

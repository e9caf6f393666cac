"""How far to trust a law, and what to know of its points: computed, each time with its reasons."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from scaling.fit.forms import Form
from scaling.fit.noise import COPIES, dispersion, dispersion_about, freedom
from scaling.fit.points import Points
from scaling.fit.result import Interval, Status
from scaling.fit.solve import STEEPEST

WIDTHS, SPAN, SEEDS = 6, 10.0, 4
"""Fewer widths, a smaller factor between the ends, or fewer runs a width than these ask for a look."""
MISFIT = 0.01
"""A form that would lie so far from the means by chance this rarely asks for a look."""


def judge(form: Form, points: Points, curve: NDArray[np.float64], parameters: dict[str, Interval]) -> tuple[Status, str]:
    """The status of a law, and why; the reason is empty for a usable one."""
    widths, span, seeds = len(points.widths), points.widths[-1] / points.widths[0], points.counts.min()
    exponent = parameters["exponent"]
    if widths < len(form.parameters) + 1:
        return Status.REFUSE, f"{widths} widths for {len(form.parameters)} parameters: any data would fit"
    reasons = []
    if widths < WIDTHS:
        reasons.append(f"fewer than {WIDTHS} widths")
    if span < SPAN:
        reasons.append(f"{points.x_name} spans a factor of {span:.3g}, less than {SPAN:g}")
    if seeds < SEEDS:
        reasons.append(f"fewer than {SEEDS} runs at a width")
    if exponent.low <= 0 <= exponent.high:
        reasons.append("the exponent's interval holds 0")
    if exponent.low <= -STEEPEST or exponent.high >= STEEPEST:
        reasons.append(f"the exponent's interval reaches the end of the search, {STEEPEST:g}")
    if form.floored and parameters["floor"].low <= 0:
        reasons.append("the floor's interval reaches its bound, 0")
    if exponent.high < 0:
        reasons.append(f"{points.y_name} rises")
    scatter, spare = dispersion(points), widths - len(form.parameters)
    if scatter is not None and scatter < COPIES:
        reasons.append("the runs of each width are equal, as copies are")
    elif scatter is not None:
        far = dispersion_about(points, curve, spare) / scatter
        if far > fdtri(spare, freedom(points), 1 - MISFIT):
            reasons.append(f"the means lie {sqrt(far):.2g} times as far from the curve as their seeds explain")
    return (Status.LOOK if reasons else Status.USABLE), "; ".join(reasons)


def remarks(points: Points) -> list[str]:
    """How such points are fitted, where that isn't plain; each a sentence."""
    found = []
    if points.trials is None:
        found.append(f"Bare values of {points.y_name}: their scatter is taken as proportional to their mean.")
    single = int((points.counts == 1).sum())
    if dispersion(points) is None:
        found.append("No width has two runs that tell their scatter: the intervals rest on how the means lie about each law.")
    elif single:
        found.append(f"Widths with one run: {single}; their scatter is taken from the widths with more.")
    if not points.means.all():
        none = ", ".join(f"{x:g}" for x in points.widths[points.means == 0])
        found.append(f"No run made an error at {points.x_name} {none}: fitted, but left out of logarithms, and nothing is held out.")
    return found

"""Status of a law: usable, caution or rejected, with the reasons; and notes on how the points are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.fit.data.dispersion import dispersion_about, form_free_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion, DispersionSource
from scaling.fit.diagnosis.sensitivity import compute_leverage, is_identifiable
from scaling.fit.form_choice import MISFIT_P
from scaling.fit.forms import MAX_EXPONENT, Form
from scaling.fit.interval import Interval
from scaling.fit.result import Status

MIN_WIDTHS = 6
"""Number of widths below which a law is used with caution."""
MIN_SPAN = 10.0
"""Ratio of the widest to the narrowest width below which a law is used with caution."""
MIN_SEEDS = 4
"""Number of runs at a width below which a law is used with caution."""

_SHOWN_INFLATION = 1.05
"""Inflation of the scatter from which a note states it: a smaller one is 1 in two digits."""
_MAX_LEVERAGE = 0.99
"""Leverage above which the curve follows the mean of one width, so this width says nothing about the fit."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Status of a result, with its reason."""

    status: Status
    reason: str
    """Reasons why the result is not usable without caution; empty if it is."""

    @classmethod
    def from_reasons(cls, reasons: Sequence[str]) -> Assessment:
        """Return caution for these reasons, or usable if there are none."""
        return cls(status=Status.CAUTION if reasons else Status.USABLE, reason="; ".join(reasons))

    @classmethod
    def rejected(cls, reason: str) -> Assessment:
        """Return rejected for this reason."""
        return cls(status=Status.REJECTED, reason=reason)


def assess(
    form: Form,
    points: Points,
    *,
    estimate: Float[np.ndarray, " p"],
    parameters: dict[str, Interval],
) -> Assessment:
    """Assess the law that was fitted to some points.

    Args:
        form: the fitted form.
        points: the runs.
        estimate: estimated parameters, in the order of the form.
        parameters: the same parameters by name, with their intervals.
    """
    n_widths, n_parameters = len(points.widths), len(form.parameters)
    if n_widths < n_parameters + 1:
        return Assessment.rejected(f"{n_widths} widths for {n_parameters} parameters: any data would fit")
    return Assessment.from_reasons(
        [
            *_design_reasons(points),
            *_parameter_reasons(form, points, parameters),
            *_leverage_reasons(form, points, estimate),
            *misfit_reasons(
                points, form.evaluate(estimate, points.widths), n_parameters=n_parameters, name="curve"
            ),
        ]
    )


def assess_runs(runs: int, reasons: Sequence[str] = (), *, has_seeds: bool = True) -> Assessment:
    """Assess a mean over runs of one network, which differ in their seeds.

    Args:
        runs: number of runs.
        reasons: further reasons for caution, if there are several runs.
        has_seeds: False for an architecture without random numbers, which has one run.
    """
    if runs == 1:
        hint = "train more seeds" if has_seeds else "there is one, because the fit uses no random numbers"
        return Assessment.rejected(f"a single run has no interval; {hint}")
    return Assessment.from_reasons(
        [*([f"fewer than {MIN_SEEDS} runs"] if runs < MIN_SEEDS else []), *reasons]
    )


def misfit_reasons(
    points: Points, curve: Float[np.ndarray, " widths"], *, n_parameters: int, name: str, x: str = "width"
) -> list[str]:
    """Return the reason to doubt a curve from which the means lie too far, if any.

    Args:
        points: the runs.
        curve: value of the curve at each width.
        n_parameters: number of fitted parameters, below the number of widths.
        name: name of the curve in the reason.
        x: name of one size in the reason.
    """
    dispersion, residual_dof = form_free_dispersion(points), len(points.widths) - n_parameters
    has_replicates = points.replicate_dispersion is not None
    if dispersion is None or not (has_replicates or residual_dof > dispersion.dof):
        return []
    if dispersion.value < ZERO_DISPERSION:
        return [f"the runs of each {x} are equal, as if they were copies"] if has_replicates else []
    ratio = dispersion_about(points, curve, residual_dof) / dispersion.value
    if ratio <= fdtri(residual_dof, dispersion.dof, 1 - MISFIT_P):
        return []
    explained = "as from a smooth curve"
    if has_replicates:
        spread = "standard deviations" if points.known_std is not None else "seeds"
        explained = f"as their {spread} explain"
    return [f"the means lie {_factor(sqrt(ratio))} times as far from the {name} {explained}"]


def describe_points(points: Points, *, x: str = "width") -> list[str]:
    """Return notes on how the points are fitted, if they are not plain error counts with replicates.

    Args:
        points: the runs.
        x: name of one size in the notes.
    """
    notes = []
    if points.known_std is not None:
        notes.append(f"The standard deviations of {points.y_name} are taken as given.")
    elif points.test_images is None:
        notes.append(
            f"{points.y_name} has bare values, not error counts: the fit assumes log-normal scatter, with a "
            "standard deviation proportional to the mean."
        )
    n_single = int((points.counts == 1).sum())
    if points.run_dispersion is None:
        notes.append(
            f"No {x} has two runs from which to estimate the scatter: the intervals rest on the residuals "
            "of the means about each law."
            + (" Train more seeds for intervals that rest on replicates." if points.has_seeds else "")
        )
    elif n_single and points.known_std is None:
        notes.append(
            f"{x.capitalize()}s with one run: {n_single}; their scatter is estimated from the other {x}s."
        )
    if not points.means.all():
        sizes = ", ".join(
            label for label, mean in zip(points.size_labels, points.means, strict=True) if mean == 0
        )
        lacks = "No run made an error" if points.y_name == "test_error" else f"{points.y_name} is 0"
        notes.append(
            f"{lacks} at {points.x_name} {sizes}: these {x}s are fitted, but they are left "
            f"out of logarithms, and no {x} is held out."
        )
    return notes


def describe_dispersion(name: str, dispersion: Dispersion) -> list[str]:
    """Return a note if the intervals of a curve depend on more than the spread of the runs.

    Args:
        name: name or formula of the curve.
        dispersion: dispersion of the means about it.
    """
    if dispersion.source is DispersionSource.SEEDS:
        return [
            f"{name}: runs of one seed deviate alike at several sizes, so whole seeds are resampled "
            f"({dispersion.dof + 1} seeds or more at each)."
        ]
    if (
        dispersion.source not in (DispersionSource.ORDERS, DispersionSource.CURVE)
        or dispersion.inflation < _SHOWN_INFLATION
    ):
        return []
    degrees = "degree" if dispersion.dof == 1 else "degrees"
    return [
        f"{name}: the means scatter {_factor(dispersion.inflation)} times as far as the spread of their runs "
        f"explains, judged by {dispersion.source} ({dispersion.dof} {degrees} of freedom); the intervals are "
        "widened accordingly."
    ]


def _factor(ratio: float) -> str:
    """Return a ratio in two digits, without an exponent: ``1.7`` or ``170``."""
    return f"{ratio:.2g}" if ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f}"


def _design_reasons(points: Points) -> list[str]:
    """Return the reasons that lie in the number of widths and runs."""
    reasons, span = [], points.widths[-1] / points.widths[0]
    if len(points.widths) < MIN_WIDTHS:
        reasons.append(f"fewer than {MIN_WIDTHS} widths")
    if span < MIN_SPAN:
        reasons.append(f"{points.x_name} spans a factor of {span:.3g}, less than {MIN_SPAN:g}")
    if points.counts.min() < MIN_SEEDS and points.known_std is None:
        reasons.append(f"fewer than {MIN_SEEDS} runs at a width")
    return reasons


def _parameter_reasons(form: Form, points: Points, parameters: dict[str, Interval]) -> list[str]:
    """Return the reasons that lie in the intervals of the parameters."""
    reasons, exponent = [], parameters["exponent"]
    if exponent.low <= 0 <= exponent.high:
        reasons.append("the exponent's interval contains 0")
    if exponent.low <= -MAX_EXPONENT or exponent.high >= MAX_EXPONENT:
        reasons.append(f"the exponent's interval reaches the limit of the search, {MAX_EXPONENT:g}")
    if form.has_floor and parameters["floor"].low <= 0:
        reasons.append("the floor's interval reaches its bound, 0")
    if exponent.high < 0:
        reasons.append(f"{points.y_name} rises")
    return reasons


def _leverage_reasons(form: Form, points: Points, estimate: Float[np.ndarray, " p"]) -> list[str]:
    """Return the reasons that lie in the curvature of the likelihood and the leverage of the widths."""
    if not is_identifiable(form, points, parameters=estimate):
        return ["the likelihood is flat along a combination of the parameters"]
    leverage = compute_leverage(form, points, parameters=estimate)
    return [
        f"the curve at {points.x_name} {x:g} rests on that width alone"
        for x in points.widths[leverage > _MAX_LEVERAGE]
    ]

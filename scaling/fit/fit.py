"""Fits of points and tables: every form side by side, and the verdict between the forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from numpy.typing import NDArray

from scaling.errors import FitError
from scaling.fit.data.costs import cost_curves
from scaling.fit.data.dispersion import form_free_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.table import PointsGroup, group_points
from scaling.fit.diagnosis.caution import add_caution
from scaling.fit.diagnosis.outliers import winsorise
from scaling.fit.diagnosis.selection import include_selection
from scaling.fit.diagnosis.status import assess, describe_dispersion, describe_points
from scaling.fit.diagnosis.verdict import select_form
from scaling.fit.estimation.bootstrap import resample_means
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.estimation.quasi_likelihood import estimate_form
from scaling.fit.form_choice import FormChoice, Verdict
from scaling.fit.forms import FORMS, MAX_EXPONENT, POWER
from scaling.fit.result import Fit, Law

_DEFAULT_OPTIONS = EstimationOptions()
_ONE_SIZE = "the architecture has one size, and a law needs several; the table of means has its error"
"""Reason why such an architecture has no law."""


def fit(
    points: Points,
    options: EstimationOptions = _DEFAULT_OPTIONS,
    *,
    group: dict[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Fit:
    """Fit each form to one group of points.

    Args:
        points: one number a run.
        options: forms, held-out widths and bootstrap draws.
        group: values that the points have in common, by column.
        notes: sentences to place before the notes of the fit.

    Raises:
        FitError: no form can be fitted.
    """
    # Groups share their test images but no seeds, so that each group has its own random numbers for the
    # seeds.
    _check_values(points)
    stream = crc32(", ".join((group or {}).values()).encode())
    fitted = _fit_laws(points, options, stream=stream)
    laws = fitted.laws
    if not laws:
        raise FitError(fitted.missing[0])
    power = laws.get(POWER.name)
    verdict = select_form(points, laws, _resample_replicates(points, power, options, stream=stream))
    if verdict.choice is FormChoice.BENDS and verdict.form not in options.forms:
        laws |= _fit_laws(points, replace(options, forms=(verdict.form,)), stream=stream).laws
    laws = include_selection(points, laws, verdict)
    # The law that the verdict names comes first wherever laws are listed.
    laws = dict(sorted(laws.items(), key=lambda law: law[0] != verdict.form))
    notes = [
        *notes,
        *describe_points(points),
        *_dispersion_notes(laws),
        *(f"A form is missing: {reason}." for reason in fitted.missing),
    ]
    robust: dict[str, Law] = {}
    if winsorised := winsorise(points):
        robust = _fit_laws(winsorised.points, replace(options, forms=tuple(laws)), stream=stream).laws
        robust = include_selection(winsorised.points, robust, verdict)
        notes.append(
            f"{winsorised.note} No run is dropped. The exponents are {_exponents(laws)}, and with these runs "
            f"winsorised {_exponents(robust)}."
        )
    return _build_fit(points, group, verdict, notes=notes, laws=laws, robust=robust)


def _check_values(points: Points) -> None:
    """Check that there is something to fit: several sizes, and a value above 0."""
    n_sizes, fewest = len(points.widths), len(POWER.parameters)
    if n_sizes < fewest:
        raise FitError(
            f"{points.x_name}: {POWER.formula} needs at least {fewest} widths, not {n_sizes}; add widths"
        )
    if not points.means.any():
        more = "" if points.test_images is None else "; test on more images"
        raise FitError(f"{points.y_name}: no value is above 0, so there is nothing to fit{more}")


def fit_table(
    table: pa.Table,
    options: EstimationOptions = _DEFAULT_OPTIONS,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] = ("architecture",),
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
    notes: Sequence[str] = (),
) -> list[Fit]:
    """Fit every group of a table.

    Args:
        table: one row a run; ``group_points`` describes the columns.
        options: forms, held-out widths and bootstrap draws.
        x: column of sizes.
        y: column of errors.
        by: columns whose values, together, name a group.
        misclassified: [rows, images], which images each row's run misclassifies. The test images then count
            as a sample, one and the same for all groups.
        std: column of the standard deviations of y, if they are known.
        notes: sentences to place before the notes of each fit.

    Returns:
        One fit a group. A group that cannot be fitted, beside others that can, has no laws and a note with
        the reason.

    Raises:
        TableError: columns or values that cannot be fitted as requested.
        FitError: no group can be fitted.
    """
    fits, errors = [], []
    groups = group_points(table, x=x, y=y, by=by, misclassified=misclassified, std=std)
    for group in groups:
        group_notes = [*notes, *group.notes]
        try:
            if group.lacks_width:
                raise FitError(_ONE_SIZE)
            fits.append(fit(group.points, options, group=group.values, notes=group_notes))
        except FitError as error:
            fits.append(_unfitted(group, [*group_notes, f"No law: {error}."]))
            name = ", ".join(group.values.values()) if len(groups) > 1 else ""
            errors.append(f"{name}: {error}" if name else str(error))
    if len(errors) == len(fits):
        raise FitError("; ".join(dict.fromkeys(errors)) or "the table holds no runs")
    fits = add_caution(fits, {tuple(group.values.values()): group.caution for group in groups})
    costs = cost_curves(table, x=x, by=by)
    return [replace(fitted, costs=costs[tuple(fitted.group.values())]) for fitted in fits]


@dataclass(frozen=True)
class _FittedLaws:
    laws: dict[str, Law] = field(default_factory=dict)
    """Laws by the name of their form."""
    missing: list[str] = field(default_factory=list)
    """Reasons why other forms are missing."""


def _fit_laws(points: Points, options: EstimationOptions, *, stream: int) -> _FittedLaws:
    fitted = _FittedLaws()
    for name in options.forms:
        form = FORMS[name]
        try:
            estimate = estimate_form(form, points, options, stream=stream)
        except FitError as error:
            fitted.missing.append(str(error))
            continue
        assessment = assess(form, points, estimate=estimate.estimates, parameters=estimate.parameters)
        fitted.laws[name] = Law(**vars(estimate), status=assessment.status, reason=assessment.reason)
    return fitted


def _resample_replicates(
    points: Points, power: Law | None, options: EstimationOptions, *, stream: int
) -> Float[np.ndarray, "draws widths"]:
    """Resample the means by the dispersion of the replicates; no draws without a power law.

    The dispersion about the law is not used if another one is known; otherwise the misfit of the tested law
    would widen its own test.
    """
    if power is None:
        return np.empty((0, len(points.widths)))
    return resample_means(
        points,
        power.predict(points.widths),
        dispersion=form_free_dispersion(points) or power.dispersion,
        draws=options.resamplings,
        seed=options.seed,
        stream=stream,
    )


def _dispersion_notes(laws: dict[str, Law]) -> list[str]:
    """Return a note for each law whose intervals depend on more than the spread of the runs."""
    return [note for law in laws.values() for note in describe_dispersion(law.form.formula, law.dispersion)]


def _exponents(laws: dict[str, Law]) -> str:
    exponents = {law.form.formula: law.parameters["exponent"] for law in laws.values()}
    return ", ".join(
        f"{rho.estimate:.3g} [{_limit(rho.low)}, {_limit(rho.high)}] for {formula}"
        for formula, rho in exponents.items()
    )


def _limit(exponent: float) -> str:
    """Return a limit of an exponent as text; the bound of the search is none."""
    return f"{exponent:.3g}" if abs(exponent) < MAX_EXPONENT else "no limit"


def _unfitted(group: PointsGroup, notes: Sequence[str]) -> Fit:
    verdict = Verdict(choice=FormChoice.UNCLEAR)
    return _build_fit(group.points, group.values, verdict, notes=notes, laws={}, robust={})


def describe_estimand(points: Points, *, size: str = "width") -> str:
    """Return what the laws of some points describe.

    Args:
        points: the runs.
        size: name of one size.
    """
    if points.y_name != "test_error":
        return f"mean {points.y_name} over the runs of a {size}"
    if points.misclassified is None:
        return "mean error over seeds, on this test set"
    return "mean error over seeds and over images like those of this test set"


def _build_fit(
    points: Points,
    group: dict[str, str] | None,
    verdict: Verdict,
    *,
    notes: Sequence[str],
    laws: dict[str, Law],
    robust: dict[str, Law],
) -> Fit:
    return Fit(
        group=group or {},
        points=points,
        laws=laws,
        robust=robust,
        estimand=describe_estimand(points),
        notes=tuple(notes),
        verdict=verdict,
    )

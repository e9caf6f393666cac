"""From points to laws: every form side by side, and which of them the points ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.errors import FitError, UsageError
from scaling.fit.data.costs import cost_curves
from scaling.fit.data.points import Points
from scaling.fit.data.table import group_points
from scaling.fit.data.variance import DispersionSource
from scaling.fit.diagnosis.outliers import winsorise
from scaling.fit.diagnosis.status import describe_points
from scaling.fit.diagnosis.verdict import select_form
from scaling.fit.estimation.maximise import fit_law, resample_replicates
from scaling.fit.forms import BROKEN, FLOOR, FORMS, POWER
from scaling.fit.result import Fit, FormChoice, Law, Status, Verdict

DEFAULT_FORMS = (POWER.name, FLOOR.name)
"""Forms that always stand side by side."""


def fit(
    points: Points,
    *,
    group: dict[str, str] | None = None,
    forms: Sequence[str] = DEFAULT_FORMS,
    holdout: int = 3,
    resamplings: int = 2000,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Fit:
    """Fit each form to one group of points.

    Args:
        points: one number a run.
        group: what the points have in common.
        forms: names, of ``power``, ``floor``, ``broken`` and ``m4``. Where the verdict is that the law bends, ``broken`` joins them.
        holdout: further fits leave out the widest width, the widest two and so on, up to so many, and predict them; fewer where fewer than
            parameters + 2 would remain.
        resamplings: studies drawn for the intervals.
        seed: of these draws; the same for every form, so that their draws are paired.
        notes: sentences to stand before those of the fit.

    Raises:
        FitError: no form can be fitted.
        UsageError: an unknown form, or no resampling.
    """
    for name in forms:
        if name not in FORMS:
            raise UsageError(f"form: {name!r} is unknown; must be one of {', '.join(FORMS)}")
    if not forms or resamplings < 1:
        raise UsageError("a fit needs at least one form and one resampling")
    # Groups share their images, but no seeds: each has random numbers of its own for them.
    stream = crc32(", ".join((group or {}).values()).encode())
    laws, missing = _laws(points, forms, holdout, resamplings, seed, stream)
    if not laws:
        raise FitError(missing[0])
    pure = laws.get(POWER.name)
    studies = (
        resample_replicates(pure, points, resamplings, seed, stream)
        if pure
        else np.empty((0, len(points.widths)))
    )
    verdict = select_form(points, laws, studies)
    if pure and verdict.choice is FormChoice.FLOOR:
        laws[POWER.name] = replace(
            pure, status=Status.CAUTION, reason="; ".join(filter(None, (pure.reason, "a floor is needed")))
        )
    if verdict.choice is FormChoice.BENDS and BROKEN.name not in forms:
        laws |= _laws(points, (BROKEN.name,), holdout, resamplings, seed, stream)[0]
    said = [
        *notes,
        *describe_points(points),
        *_wider(laws),
        *(f"A form is missing: {why}." for why in missing),
    ]
    robust: dict[str, Law] = {}
    if far := winsorise(points):
        robust, _ = _laws(far[0], tuple(laws), holdout, resamplings, seed, stream)
        said.append(
            f"{far[1]} Nothing is dropped; with these drawn in, {_exponents(robust)}, and as they are, {_exponents(laws)}."
        )
    return _fit(points, group, laws, verdict, said, robust)


def _laws(
    points: Points, forms: Sequence[str], holdout: int, resamplings: int, seed: int, stream: int
) -> tuple[dict[str, Law], list[str]]:
    """By the form's name, and why others are missing."""
    laws, missing = {}, []
    for name in forms:
        try:
            laws[name] = fit_law(
                FORMS[name], points, holdout=holdout, resamplings=resamplings, seed=seed, stream=stream
            )
        except FitError as error:
            missing.append(str(error))
    return laws, missing


def _wider(laws: dict[str, Law]) -> list[str]:
    """Where intervals rest on more than the runs' own spread."""
    return [
        f"{law.form.formula}: means scatter {law.dispersion.inflation:.2g} times as far as their runs explain, by {law.dispersion.source}"
        f" ({law.dispersion.dof} degrees of freedom); its intervals are as wide as that asks for."
        for law in laws.values()
        if law.dispersion.source in (DispersionSource.ORDERS, DispersionSource.CURVE)
        and law.dispersion.inflation > 1
    ]


def _exponents(laws: dict[str, Law]) -> str:
    """In words."""
    found = {law.form.formula: law.parameters["exponent"] for law in laws.values()}
    return ", ".join(
        f"{rho.estimate:.3g} [{rho.low:.3g}, {rho.high:.3g}] is the exponent of {formula}"
        for formula, rho in found.items()
    )


def fit_table(
    table: pa.Table,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] = ("architecture",),
    forms: Sequence[str] = DEFAULT_FORMS,
    holdout: int = 3,
    resamplings: int = 2000,
    seed: int = 0,
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
    notes: Sequence[str] = (),
) -> list[Fit]:
    """Fit every group of a table; see ``group_points`` for the columns and ``fit`` for the rest.

    Args:
        wrong: [rows, images], which images each row's run errs on: then the images count as a sample, one and the same for all groups.
        std: column of the standard deviations of y, where these are known.
        notes: sentences to stand before those of each fit.

    Returns:
        One fit a group. One that can't be fitted, beside others that can, has no laws and a note that says why.

    Raises:
        TableError: columns or values that can't be fitted as asked.
        FitError: no group can be fitted.
    """
    fits, refused = [], []
    for group, points, own in group_points(table, x=x, y=y, by=by, misclassified=misclassified, std=std):
        said = [*notes, *own]
        try:
            fits.append(
                fit(
                    points,
                    group=group,
                    forms=forms,
                    holdout=holdout,
                    resamplings=resamplings,
                    seed=seed,
                    notes=said,
                )
            )
        except FitError as error:
            fits.append(
                _fit(
                    points,
                    group,
                    {},
                    select_form(points, {}, points.means[None]),
                    [*said, f"No law: {error}."],
                    {},
                )
            )
            refused.append(str(error))
    known = cost_curves(table, x=x, by=by)
    fits = [replace(made, costs=known[tuple(made.group.values())]) for made in fits]
    if len(refused) == len(fits):
        raise FitError("; ".join(dict.fromkeys(refused)) or "the table holds no runs")
    return fits


def _fit(
    points: Points,
    group: dict[str, str] | None,
    laws: dict[str, Law],
    verdict: Verdict,
    notes: Sequence[str],
    robust: dict[str, Law],
) -> Fit:
    over = (
        "seeds, on this test set"
        if points.misclassified is None
        else "seeds and over images like those of this test set"
    )
    return Fit(
        group=group or {},
        points=points,
        laws=laws,
        robust=robust,
        estimand=f"mean error over {over}"
        if points.y_name == "test_error"
        else f"mean {points.y_name} over the runs of a width",
        notes=tuple(notes),
        verdict=verdict,
    )

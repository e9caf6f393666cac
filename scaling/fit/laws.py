"""From points to laws: the estimate, its interval, how it predicts wider networks, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.errors import FitError, UsageError
from scaling.fit.choice import choose
from scaling.fit.forms import FORMS, POWER, Form
from scaling.fit.likelihood import support
from scaling.fit.noise import dispersion, dispersion_about, freedom
from scaling.fit.points import Points
from scaling.fit.resample import resample
from scaling.fit.result import LEVEL, Choice, Fit, HeldOut, Interval, Law, Status, Verdict
from scaling.fit.solve import solve
from scaling.fit.status import judge, remarks
from scaling.fit.table import group_points


def fit(
    points: Points,
    *,
    group: dict[str, str] | None = None,
    forms: Sequence[str] = tuple(FORMS),
    holdout: int = 3,
    resamplings: int = 2000,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Fit:
    """Fit each form to one group of points.

    Args:
        points: one number a run.
        group: what the points have in common.
        forms: names, of ``power`` and ``floor``.
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
    laws, missing = {}, []
    for name in forms:
        try:
            laws[name] = _law(FORMS[name], points, holdout, resamplings, seed, stream)
        except FitError as error:
            missing.append(str(error))
    if not laws:
        raise FitError(missing[0])
    pure = laws.get(POWER.name)
    studies = _studies(POWER, points, pure.predict(points.widths), resamplings, seed, stream) if pure else np.empty((0, len(points.widths)))
    verdict = choose(points, laws, studies)
    if pure and verdict.choice is Choice.FLOOR:
        laws[POWER.name] = replace(pure, status=Status.LOOK, reason="; ".join(filter(None, (pure.reason, "a floor is needed"))))
    return _fit(points, group, laws, verdict, [*notes, *remarks(points), *(f"A form is missing: {why}." for why in missing)])


def fit_table(
    table: pa.Table,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] = ("architecture",),
    forms: Sequence[str] = tuple(FORMS),
    holdout: int = 3,
    resamplings: int = 2000,
    seed: int = 0,
    wrong: NDArray[np.bool_] | None = None,
    notes: Sequence[str] = (),
) -> list[Fit]:
    """Fit every group of a table; see ``group_points`` for the columns and ``fit`` for the rest.

    Args:
        wrong: [rows, images], which images each row's run errs on: then the images count as a sample, one and the same for all groups.
        notes: sentences to stand before those of each fit.

    Returns:
        One fit a group. One that can't be fitted, beside others that can, has no laws and a note that says why.

    Raises:
        TableError: columns or values that can't be fitted as asked.
        FitError: no group can be fitted.
    """
    fits, refused = [], []
    for group, points, own in group_points(table, x=x, y=y, by=by, wrong=wrong):
        said = [*notes, *own]
        try:
            fits.append(fit(points, group=group, forms=forms, holdout=holdout, resamplings=resamplings, seed=seed, notes=said))
        except FitError as error:
            fits.append(_fit(points, group, {}, choose(points, {}, points.means[None]), [*said, f"No law: {error}."]))
            refused.append(str(error))
    if len(refused) == len(fits):
        raise FitError("; ".join(dict.fromkeys(refused)) or "the table holds no runs")
    return fits


def _fit(points: Points, group: dict[str, str] | None, laws: dict[str, Law], verdict: Verdict, notes: Sequence[str]) -> Fit:
    over = "seeds, on this test set" if points.wrong is None else "seeds and over images like those of this test set"
    return Fit(
        group=group or {},
        points=points,
        laws=laws,
        estimand=f"mean error over {over}" if points.y_name == "test_error" else f"mean {points.y_name} over the runs of a width",
        notes=tuple(notes),
        verdict=verdict,
        dispersion=dispersion(points),
    )


def _studies(form: Form, points: Points, curve: NDArray[np.float64], draws: int, seed: int, stream: int) -> NDArray[np.float64]:
    """[draws, widths]: means of other studies that might have been, the same ones for each form where every width has replicates."""
    scatter, known = _scatter(form, points, curve)
    return resample(points, curve, dispersion=scatter, freedom=known, draws=draws, seed=seed, stream=stream)


def _law(form: Form, points: Points, holdout: int, resamplings: int, seed: int, stream: int) -> Law:
    widths, means, counts, trials = points.widths, points.means, points.counts.astype(float), points.trials
    # A mean of 0 has no logarithm, in which what is held out is compared.
    spare = max(0, min(holdout, len(widths) - len(form.parameters) - 2)) if means.all() else 0
    kept = np.where(np.arange(len(widths)) < len(widths) - np.arange(spare + 1)[:, None], counts, 0)
    estimate, *narrow = solve(form, widths, np.broadcast_to(means, kept.shape), kept, trials)
    if not np.isfinite(estimate).all():
        raise FitError(f"{form.formula}: {points.y_name} is beyond what can be computed with; write it in another unit")
    curve = form.evaluate(estimate, widths)
    studies = _studies(form, points, curve, resamplings, seed, stream)
    draws = solve(form, widths, studies, np.broadcast_to(counts, studies.shape), trials, near=curve)
    ends = np.stack([estimate, *_quantiles(draws)])  # the estimate too: a bound can push all draws to one side of it
    pure = None
    if form.floored and ends[:, 2].min() == 0:
        # At this end stands the pure law. Draws held at the bound hardly reach as low as its exponent may be, so its own interval is taken in.
        pure = np.insert(solve(POWER, widths, studies, np.broadcast_to(counts, studies.shape), trials, near=curve), 2, 0, axis=1)
        ends = np.concatenate([ends, _quantiles(pure)])
    parameters = {
        name: Interval(estimate=float(value), low=float(low), high=float(high))
        for name, value, low, high in zip(form.parameters, estimate, ends.min(axis=0), ends.max(axis=0), strict=True)
    }
    status, reason = judge(form, points, curve, parameters)
    seen = means > 0
    return Law(
        form=form,
        parameters=parameters,
        draws=draws,
        bound=pure,
        rmse_log=_rms(np.log(curve[seen] / means[seen])),
        aicc=_aicc(form, points, curve),
        held_out=tuple(_held_out(points, left, form.evaluate(fitted, widths)) for left, fitted in enumerate(narrow, start=1)),
        status=status,
        reason=reason,
    )


def _aicc(form: Form, points: Points, curve: NDArray[np.float64]) -> float | None:
    """With the dispersion that replicates tell, the same for all forms (Burnham & Anderson 2002, section 2.5)."""
    scatter, k, n = dispersion(points), len(form.parameters) + 1, len(points.widths)  # the dispersion is estimated too
    return -2 * support(points, curve) / scatter + 2 * k + 2 * k * (k + 1) / (n - k - 1) if scatter and n > k + 1 else None


def _quantiles(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2, parameters]: both ends of the interval."""
    return np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)


def _scatter(form: Form, points: Points, curve: NDArray[np.float64]) -> tuple[float, int]:
    """Dispersion and its degrees of freedom: from replicates, or else from how the means lie about the curve."""
    scatter = dispersion(points)
    if scatter is not None:
        return scatter, freedom(points)
    spare = len(points.widths) - len(form.parameters)
    if not spare:
        raise FitError(f"{form.formula} through {len(curve)} widths without replicates has no interval; add seeds or widths")
    return dispersion_about(points, curve, spare), spare


def _held_out(points: Points, spare: int, predicted: NDArray[np.float64]) -> HeldOut:
    ratio = predicted[-spare:] / points.means[-spare:]
    return HeldOut(left_out=tuple(points.widths[-spare:].tolist()), rmse_log=_rms(np.log(ratio)), bias=float((ratio - 1).mean()))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt((values**2).mean()))

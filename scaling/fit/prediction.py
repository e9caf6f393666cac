"""Predictions of a law at any size, trained or not: the mean over seeds, and new runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import UsageError
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import student_inflation
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Prediction of one law at one size.

    Both intervals include the uncertainty of the law's parameters. Those of the law that the verdict names
    include the selection of its form.
    """

    form: str
    """Name of the form."""
    x: float
    """Size of the network."""
    mean: Interval
    """Mean error over seeds."""
    new_run: Interval | None
    """Error of one new network on this test set.

    None if the scatter of single runs is unknown, if the standard deviations are given, or if the test images
    count as a sample."""
    extrapolation: float
    """Size over the widest measured size: above 1 for an extrapolation."""
    mean_with_bend: float | None = None
    """Mean error by a bend that fits too, for a law with a floor where the two differ by more than 5 %."""

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as JSON values."""
        return asdict(self)


def predict(fit: Fit, sizes: Sequence[float | int], *, seed: int = 0) -> list[Prediction]:
    """Predict with every law of a fit at some sizes, with 95 % intervals.

    Args:
        fit: laws of one group.
        sizes: sizes above 0.
        seed: seed of the draws of a run's own scatter.

    Raises:
        UsageError: a size is not above 0.
    """
    for size in sizes:
        if not (size > 0 and np.isfinite(size)):
            raise UsageError(f"a prediction needs a size above 0, got {size:g}")
    return [_predict(fit, name, size=size, seed=seed) for name in fit.laws for size in sizes]


def _predict(fit: Fit, form: str, *, size: float | int, seed: int) -> Prediction:
    law, at = fit.laws[form], np.asarray(size, dtype=float)
    return Prediction(
        form=form,
        x=float(size),
        mean=law.derived_interval(lambda draws: draws.evaluate(at)),
        new_run=_predict_runs(fit, law, size, runs=1, seed=seed),
        extrapolation=(extrapolation := float(size / fit.points.widths[-1])),
        mean_with_bend=_mean_with_bend(fit, form, size, extrapolation),
    )


def _mean_with_bend(fit: Fit, form: str, size: float | int, extrapolation: float) -> float | None:
    bend = fit.verdict.possible_bend
    if bend is None or form != fit.verdict.form or extrapolation <= bend.agrees_to:
        return None
    return bend.predict(size)


def predict_means(
    fit: Fit, form: str, size: float | int, *, max_runs: int, seed: int = 0
) -> tuple[Interval, ...]:
    """Predict the mean error of 1, 2, ... new networks at a size, with 95 % intervals.

    An interval includes the uncertainty of the law's parameters and the scatter of the mean about the law. It
    has two parts: the scatter of single runs, and what the means scatter beyond it, because runs of one
    order of minibatches or of one width deviate alike. More networks average out the first part; of the
    second part, they average out the orders only.

    Args:
        fit: laws of one group.
        form: name of the form.
        size: size above 0.
        max_runs: largest number of networks.
        seed: seed of the draws of the scatter; the same draws for each number of networks.

    Returns:
        Intervals of the mean of 1, 2, ..., ``max_runs`` networks.

    Raises:
        UsageError: the scatter of single runs is unknown, or the test images count as a sample.
    """
    intervals = []
    for runs in range(1, max_runs + 1):
        interval = _predict_runs(fit, fit.laws[form], size, runs=runs, seed=seed)
        if interval is None:
            raise UsageError(
                "the scatter of single runs is unknown, so the mean of new runs cannot be predicted"
            )
        intervals.append(interval)
    return tuple(intervals)


def _predict_runs(fit: Fit, law: Law, size: float | int, *, runs: int, seed: int) -> Interval | None:
    at = np.asarray(size, dtype=float)
    draws = [draw_set.evaluate(at) for draw_set in law.draw_sets]
    return predict_new_runs(fit.points, law.dispersion, float(law.predict(size)), draws, runs=runs, seed=seed)


def predict_new_runs(
    points: Points,
    law_dispersion: Dispersion,
    estimate: float,
    means: Sequence[Float[np.ndarray, " draws"]],
    *,
    runs: int = 1,
    seed: int,
) -> Interval | None:
    """Return the mean of some new runs with its 95 % interval; None if it cannot be predicted.

    Args:
        points: the runs.
        law_dispersion: dispersion of the means about the law.
        estimate: mean that the law predicts.
        means: sets of draws of this mean.
        runs: number of new runs.
        seed: seed of the draws of the scatter.
    """
    dispersion = _run_dispersion(points, law_dispersion)
    if dispersion is None:
        return None
    rng, noise = np.random.default_rng(seed), np.zeros(max(map(len, means)))
    for variance, dof in (
        (dispersion.value / runs, dispersion.dof),
        (_shared_dispersion(points, law_dispersion, dispersion, runs=runs), law_dispersion.dof),
    ):
        # A dispersion is itself an estimate, and a dispersion from few runs is uncertain.
        noise += student_inflation(dof) * np.sqrt(variance) * rng.standard_normal(len(noise))
    return Interval.from_draws(estimate, [_add_noise(points, draws, noise[: len(draws)]) for draws in means])


def _shared_dispersion(
    points: Points, law_dispersion: Dispersion, dispersion: Dispersion, *, runs: int
) -> float:
    """Return the dispersion of the mean of some new runs beyond that of the single runs.

    The means of the fitted runs may scatter more than their single runs explain: by orders of minibatches, of
    which new runs have as many as the fitted runs of this number, or by width.
    """
    excess = max(law_dispersion.value - dispersion.value, 0.0)
    if law_dispersion.source is DispersionSource.ORDERS and points.order is not None:
        orders = np.unique(np.stack([points.width_index, points.order]), axis=1).shape[1]
        runs_of_order = len(points.y) / orders
        return float(excess / runs_of_order / np.ceil(runs / runs_of_order))
    return float(excess / points.counts.mean())


def _run_dispersion(points: Points, law_dispersion: Dispersion) -> Dispersion | None:
    """Return the dispersion of single runs; None if a new run cannot be predicted.

    Without replicates, the dispersion of single runs about the law takes the place of that within a width.
    """
    if points.misclassified is not None or points.known_std is not None:
        return None
    if points.run_dispersion is None and law_dispersion.source is DispersionSource.CURVE:
        return law_dispersion
    return points.run_dispersion


def _add_noise(
    points: Points, means: Float[np.ndarray, " draws"], noise: Float[np.ndarray, " draws"]
) -> Float[np.ndarray, " draws"]:
    return np.asarray(np.maximum(means + noise * np.sqrt(points.variance_model.variance(means)), 0))

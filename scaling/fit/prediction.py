"""Predictions of a law at any size, trained or not: the mean over seeds, and one new run."""

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
from scaling.fit.result import Fit


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Prediction of one law at one size.

    Both intervals include the uncertainty of the law's parameters, and neither includes that of its form.
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
    means = [draws.evaluate(at) for draws in law.draw_sets]
    return Prediction(
        form=form,
        x=float(size),
        mean=law.derived_interval(lambda draws: draws.evaluate(at)),
        new_run=predict_new_run(fit.points, law.dispersion, float(law.predict(size)), means, seed=seed),
        extrapolation=float(size / fit.points.widths[-1]),
    )


def predict_new_run(
    points: Points,
    law_dispersion: Dispersion,
    estimate: float,
    means: Sequence[Float[np.ndarray, " draws"]],
    *,
    seed: int,
) -> Interval | None:
    """Return the value of one new run with its 95 % interval; None if a new run cannot be predicted.

    Args:
        points: the runs.
        law_dispersion: dispersion of the means about the law.
        estimate: mean that the law predicts.
        means: sets of draws of this mean.
        seed: seed of the draws of a run's own scatter.
    """
    dispersion = _run_dispersion(points, law_dispersion)
    if dispersion is None:
        return None
    # The dispersion is itself an estimate, and a dispersion from few runs is uncertain.
    scale = student_inflation(dispersion.dof) * np.sqrt(dispersion.value)
    noise = scale * np.random.default_rng(seed).standard_normal(max(map(len, means)))
    return Interval.from_draws(estimate, [_add_noise(points, draws, noise[: len(draws)]) for draws in means])


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

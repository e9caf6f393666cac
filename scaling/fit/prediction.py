"""What a law foretells at sizes that may not have been trained: the mean over seeds, and one new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scaling.errors import UsageError
from scaling.fit.data.variance import DispersionSource
from scaling.fit.estimation.bootstrap import student_inflation
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One law at one size. Both intervals know how uncertain the law is, neither whether its form is right."""

    form: str
    x: float
    mean: Interval
    """Of the mean error over seeds."""
    new_run: Interval | None
    """Of one new network on this test set; None where nothing tells how far runs scatter, where standard deviations are stated, or where the
    images are a sample."""
    extrapolation: float
    """The size over the widest that was measured: an extrapolation above 1."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def predict(fit: Fit, sizes: Sequence[float | int], *, seed: int = 0) -> list[Prediction]:
    """All laws of a fit at some sizes, with 95 % intervals.

    Args:
        sizes: above 0.
        seed: of the draws of a run's own scatter.

    Raises:
        UsageError: a size that no law has.
    """
    for size in sizes:
        if not (size > 0 and np.isfinite(size)):
            raise UsageError(f"a prediction needs a size above 0, not {size:g}")
    return [
        _foretold(fit, name, law, size, np.random.default_rng(seed))
        for name, law in fit.laws.items()
        for size in sizes
    ]


def _foretold(fit: Fit, name: str, law: Law, size: float | int, rng: np.random.Generator) -> Prediction:
    points, at = fit.points, np.asarray(size, dtype=float)
    estimate = float(law.predict(size))

    def curves(draws: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # far from what was measured, a curve may leave the numbers
            return law.form.evaluate(draws, at)

    # Of one run: its spread among the runs of a size, or for want of these that of single runs about the law.
    known = points.run_dispersion
    if known is None and law.dispersion.source is DispersionSource.CURVE:
        known = law.dispersion
    new_run = None
    if known is not None and points.misclassified is None and points.known_std is None:
        # A scatter that was estimated from few runs is uncertain by itself, as for the means.
        noise = student_inflation(known.dof) * np.sqrt(known.value) * rng.standard_normal(len(law.draws))

        def runs(draws: np.ndarray) -> np.ndarray:
            return np.asarray(
                np.maximum(curves(draws) + noise * np.sqrt(points.variance_model.variance(curves(draws))), 0)
            )

        new_run = Interval.from_draws(estimate, [runs(draws) for draws in law.draw_sets])
    return Prediction(
        form=name,
        x=float(size),
        mean=law.derived_interval(curves),
        new_run=new_run,
        extrapolation=float(size / points.widths[-1]),
    )

"""What a law foretells at sizes that may not have been trained: the mean over seeds, and one new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from scaling.errors import UsageError
from scaling.fit.noise import dispersion, dispersion_about, variance
from scaling.fit.result import LEVEL, Fit, Interval, Law


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One law at one size. Both intervals know how uncertain the law is, neither whether its form is right."""

    form: str
    x: float
    mean: Interval
    """Of the mean error over seeds."""
    run: Interval | None
    """Of one new network; None where nothing tells how far runs scatter."""
    beyond: float
    """The size over the widest that was measured: an extrapolation above 1."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def foretell(fit: Fit, sizes: Sequence[float | int], *, seed: int = 0) -> list[Prediction]:
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
    return [_foretold(fit, name, law, size, np.random.default_rng(seed)) for name, law in fit.laws.items() for size in sizes]


def _foretold(fit: Fit, name: str, law: Law, size: float | int, rng: np.random.Generator) -> Prediction:
    points = fit.points
    estimate = float(law.predict(size))
    curves = law.form.evaluate(law.draws, np.asarray(size, dtype=float))
    scatter, freedom = dispersion(points), points.replicates
    if scatter is None and (freedom := len(points.widths) - len(law.form.parameters)) > 0:
        scatter = dispersion_about(points, law.predict(points.widths), freedom)
    run = None
    if scatter is not None:
        # A scatter that was estimated from few runs is uncertain by itself: Student's quantile over the normal one, as for the means.
        stretch = float(stdtrit(freedom, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2))
        noise = stretch * rng.standard_normal(len(curves)) * np.sqrt(scatter * variance(curves, points.trials))
        run = _interval(estimate, np.maximum(curves + noise, 0))
    return Prediction(form=name, x=float(size), mean=_interval(estimate, curves), run=run, beyond=float(size / points.widths[-1]))


def _interval(estimate: float, draws: np.ndarray) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(estimate=estimate, low=min(float(low), estimate), high=max(float(high), estimate))

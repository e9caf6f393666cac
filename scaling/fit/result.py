"""What a fit says. A number never travels alone: estimate, interval, n, estimand, status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling.fit.forms import Form
from scaling.fit.points import Points

LEVEL = 0.95
"""Of every interval and band."""

Sizes = float | int | Sequence[float | int] | NDArray[np.number]
"""One x, or an array of them."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float


class Status(StrEnum):
    """How far to trust a law."""

    USABLE = "usable"
    LOOK = "look"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How a form, fitted to the narrower networks, predicts the widest ones."""

    left_out: tuple[float, ...]
    """The x that were left out."""
    rmse_log: float
    """Root mean square of log(predicted / observed mean)."""
    bias: float
    """Mean of predicted / observed - 1; above 0 where it predicts too much error."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """One form, fitted to one group."""

    form: Form
    parameters: dict[str, Interval]
    """By the form's names: amplitude, exponent, floor."""
    draws: NDArray[np.float64]
    """[resamplings, parameters]: the same fit on resampled seeds, spread for few seeds as ``scaling.fit.resample`` says."""
    rmse_log: float
    """Root mean square of log(fitted / observed mean) over the widths."""
    held_out: HeldOut | None
    """None where too few widths remain."""
    status: Status
    reason: str
    """Why it is not plainly usable; empty where it is."""

    def predict(self, x: Sizes) -> NDArray[np.float64]:
        """The fitted mean at ``x``."""
        estimates = np.array([self.parameters[name].estimate for name in self.form.parameters])
        return self.form.evaluate(estimates, np.asarray(x, dtype=float))

    def band(self, x: Sizes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pointwise 95 % band of the mean at ``x``."""
        at = np.asarray(x, dtype=float)
        curves = self.form.evaluate(np.expand_dims(self.draws, tuple(range(1, at.ndim + 1))), at)
        low, high = np.quantile(curves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return np.asarray(low), np.asarray(high)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the draws are left out."""
        return {
            "formula": self.form.formula,
            "parameters": {name: asdict(interval) for name, interval in self.parameters.items()},
            "rmse_log": self.rmse_log,
            "held_out": self.held_out and {**asdict(self.held_out), "left_out": list(self.held_out.left_out)},
            "status": self.status.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """All forms, side by side, for one group of points."""

    group: dict[str, str]
    """What the points have in common: ``{"architecture": "lenet5"}``."""
    points: Points
    laws: dict[str, Law]
    """By the form's name: ``power`` and ``floor``. A form that the points can't tell is missing, and a note says why."""
    estimand: str
    notes: tuple[str, ...]
    """What was left out or looks odd, each a sentence."""

    dispersion: float | None
    """Variance of one run over a binomial's (for bare values: over its squared mean), pooled over widths; None without replicates."""

    @property
    def label(self) -> str:
        return ", ".join(self.group.values()) or "all"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers, texts, lists and dictionaries only."""
        points = self.points
        return {
            "label": self.label,
            "group": dict(self.group),
            "x": points.x_name,
            "y": points.y_name,
            "estimand": self.estimand,
            "notes": list(self.notes),
            "dispersion": self.dispersion,
            "test_images": points.trials,
            "points": {
                "x": points.widths.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
                "std": [std if runs > 1 else None for std, runs in zip(points.std.tolist(), points.counts, strict=True)],
            },
            "laws": {name: law.to_dict() for name, law in self.laws.items()},
        }

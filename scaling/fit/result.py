"""Records of a fit: estimates of the forms, laws with their status, and the fit of a group.

Each result has an interval, the number of runs, the estimand and a status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling.errors import UsageError
from scaling.fit.data.costs import CostCurve
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.form_choice import Verdict
from scaling.fit.forms import Form
from scaling.fit.interval import CONFIDENCE_LEVEL, FloatArray, Interval, draw_limits

Sizes = float | int | Sequence[float | int] | NDArray[np.number]
"""One size, or an array of sizes."""


class Status(StrEnum):
    """Status of a law: how far to trust it."""

    USABLE = "usable"
    CAUTION = "caution"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Prediction of the widest networks by a form that is fitted to the narrower ones."""

    left_out: tuple[float, ...]
    """Sizes that were left out."""
    predicted: tuple[float, ...]
    """Predicted means at these sizes."""
    rmse_log: float
    """Root mean square of log(predicted / observed mean)."""
    bias: float
    """Mean of predicted / observed - 1; above 0 if the predicted error is too large."""


@dataclass(frozen=True, eq=False)
class DrawSet:
    """Bootstrap draws of the parameters of one form."""

    form: Form
    parameters: FloatArray
    """[draws, parameters of the form]; see ``scaling.fit.estimation.bootstrap``."""

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, draws: slice) -> DrawSet:
        """Return some of the draws."""
        return DrawSet(self.form, self.parameters[draws])

    def parameter(self, name: str) -> FloatArray:
        """Return the draws of one parameter; a floor that the form does not have is 0."""
        if name in self.form.parameters:
            return np.asarray(self.parameters[..., self.form.parameters.index(name)])
        if name != "floor":
            raise KeyError(name)
        return np.zeros(self.parameters.shape[:-1])

    def evaluate(self, x: FloatArray) -> FloatArray:
        """Return the curve of each draw at some sizes: [draws, *shape of x]."""
        parameters = np.expand_dims(self.parameters, tuple(range(1, x.ndim + 1)))
        with np.errstate(over="ignore"):  # a curve may overflow far beyond the measured sizes
            return self.form.evaluate(parameters, x)

    def inverse(self, value: float) -> FloatArray:
        """Return the size at which the curve of each draw falls to a value: [draws], may be infinite."""
        return self.form.inverse(self.parameters, value)


Derived = Callable[[DrawSet], FloatArray]
"""Quantity that follows from the parameters of a law: from draws to [draws, ...]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FormEstimate:
    """Estimate of one form on one group of points."""

    form: Form
    parameters: dict[str, Interval]
    """Parameters by name, with their 95 % intervals."""
    draws: FloatArray
    """Bootstrap draws of the parameters: [resamplings, parameters]."""
    alternatives: tuple[DrawSet, ...] = ()
    """Draws of other forms that the data do not exclude; intervals include them.

    The law with a floor includes the power law if the floor may be 0, because draws that are held at the
    bound alone would give intervals that are too narrow, and if the verdict does not exclude a floor of 0.
    The power law includes the law with a floor if the verdict names the power law, because the verdict does
    not exclude a small floor."""
    dispersion: Dispersion
    """Dispersion of the means, on which the intervals rest."""
    rmse_log: float
    """Root mean square of log(fitted / observed mean) over the widths."""
    aicc: float | None
    """Akaike's criterion, corrected for the number of widths; None with too few widths or without
    replicates."""
    held_out: tuple[HeldOut, ...]
    """Predictions of the widest width, of the widest two, and so on; empty if too few widths would remain."""

    @property
    def estimates(self) -> FloatArray:
        """Estimated parameters, in the order of the form: [parameters]."""
        return np.array([self.parameters[name].estimate for name in self.form.parameters])

    @property
    def point(self) -> DrawSet:
        """The estimate, as a single draw."""
        return DrawSet(self.form, self.estimates[None])

    @property
    def draw_sets(self) -> tuple[DrawSet, ...]:
        """Sets of draws of the parameters; an interval covers the interval of each set."""
        return (DrawSet(self.form, self.draws), *self.alternatives)

    def interval(self, name: str) -> Interval:
        """Return a parameter with its 95 % interval.

        Raises:
            UsageError: the form has no parameter of this name.
        """
        if name not in self.parameters:
            raise UsageError(
                f"{name}: {self.form.formula} has no such parameter; it has {', '.join(self.parameters)}"
            )
        return self.parameters[name]

    def derived_interval(self, quantity: Derived) -> Interval:
        """Return a number that follows from the parameters, with its 95 % interval.

        Args:
            quantity: from draws to [draws]; may be infinite.
        """
        return Interval.from_draws(
            float(quantity(self.point)[0]), [quantity(draws) for draws in self.draw_sets]
        )

    def derived_limits(self, quantity: Derived) -> tuple[FloatArray, FloatArray]:
        """Return the limits of the 95 % interval of what follows from the parameters.

        Args:
            quantity: from draws to [draws, ...]; may be infinite.
        """
        return draw_limits([quantity(draws) for draws in self.draw_sets])

    def predict(self, x: Sizes) -> FloatArray:
        """Return the fitted mean at ``x``."""
        return self.form.evaluate(self.estimates, np.asarray(x, dtype=float))

    def band(self, x: Sizes, *, simultaneous: bool = False) -> tuple[FloatArray, FloatArray]:
        """Return the 95 % band of the mean at ``x``: the lower and the upper curve.

        Args:
            x: sizes.
            simultaneous: True for a band that contains the whole curve at these sizes in 95 % of studies;
                False for a band that does so at each size by itself.
        """
        at = np.asarray(x, dtype=float)
        low, high = self.derived_limits(lambda draws: draws.evaluate(at))
        if not simultaneous:
            return low, high
        log_curve, half_widths = np.log(self.predict(at)), []
        for draws in self.draw_sets:
            log_ratio = np.log(draws.evaluate(at)) - log_curve
            # Quantile of the largest deviation, in units of the spread at each size (Montiel Olea &
            # Plagborg-Moller 2019).
            spread = np.sqrt((log_ratio**2).mean(axis=0))
            relative = np.abs(log_ratio) / np.where(spread > 0, spread, 1)
            largest = relative.reshape(len(draws), -1).max(axis=1)
            half_widths.append(np.quantile(largest, CONFIDENCE_LEVEL) * spread)
        half_width = np.max(half_widths, axis=0)
        # The pointwise band is included, also where most draws lie on one side.
        return (
            np.asarray(np.minimum(np.exp(log_curve - half_width), low)),
            np.asarray(np.maximum(np.exp(log_curve + half_width), high)),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Law(FormEstimate):
    """A scaling law: the estimate of one form on one group of points, with its status."""

    status: Status
    reason: str
    """Reasons why the law is not usable without caution; empty if it is."""

    def __repr__(self) -> str:
        return f"<Law {self.form.formula}: {self.status}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the law as JSON values, without the draws."""
        return {
            "formula": self.form.formula,
            "parameters": {name: asdict(interval) for name, interval in self.parameters.items()},
            "dispersion": self.dispersion.to_dict(),
            "rmse_log": self.rmse_log,
            "aicc": self.aicc,
            "held_out": [
                {**asdict(held), "left_out": list(held.left_out), "predicted": list(held.predicted)}
                for held in self.held_out
            ],
            "status": self.status.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Scaling laws of one group of points: all forms, side by side."""

    group: dict[str, str]
    """Values that the points have in common: ``{"architecture": "lenet5"}``."""
    points: Points
    laws: dict[str, Law]
    """Laws by the name of their form: ``power``, ``floor``, and others if requested or needed.

    A form that cannot be fitted is missing, and a note gives the reason."""
    robust: dict[str, Law]
    """The same laws with outliers winsorised; empty without outliers."""
    estimand: str
    """What the laws describe, such as the mean error over seeds on this test set."""
    notes: tuple[str, ...]
    """Sentences about what was left out or is unusual."""
    verdict: Verdict
    """Form that the data support."""
    costs: dict[str, CostCurve] = field(default_factory=dict)
    """Curves of ``parameters`` and ``macs`` along x, if the table has these columns."""

    def __repr__(self) -> str:
        return f"<Fit of {self.label}: {self.verdict.choice}; {', '.join(self.laws) or 'no law'}>"

    @property
    def dispersion(self) -> float | None:
        """Variance of one run over that of the variance model, pooled over widths; None without replicates.

        The variance model is the binomial for error counts, and the squared mean for bare values.
        """
        dispersion = self.points.run_dispersion
        return None if dispersion is None else dispersion.value

    @property
    def label(self) -> str:
        """Name of the group."""
        return ", ".join(self.group.values()) or "all"

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as JSON values: numbers, texts, lists and dictionaries only."""
        points = self.points
        return {
            "label": self.label,
            "group": dict(self.group),
            "x": points.x_name,
            "y": points.y_name,
            "estimand": self.estimand,
            "notes": list(self.notes),
            "dispersion": self.dispersion,
            "test_images": points.test_images,
            "points": {
                "x": points.widths.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
                "std": [
                    std if runs > 1 else None
                    for std, runs in zip(points.std.tolist(), points.counts, strict=True)
                ],
            },
            "verdict": self.verdict.to_dict(),
            "laws": {name: law.to_dict() for name, law in self.laws.items()},
            "robust": {name: law.to_dict() for name, law in self.robust.items()},
        }

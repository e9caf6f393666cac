"""Records of a joint law of two sizes: draws, held-out errors, the law with its status, and the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from scaling.fit.data.joint_points import JointPoints
from scaling.fit.data.variance import Dispersion
from scaling.fit.forms import JOINT, JointPowerForm
from scaling.fit.frontier import Frontier
from scaling.fit.interval import FloatArray, Interval
from scaling.fit.result import Status


class JointLoss(StrEnum):
    """Loss that the estimate of a joint law minimises."""

    QUASI_LIKELIHOOD = "quasi"
    HUBER_LOG = "huber-log"


@dataclass(frozen=True, eq=False)
class JointDraws:
    """Draws of the parameters of one joint form."""

    form: JointPowerForm
    parameters: FloatArray
    """[draws, parameters of the form]."""

    def evaluate(self, sizes: FloatArray) -> FloatArray:
        """Return the surface of each draw at pairs of sizes, [pairs, 2]: [draws, pairs]."""
        with np.errstate(over="ignore"):  # a surface may overflow far from the measured sizes
            return self.form.evaluate(self.parameters[:, None, :], sizes)


@dataclass(frozen=True, kw_only=True)
class JointHeldOut:
    """Prediction of the largest values of one size by a law that is fitted to the others."""

    column: str
    """Name of the size."""
    left_out_from: float
    """Smallest value that was left out."""
    cells: int
    """Number of cells that were left out."""
    extrapolation: float
    """Largest value of the size over the largest fitted one."""
    rmse_log: float
    """Root mean square of log(predicted / observed mean)."""
    bias: float
    """Mean of predicted / observed - 1; above 0 if the predicted error is too large."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JointEstimate:
    """Estimate of the joint form on one group of points."""

    parameters: dict[str, Interval]
    """Parameters by name, with their 95 % intervals."""
    draws: JointDraws
    """Bootstrap draws of the parameters."""
    alternatives: tuple[JointDraws, ...] = ()
    """Draws of the form without a floor, if the data do not exclude it; intervals include them."""
    dispersion: Dispersion
    """Dispersion of the means about the law."""
    rmse_log: float
    """Root mean square of log(fitted / observed mean) over the cells."""
    held_out: tuple[JointHeldOut, ...]
    """Predictions of the largest values of N, and of the largest values of D."""
    loss: JointLoss

    @property
    def estimates(self) -> FloatArray:
        """Estimated parameters, in the order of the form: [parameters]."""
        return np.array([self.parameters[name].estimate for name in JOINT.parameters])

    @property
    def draw_sets(self) -> tuple[JointDraws, ...]:
        """Sets of draws of the parameters; an interval covers the interval of each set."""
        return (self.draws, *self.alternatives)

    def predict(self, sizes: Sequence[Sequence[float]] | FloatArray) -> FloatArray:
        """Return the fitted mean at pairs of sizes, [pairs, 2]: [pairs]."""
        return JOINT.evaluate(self.estimates, np.asarray(sizes, dtype=float))

    def derived_interval(self, quantity: Callable[[JointDraws], FloatArray]) -> Interval:
        """Return a number that follows from the parameters, with its 95 % interval.

        Args:
            quantity: from draws to [draws]; may be infinite.
        """
        point = JointDraws(JOINT, self.estimates[None])
        return Interval.from_draws(float(quantity(point)[0]), [quantity(draws) for draws in self.draw_sets])


@dataclass(frozen=True, kw_only=True, eq=False)
class JointLaw(JointEstimate):
    """A joint law: the estimate of E + A N^-alpha + B D^-beta on one group of points, with its status."""

    status: Status
    reason: str
    """Reasons why the law is not usable without caution; empty if it is."""

    def with_caution(self, reason: str) -> JointLaw:
        """Return the law with one more reason for caution; an empty reason changes nothing."""
        if not reason or self.status is Status.REJECTED:
            return self
        return replace(self, status=Status.CAUTION, reason="; ".join(filter(None, (self.reason, reason))))

    def to_dict(self) -> dict[str, Any]:
        """Return the law as JSON values, without the draws."""
        return {
            "formula": JOINT.formula,
            "loss": self.loss.value,
            "parameters": {name: asdict(interval) for name, interval in self.parameters.items()},
            "dispersion": self.dispersion.to_dict(),
            "rmse_log": self.rmse_log,
            "held_out": [asdict(held) for held in self.held_out],
            "status": self.status.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class JointFit:
    """Joint law of one group of points."""

    group: dict[str, str]
    """Values that the points have in common: ``{"architecture": "lenet5"}``."""
    points: JointPoints
    law: JointLaw | None
    """The law; None if it cannot be fitted, and a note gives the reason."""
    frontier: Frontier | None
    """Compute-optimal frontier; None without a column of costs, or if a note gives a reason."""
    estimand: str
    """What the law describes, such as the mean error over seeds on this test set."""
    notes: tuple[str, ...]
    """Sentences about what was left out or is unusual."""

    def __repr__(self) -> str:
        return f"<JointFit of {self.label}: {self.law.status if self.law else 'no law'}>"

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
            "x": list(points.names),
            "y": points.y_name,
            "estimand": self.estimand,
            "notes": list(self.notes),
            "test_images": points.test_images,
            "points": {
                "x": points.cell_sizes.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
            },
            "laws": {} if self.law is None else {JOINT.name: self.law.to_dict()},
            "frontier": None if self.frontier is None else self.frontier.to_dict(),
        }

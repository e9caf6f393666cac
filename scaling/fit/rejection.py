"""Error-reject curves: the error among accepted images against the share of images that are rejected.

A network rejects the images of which it is least certain. Its certainty is the margin: the difference between
the two largest outputs. A threshold on the margin is an operating point: a rejected share, and an error among
the accepted images. Runs of one network with different seeds are replicates: curves are means over runs, with
Student's interval at each share.

Set here: the margin as the certainty. Images with equal margins are rejected together; outputs in half
precision make equal margins common. At a share between two operating points, the smaller share is rejected,
so a curve is the error if at most this share may be rejected. The share that an error requires is the
smallest one at which it is reached, although a larger share can have a larger error. Each run has a threshold
of its own, chosen on the test images. A margin that is not a number counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Integer

from scaling.fit.diagnosis.status import Assessment, assess_runs
from scaling.fit.interval import Interval
from scaling.fit.result import Status

REJECTED_SHARES = np.array([*(k / 400 for k in range(40)), *(k / 100 for k in range(10, 96))])
"""Shares at which curves are evaluated: 0 to 10 % in steps of 0.25 %, then to 95 % in steps of 1 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OperatingPoints:
    """All operating points of one run, by rising share."""

    shares: Float[np.ndarray, " points"]
    """Rejected shares of the images; the first is 0."""
    errors: Float[np.ndarray, " points"]
    """Errors among the accepted images."""

    def error_at(self, shares: Float[np.ndarray, " shares"]) -> Float[np.ndarray, " shares"]:
        """Return the error among accepted images if at most these shares are rejected."""
        return np.asarray(self.errors[np.searchsorted(self.shares, shares, side="right") - 1])

    def required_share(self, target_error: float) -> float:
        """Return the smallest rejected share whose error is at most the target; NaN if there is none."""
        reached = np.flatnonzero(self.errors <= target_error)
        return float(self.shares[reached[0]]) if len(reached) else nan


@dataclass(frozen=True, kw_only=True)
class RequiredRejection:
    """Share of images that has to be rejected for an error among the accepted images."""

    ESTIMAND: ClassVar[str] = (
        "mean over seeds of the smallest rejected share of this test set with an error of at most the target"
    )

    target_error: float
    share: Interval
    """NaN if a run never reaches the target; the limits are NaN for a single run."""
    runs: int
    runs_without: int
    """Number of runs that reach the target without rejection."""
    runs_never: int
    """Number of runs that reach the target at no share."""
    status: Status
    reason: str
    """Reasons why the share is not usable without caution; empty if it is."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "estimand": self.ESTIMAND,
            "target_error": self.target_error,
            **vars(self.share),
            "runs": self.runs,
            "runs_without": self.runs_without,
            "runs_never": self.runs_never,
            "status": self.status.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class RejectionCurve:
    """Error-reject curve of one network, over its seeds."""

    ESTIMAND: ClassVar[str] = (
        "mean over seeds of the error among the accepted images of this test set, if at most this share is"
        " rejected"
    )

    shares: tuple[float, ...]
    errors: tuple[Interval, ...]
    """Error at each share, with a pointwise interval; the limits are NaN for a single run."""
    runs: int
    test_images: int
    required: RequiredRejection
    status: Status
    reason: str
    """Reasons why the errors are not usable without caution; empty if they are."""

    def error_at(self, share: float) -> Interval:
        """Return the error at the largest evaluated share that is not above ``share``."""
        return self.errors[int(np.searchsorted(self.shares, share, side="right")) - 1]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as JSON values."""
        return {
            "estimand": self.ESTIMAND,
            "runs": self.runs,
            "test_images": self.test_images,
            "status": self.status.value,
            "reason": self.reason,
            "required": self.required.to_dict(),
            "errors": [
                {"rejected": share, **vars(error)}
                for share, error in zip(self.shares, self.errors, strict=True)
            ],
        }


def find_operating_points(
    logits: Float[np.ndarray, "images classes"], labels: Integer[np.ndarray, " images"]
) -> OperatingPoints:
    """Return the operating points of one run, one for each margin that occurs.

    Args:
        logits: outputs for each image.
        labels: classes of the images.
    """
    # In double precision, the difference of two numbers in half precision is exact, and so are ties.
    second, largest = np.partition(logits.astype(float), -2, axis=1)[:, -2:].T
    with np.errstate(invalid="ignore"):  # equal infinite outputs have no difference
        margins = np.nan_to_num(largest - second, nan=0.0, posinf=np.inf)
    order = np.argsort(margins)
    wrong = (logits.argmax(axis=1) != labels)[order]
    margins = margins[order]
    rejected = np.flatnonzero(np.concatenate([[True], margins[1:] != margins[:-1]]))
    wrong_rejected = np.concatenate([[0], np.cumsum(wrong)])[rejected]
    return OperatingPoints(
        shares=rejected / len(labels), errors=(wrong.sum() - wrong_rejected) / (len(labels) - rejected)
    )


def estimate_rejection(
    logits: Float[np.ndarray, "runs images classes"],
    labels: Integer[np.ndarray, " images"],
    *,
    target_error: float,
    shares: Sequence[float] | Float[np.ndarray, " shares"] = REJECTED_SHARES,
    has_seeds: bool = True,
) -> RejectionCurve:
    """Estimate the error-reject curve of one network, and the rejected share that an error requires.

    Args:
        logits: outputs of each run on the same images.
        labels: classes of the images.
        target_error: error among accepted images to be reached, a fraction.
        shares: rejected shares at which the curve is evaluated, rising from 0.
        has_seeds: False for an architecture without random numbers, which has one run.
    """
    points = [find_operating_points(run, labels) for run in logits]
    errors = np.stack([run.error_at(np.asarray(shares)) for run in points])
    assessment = _assess_runs(errors, has_seeds=has_seeds)
    return RejectionCurve(
        shares=tuple(map(float, shares)),
        errors=tuple(Interval.of_mean(values, at_least=0.0, at_most=1.0) for values in errors.T),
        runs=len(logits),
        test_images=len(labels),
        required=_required_rejection(
            np.array([run.required_share(target_error) for run in points]), target_error, has_seeds=has_seeds
        ),
        status=assessment.status,
        reason=assessment.reason,
    )


def _required_rejection(
    shares: Float[np.ndarray, " runs"], target_error: float, *, has_seeds: bool
) -> RequiredRejection:
    n_never, n_without = int(np.isnan(shares).sum()), int((shares == 0).sum())
    if n_never:
        assessment = Assessment.rejected(
            f"{n_never} of {len(shares)} runs have no rejected share with an error of at most"
            f" {100 * target_error:g} %"
        )
    else:
        assessment = _assess_runs(shares[:, None], has_seeds=has_seeds, n_without=n_without)
    return RequiredRejection(
        target_error=target_error,
        share=Interval.of_mean(shares, at_least=0.0, at_most=1.0),
        runs=len(shares),
        runs_without=n_without,
        runs_never=n_never,
        status=assessment.status,
        reason=assessment.reason,
    )


def _assess_runs(
    values: Float[np.ndarray, "runs quantities"], *, has_seeds: bool, n_without: int = 0
) -> Assessment:
    """Assess means over runs; ``n_without``: number of runs that need no rejection."""
    runs, reasons = len(values), []
    if n_without == runs:
        reasons.append("no run needs rejection, so the interval has no width")
    elif n_without:
        reasons.append(f"{n_without} of {runs} runs need no rejection, so the interval is approximate")
    elif (values == values[0]).all():
        reasons.append("the runs do not differ")
    return assess_runs(runs, reasons, has_seeds=has_seeds)

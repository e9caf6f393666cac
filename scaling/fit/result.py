"""What a fit says. A number never travels alone: estimate, interval, n, estimand, status."""

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
from scaling.fit.forms import Form

MISFIT_P = 0.01
"""A form that would lie so far from the means by chance this rarely misses them."""
CONFIDENCE_LEVEL = 0.95
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
    CAUTION = "caution"
    REJECTED = "rejected"


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
    """[resamplings, parameters]: the same fit on resampled seeds, spread for few seeds as ``scaling.fit.estimation.bootstrap`` says."""
    draws_at_bound: NDArray[np.float64] | None
    """Where the floor may be 0: the draws of the law without one, whose intervals are taken in; those held at the bound are too narrow."""
    dispersion: Dispersion
    """Of means, which the intervals rest on."""
    rmse_log: float
    """Root mean square of log(fitted / observed mean) over the widths."""
    aicc: float | None
    """Akaike's criterion, corrected for as many points as there are widths; None where these are too few, or no replicates tell the scatter."""
    held_out: tuple[HeldOut, ...]
    """Leaving out the widest one, the widest two and so on; empty where too few widths remain."""
    status: Status
    reason: str
    """Why it is not plainly usable; empty where it is."""

    def interval(self, name: str) -> Interval:
        """A parameter with its 95 % interval.

        Raises:
            UsageError: the form has none of this name.
        """
        if name not in self.parameters:
            raise UsageError(
                f"{name}: {self.form.formula} has no such parameter; it has {', '.join(self.parameters)}"
            )
        return self.parameters[name]

    def predict(self, x: Sizes) -> NDArray[np.float64]:
        """The fitted mean at ``x``."""
        estimates = np.array([self.parameters[name].estimate for name in self.form.parameters])
        return self.form.evaluate(estimates, np.asarray(x, dtype=float))

    def ends(
        self, of: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The 95 % interval of something that follows from the parameters.

        Args:
            of: from [draws, parameters] to [draws, ...]; may be infinite.
        """
        found = []
        for draws in (self.draws,) if self.draws_at_bound is None else (self.draws, self.draws_at_bound):
            ordered = np.sort(of(draws), axis=0)  # between order statistics, because values may be infinite
            tail = int(len(draws) * (1 - CONFIDENCE_LEVEL) / 2)
            found.append((ordered[tail], ordered[-1 - tail]))
        lows, highs = zip(*found, strict=True)
        return np.asarray(np.min(lows, axis=0)), np.asarray(np.max(highs, axis=0))

    def band(
        self, x: Sizes, *, simultaneous: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The 95 % band of the mean at ``x``.

        Args:
            x: sizes.
            simultaneous: the band holds the whole curve at these sizes in 95 % of studies; otherwise it does so at each one by itself.
        """
        at = np.asarray(x, dtype=float)

        def curves(draws: NDArray[np.float64]) -> NDArray[np.float64]:
            return self.form.evaluate(np.expand_dims(draws, tuple(range(1, at.ndim + 1))), at)

        if not simultaneous:
            return self.ends(curves)
        middle, found = np.log(self.predict(at)), []
        for draws in (self.draws,) if self.draws_at_bound is None else (self.draws, self.draws_at_bound):
            away = np.log(curves(draws)) - middle
            # The furthest place of each curve, in units of the curves' spread there (Montiel Olea & Plagborg-Moller 2019).
            spread = np.sqrt((away**2).mean(axis=0))
            furthest = (np.abs(away) / np.where(spread > 0, spread, 1)).reshape(len(draws), -1).max(axis=1)
            found.append(np.quantile(furthest, CONFIDENCE_LEVEL) * spread)
        half, (low, high) = np.max(found, axis=0), self.ends(curves)
        # Each place by itself is in it, also where the draws lie more to one side.
        return np.asarray(np.minimum(np.exp(middle - half), low)), np.asarray(
            np.maximum(np.exp(middle + half), high)
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the draws are left out."""
        return {
            "formula": self.form.formula,
            "parameters": {name: asdict(interval) for name, interval in self.parameters.items()},
            "dispersion": self.dispersion.to_dict(),
            "rmse_log": self.rmse_log,
            "aicc": self.aicc,
            "held_out": [{**asdict(held), "left_out": list(held.left_out)} for held in self.held_out],
            "status": self.status.value,
            "reason": self.reason,
        }


class FormChoice(StrEnum):
    """Between forms."""

    POWER = "power law"
    FLOOR = "floor needed"
    BENDS = "bends"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A choice between the forms, and what it rests on; None where that can't be computed."""

    choice: FormChoice
    floor_p: float | None
    """How often points of a law without a floor would speak for one as strongly as these."""
    floor_limit: float | None
    """The upper limit of the floor, over the widest networks' mean error."""
    holdout_ok: bool | None
    """Whether the widest networks lie in the prediction interval of the law of the narrower ones, all at once."""
    floor_fits_p: float | None
    """How often means lie as far from a law above a floor, if it is right."""
    bend_fits_p: float | None
    """The same of a law that bends; None where the law with a floor fits, or below eight widths."""

    @property
    def evidence(self) -> str:
        """In words."""
        told = [] if self.floor_p is None else [f"a floor of 0: p = {self.floor_p:.2g}"]
        if self.floor_limit is not None:
            # A law that misses the means says nothing of a floor.
            missed = (
                ", in a law that misses the means"
                if self.floor_fits_p is not None and self.floor_fits_p < MISFIT_P
                else ""
            )
            told.append(f"the floor is at most {100 * self.floor_limit:.0f} % of the widest error{missed}")
        if self.holdout_ok is not None:
            told.append(
                f"a power law of the narrower networks {'foretells' if self.holdout_ok else 'misses'} the widest"
            )
        if self.floor_fits_p is not None and self.bend_fits_p is not None:
            told.append(
                f"means that lie as far from the law with a floor: p = {self.floor_fits_p:.2g}, with a bend: p = {self.bend_fits_p:.2g}"
            )
        return "; ".join(told)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "choice": self.choice.value, "evidence": self.evidence}


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """All forms, side by side, for one group of points."""

    group: dict[str, str]
    """What the points have in common: ``{"architecture": "lenet5"}``."""
    points: Points
    laws: dict[str, Law]
    """By the form's name: ``power`` and ``floor``, and others where they are asked for or needed. A form that the points can't tell is
    missing, and a note says why."""
    robust: dict[str, Law]
    """The same laws where runs far from the others of their width are drawn in; empty where no run is."""
    estimand: str
    notes: tuple[str, ...]
    """What was left out or looks odd, each a sentence."""

    verdict: Verdict
    """Which of the forms the points ask for."""
    costs: dict[str, CostCurve] = field(default_factory=dict)
    """``parameters`` and ``macs`` along x, where the table has them."""

    @property
    def dispersion(self) -> float | None:
        """Variance of one run over a binomial's (for bare values: over its squared mean), pooled over widths; None without replicates."""
        known = self.points.run_dispersion
        return None if known is None else known.value

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

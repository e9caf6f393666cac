"""What a fit says. A number never travels alone: estimate, interval, n, estimand, status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling.errors import UsageError
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
    bound: NDArray[np.float64] | None
    """Where the floor may be 0: the draws of the law without one, whose intervals are taken in; those held at the bound are too narrow."""
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
            raise UsageError(f"{name}: {self.form.formula} has no such parameter; it has {', '.join(self.parameters)}")
        return self.parameters[name]

    def predict(self, x: Sizes) -> NDArray[np.float64]:
        """The fitted mean at ``x``."""
        estimates = np.array([self.parameters[name].estimate for name in self.form.parameters])
        return self.form.evaluate(estimates, np.asarray(x, dtype=float))

    def ends(self, of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The 95 % interval of something that follows from the parameters.

        Args:
            of: from [draws, parameters] to [draws, ...]; may be infinite.
        """
        found = []
        for draws in (self.draws,) if self.bound is None else (self.draws, self.bound):
            ordered = np.sort(of(draws), axis=0)  # between order statistics, because values may be infinite
            tail = int(len(draws) * (1 - LEVEL) / 2)
            found.append((ordered[tail], ordered[-1 - tail]))
        lows, highs = zip(*found, strict=True)
        return np.asarray(np.min(lows, axis=0)), np.asarray(np.max(highs, axis=0))

    def band(self, x: Sizes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pointwise 95 % band of the mean at ``x``."""
        at = np.asarray(x, dtype=float)
        return self.ends(lambda draws: self.form.evaluate(np.expand_dims(draws, tuple(range(1, at.ndim + 1))), at))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the draws are left out."""
        return {
            "formula": self.form.formula,
            "parameters": {name: asdict(interval) for name, interval in self.parameters.items()},
            "rmse_log": self.rmse_log,
            "aicc": self.aicc,
            "held_out": [{**asdict(held), "left_out": list(held.left_out)} for held in self.held_out],
            "status": self.status.value,
            "reason": self.reason,
        }


class Choice(StrEnum):
    """Between a law with a floor and one without."""

    POWER = "power law"
    FLOOR = "floor needed"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A choice between the forms, and what it rests on; None where that can't be computed."""

    choice: Choice
    floor_p: float | None
    """How often points of a law without a floor would speak for one as strongly as these."""
    ceiling: float | None
    """The upper limit of the floor, over the widest networks' mean error."""
    foreseen: bool | None
    """Whether the widest networks lie in the prediction interval of the law of the narrower ones, all at once."""

    @property
    def evidence(self) -> str:
        """In words."""
        told = [] if self.floor_p is None else [f"a floor of 0: p = {self.floor_p:.2g}"]
        told += [] if self.ceiling is None else [f"the floor is at most {100 * self.ceiling:.0f} % of the widest error"]
        if self.foreseen is not None:
            told.append(f"the widest networks lie {'inside' if self.foreseen else 'outside'} what the narrower ones foretell")
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
    """By the form's name: ``power`` and ``floor``. A form that the points can't tell is missing, and a note says why."""
    estimand: str
    notes: tuple[str, ...]
    """What was left out or looks odd, each a sentence."""

    verdict: Verdict
    """Which of the forms the points ask for."""
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
            "verdict": self.verdict.to_dict(),
            "laws": {name: law.to_dict() for name, law in self.laws.items()},
        }

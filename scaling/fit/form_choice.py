"""Choice between the forms: the verdict, with its evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from scaling.fit.forms import FLOOR, POWER, Form
from scaling.fit.interval import FloatArray

MISFIT_P = 0.01
"""p-value below which a form misfits the means."""
BEND_TOLERANCE = 0.05
"""Relative difference up to which the predictions of a floor and of a bend agree."""
FAR = 10.0
"""Ratio to the widest size at which a verdict states the predictions of a floor and of a bend."""


class FormChoice(StrEnum):
    """Choice between the forms."""

    POWER = "power law"
    FLOOR = "floor needed"
    BENDS = "bends"
    UNCLEAR = "cannot tell"


def _percent(share: float) -> str:
    """Return an upper limit in whole per cent, at least 1 %: a limit of 0 % would promise too much."""
    return f"{max(1, round(100 * share))} %"


_FORM_OF_CHOICE = {
    FormChoice.POWER: POWER.name,
    FormChoice.FLOOR: FLOOR.name,
    FormChoice.UNCLEAR: FLOOR.name,  # a floor of 0 is possible
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PossibleBend:
    """Bend to a smaller exponent that fits the means beside a law with a floor."""

    form: Form
    parameters: FloatArray
    """Estimated parameters of the law that bends, in the order of the form: [parameters]."""
    fits_p: float
    """p-value of the misfit of the law that bends."""
    agrees_to: float
    """Largest ratio to the widest size up to which both laws predict the same means, to 5 %; at most 100."""
    far_means: tuple[float, float]
    """Means at ten times the widest size: with the floor, and with the bend."""

    def predict(self, x: float | int) -> float:
        """Return the mean of the law that bends at a size."""
        return float(self.form.evaluate(self.parameters, np.array([float(x)]))[0])

    @property
    def description(self) -> str:
        """The bend as text, with what it predicts."""
        beyond = dict(zip(self.form.parameters, self.parameters, strict=True))["beyond"]
        bend = f"a bend to the exponent {beyond:.2g} fits too (misfit: p = {self.fits_p:.2g})"
        agreement = f"with the means of the floor, to {100 * BEND_TOLERANCE:g} %, up to"
        if self.agrees_to >= FAR:
            return f"{bend}, {agreement} {FAR:g} times the widest size or more"
        floor_mean, bend_mean = self.far_means
        return (
            f"{bend}, {agreement} {self.agrees_to:.2g} times the widest size; at {FAR:g} times, the mean is "
            f"{floor_mean:.3g} with the floor or {bend_mean:.3g} with the bend"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the bend as JSON values."""
        return {
            "parameters": dict(zip(self.form.parameters, self.parameters.tolist(), strict=True)),
            "fits_p": self.fits_p,
            "agrees_to": self.agrees_to,
            "far_means": list(self.far_means),
        }


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Choice between the forms, with its evidence; evidence that cannot be computed is None."""

    choice: FormChoice
    floor_p: float | None = None
    """p-value of the likelihood-ratio test of a floor of 0."""
    floor_limit: float | None = None
    """Upper 95 % limit of the floor, divided by the mean error of the widest networks."""
    drift_limit: float | None = None
    """Upper 95 % limit of the change of the local exponent over the measured sizes, relative to the
    exponent."""
    holdout_ok: bool | None = None
    """True if the widest networks lie in the joint prediction interval of the power law of the narrower
    ones."""
    floor_fits_p: float | None = None
    """p-value of the misfit of the law with a floor."""
    bend_form: str = ""
    """Name of the form that bends and was compared with the law with a floor; empty without comparison."""
    bend_fits_p: float | None = None
    """p-value of the misfit of the law that bends; None if the law with a floor fits, or below eight
    widths."""
    possible_bend: PossibleBend | None = None
    """Bend that fits too if the verdict is ``floor needed``; None if no bend does."""

    @property
    def form(self) -> str:
        """Name of the form that describes the group; with a floor, which may be 0, for ``cannot tell``."""
        return self.bend_form if self.choice is FormChoice.BENDS else _FORM_OF_CHOICE[self.choice]

    @property
    def evidence(self) -> str:
        """Evidence as text."""
        evidence = [] if self.floor_p is None else [f"a floor of 0: p = {self.floor_p:.2g}"]
        if self.possible_bend is not None:
            evidence.append(self.possible_bend.description)
        if self.floor_limit is not None:
            # A law that misfits the means says nothing about a floor.
            misfit = self.floor_fits_p is not None and self.floor_fits_p < MISFIT_P
            limit = (
                f"the floor is at most {_percent(self.floor_limit)} of the mean of the widest networks"
                if self.floor_limit < 1
                else "the floor may be as large as the mean of the widest networks"
            )
            evidence.append(limit + (", in a law that misfits the means" if misfit else ""))
        if self.drift_limit is not None:
            evidence.append(
                f"the local exponent changes by at most {_percent(self.drift_limit)} over the sizes"
                if self.drift_limit < 1
                else "the local exponent may change by more than itself over the sizes"
            )
        if self.holdout_ok is not None:
            predicts = "predicts" if self.holdout_ok else "does not predict"
            evidence.append(f"a power law of the narrower networks {predicts} the widest")
        if self.floor_fits_p is not None and self.bend_fits_p is not None:
            evidence.append(
                f"misfit of the law with a floor: p = {self.floor_fits_p:.2g}, "
                f"of the law that bends: p = {self.bend_fits_p:.2g}"
            )
        return "; ".join(evidence)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        bend = self.possible_bend
        return {
            **asdict(replace(self, possible_bend=None)),
            "choice": self.choice.value,
            "possible_bend": None if bend is None else bend.to_dict(),
            "evidence": self.evidence,
        }

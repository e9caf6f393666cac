"""Options of an estimation that travel together."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.errors import UsageError
from scaling.fit.forms import FLOOR, FORMS, POWER

DEFAULT_FORMS = (POWER.name, FLOOR.name)
"""Forms that are always reported side by side, because the verdict is between them."""


@dataclass(frozen=True, kw_only=True)
class EstimationOptions:
    """Forms to fit, held-out widths and bootstrap draws.

    Raises:
        UsageError: an unknown form, no form, or no resampling.
    """

    forms: tuple[str, ...] = DEFAULT_FORMS
    """Names of the forms: ``power``, ``floor``, ``broken`` or ``m4``. If the verdict is that the law bends,
    ``broken`` is added."""
    holdout: int = 3
    """Largest number of widest widths that further fits leave out and predict.

    Fewer are left out if fewer than parameters + 2 widths would remain."""
    resamplings: int = 2000
    """Number of bootstrap draws for the intervals, at least 1."""
    seed: int = 0
    """Seed of the bootstrap draws; the same for every form, so that the draws of two forms are paired."""

    def __post_init__(self) -> None:
        for name in self.forms:
            if name not in FORMS:
                raise UsageError(f"{name}: expected one of {', '.join(FORMS)}", option="forms")
        if not self.forms or self.resamplings < 1:
            raise UsageError("a fit needs at least one form and at least one resampling")

"""Options of a fit: columns and curves, and how the forms are estimated."""

from __future__ import annotations

from collections.abc import Sequence
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
                raise UsageError(f"{name!r} is unknown; must be one of {', '.join(FORMS)}", option="forms")
        if not self.forms or self.resamplings < 1:
            raise UsageError("a fit needs at least one form and at least one resampling")


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Columns, forms and held-out sizes of a fit."""

    x: str = "filters"
    """Column of the size, such as ``parameters`` or ``macs``."""
    y: str = "test_error"
    """Column of the error."""
    by: Sequence[str] | None = None
    """Columns whose values tell curves apart; None for the default of the source."""
    form: str = "auto"
    """``auto`` for a power law with and without a floor, side by side. ``power`` or ``floor`` shows one of them, and the
    verdict still compares both. ``broken`` or ``m4`` adds this form to both."""
    holdout: int = 3
    """Largest number of widest networks that a law is tested on."""
    std: str | None = None
    """Column of known standard deviations of y; None if they are estimated from the replicates."""


@dataclass(frozen=True, kw_only=True)
class CountColumns:
    """Columns of an external table that give ``test_error`` as a fraction of counts."""

    errors: str
    """Column of the number of wrong predictions."""
    of: str
    """Column of the number of predictions."""


@dataclass(frozen=True, kw_only=True)
class BestOver:
    """A column of which only the best value at each size counts, such as ``learning_rate``."""

    column: str
    validation: str = "val_error"
    """Column of the validation error that chooses the best value."""

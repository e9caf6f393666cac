"""Options of a fit: which columns, which curves and which forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Columns, forms and held-out sizes of a fit."""

    x: str = "filters"
    """Column of the size, such as ``parameters`` or ``macs``."""
    y: str = "test_error"
    """Column of the error."""
    by: Sequence[str] | None = None
    """Columns whose values separate the curves; None for the default of the source."""
    form: str = "auto"
    """Form to show: ``auto``, ``power``, ``floor``, ``broken`` or ``m4``.

    ``auto`` is a power law with and without a floor, side by side. ``power`` or ``floor`` shows one of them,
    and the verdict still compares both. ``broken`` or ``m4`` adds this form to both.
    """
    holdout: int = 3
    """Largest number of widest networks that a law is tested on."""
    std: str | None = None
    """Column of known standard deviations of y; None if they are estimated from the replicates."""


@dataclass(frozen=True, kw_only=True)
class CountColumns:
    """Columns of an external table that give ``test_error`` as a fraction of counts."""

    error_counts: str
    """Column of the number of misclassified test images."""
    image_counts: str
    """Column of the number of test images."""


@dataclass(frozen=True, kw_only=True)
class BestOver:
    """A column of which only the best value at each size counts, such as ``learning_rate``."""

    column: str
    validation: str = "val_error"
    """Column of the validation error that chooses the best value."""
